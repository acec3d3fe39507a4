"""How long the deal has been there."""

from __future__ import annotations

from features.feature import Family, Feature, Unit, Vocabulary, Wording
from features.questions import AsOf, Static


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "age",
        {},
        (
            Feature(
                "age_days",
                AsOf() - Static("created_day"),
                Unit.DAYS,
                group="age",
                meaning="Days since the deal was entered.",
                wording=Wording(
                    "The deal has been open for {value}.",
                    peers="deals open for {bin}",
                    zero="The deal was entered today.",
                ),
            ),
        ),
    )

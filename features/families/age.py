"""How long the deal has been there, and how long deals take that are won."""

from __future__ import annotations

from features.families.company import usual_days
from features.feature import Family, Feature, Unit, Vocabulary, Wording
from features.questions import AsOf, Question, Static

AGE: Question = AsOf() - Static("created_day")
"""Days since the deal was entered."""

AGAINST_USUAL = (0, 0.2, 0.5, 1, 1.5, 2, 3)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "age",
        {},
        (
            Feature(
                "age_days",
                AGE,
                Unit.DAYS,
                group="age",
                meaning="Days since the deal was entered.",
                wording=Wording(
                    "The deal has been open for {value}.",
                    peers="deals open for {bin}",
                    zero="The deal was entered today.",
                ),
            ),
            Feature(
                "age_against_won_cycle",
                AGE / usual_days("company_closings"),
                Unit.RATIO,
                group="age",
                meaning="Days since the deal was entered ÷ the mean days that won deals took, as known at the date.",
                wording=Wording(
                    "The deal has been there {value} as long as won deals usually took.",
                    peers="deals {bin} as old as won deals were",
                    missing="No deal has been won yet to compare the deal's age with.",
                ),
                bins=AGAINST_USUAL,
            ),
        ),
    )

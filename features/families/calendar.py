"""Where the date lies in the fiscal period and in the year."""

from __future__ import annotations

from features.feature import Family, Feature, Unit, Vocabulary, Wording
from features.questions import DaysToPeriodEnd


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    period = vocabulary.calendar.period
    if not vocabulary.seasoned:
        return Family("calendar", {}, ())
    return Family(
        "calendar",
        {},
        (
            Feature(
                "days_to_period_end",
                DaysToPeriodEnd(),
                Unit.DAYS,
                group="season",
                meaning=f"Days to the end of the {period}.",
                wording=Wording(
                    f"The {period} ends in {{value}}.",
                    peers=f"deals {{bin}} before the end of a {period}",
                    zero=f"The {period} ends today.",
                ),
            ),
        ),
    )

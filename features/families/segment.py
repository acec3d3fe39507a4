"""What kind of deal it is: the as-of record of its type, source, product, region and the like."""

from __future__ import annotations

from collections.abc import Callable

from features.families.age import AGAINST_USUAL, AGE
from features.families.amount import AGAINST_USUAL as AGAINST_USUAL_AMOUNT
from features.families.company import RECORD, closings_by, shrunken_amount, shrunken_days
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Last, Question, Sum, shrunken_rate
from features.stream import Events

SEGMENT_FIELDS = ("type", "lead_source", "product", "region")
"""Fields of opportunities that name a segment, in the order in which people are shown them."""

LEVEL_ENTRY = "One event each time the field of a deal gets a level (its first included)."
LEVEL_CLOSING = "One event a closing, of the level that the field had just before."

LATELY = 180
"""Days; what has been closed since then is the record of a segment, as far as it goes."""
STRENGTH = 20
"""Deals that a rate is pulled by towards the one behind it."""

WHAT_IS_SOLD = ("type", "product")
"""Those that decide what is usual: how much deals are worth, and how long they take."""


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: two streams and two features a segment field, and two more of what is sold."""
    streams: dict[str, StreamSource] = {}
    features: list[Feature] = []
    for field in vocabulary.segments:
        streams[f"{field}_entries"] = StreamSource("deal", level_entries(field), LEVEL_ENTRY)
        streams[f"{field}_closings"] = StreamSource(field, level_closings(field), LEVEL_CLOSING)
        features += (_win_rate(field), _share(field))
        features += (_amount_against(field), _age_against(field)) if field in WHAT_IS_SOLD else ()
    return Family("segment", streams, tuple(features))


def _win_rate(field: str) -> Feature:
    spoken = field.replace("_", " ")
    return Feature(
        f"{field}_win_rate",
        level_win_rate(f"{field}_closings"),
        Unit.SHARE,
        group=f"segment_{field}",
        meaning=f"Share won of the deals of the same {spoken} that were closed in the last {LATELY} days, shrunk to "
        "that of those before, and this to the company's.",
        wording=Wording(
            f"{spoken.capitalize()}: {{{field}}}, of which {{value}} were won lately.",
            peers=f"deals of a {spoken} with a win rate of {{bin}}",
        ),
        record=True,
    )


def _share(field: str) -> Feature:
    spoken = field.replace("_", " ")
    return Feature(
        f"{field}_share",
        Count(f"{field}_closings") / Count("company_closings") / given(field),
        Unit.SHARE,
        group=f"segment_{field}",
        meaning=f"Share of all closed deals that were of the same {spoken}, as known at the date.",
        wording=Wording(
            f"{spoken.capitalize()}: {{{field}}}, as were {{value}} of the deals closed so far.",
            peers=f"deals of a {spoken} that makes up {{bin}} of all",
            zero=f"Hardly any deal of the {spoken} {{{field}}} has been closed so far.",
            missing=f"The {spoken} is not given, or no deal has been closed yet.",
        ),
    )


def _amount_against(field: str) -> Feature:
    spoken = field.replace("_", " ")
    return Feature(
        f"amount_against_{field}",
        Last("amounts", "value") / shrunken_amount(f"{field}_closings", 10) / given(field),
        Unit.RATIO,
        group="amount",
        meaning=f"Amount ÷ the mean amount of won deals of the same {spoken}, shrunk to the mean of all won deals.",
        wording=Wording(
            f"{{value}} the size of the usual won deal of the {spoken} {{{field}}}.",
            peers=f"deals {{bin}} the usual size for their {spoken}",
            missing=f"No amount has been entered, the {spoken} is not given, or no deal has been won yet.",
        ),
        bins=AGAINST_USUAL_AMOUNT,
    )


def _age_against(field: str) -> Feature:
    spoken = field.replace("_", " ")
    return Feature(
        f"age_against_{field}",
        AGE / shrunken_days(f"{field}_closings", 10) / given(field),
        Unit.RATIO,
        group="age",
        meaning=f"Days since the deal's entry ÷ the mean days that won deals of the same {spoken} took, shrunk to all.",
        wording=Wording(
            f"The deal has been there {{value}} as long as won deals of the {spoken} {{{field}}} took.",
            peers=f"deals {{bin}} as old as won deals of their {spoken} were",
            missing=f"The {spoken} is not given, or no deal has been won yet to compare the deal's age with.",
        ),
        bins=AGAINST_USUAL,
    )


def given(field: str) -> Question:
    """1 where the deal's field has a level, else 0; to divide by, so that a deal without one is not compared."""
    return Last(f"{field}_entries", "given")


def level_win_rate(closings: str) -> Question:
    """Share won of the level's closings lately, shrunk to that of those before, and this to the company's.

    What sells changes: a record of all years would speak for a product long after its time.
    """
    won, closed = Sum(closings, "won", days=LATELY), Count(closings, days=LATELY)
    before = shrunken_rate(Sum(closings, "won") - won, Count(closings) - closed, RECORD, STRENGTH)
    return shrunken_rate(won, closed, before, STRENGTH)


def level_entries(field: str) -> Callable[[Histories], Events | Absent]:
    """One event each time a deal's field gets a level (its first included), in the stream `…_entries`."""

    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(field):
            return not_known(field)
        coded = histories.coded(field)
        return Events(coded.history.deal, coded.history.at, {"code": coded.code, "given": coded.code >= 0})

    return events


def level_closings(field: str) -> Callable[[Histories], Events | Absent]:
    """One event a closing, of the level that the field had just before, in the stream `…_closings`."""

    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(field):
            return not_known(field)
        return closings_by(histories, histories.code_at_closing(field))

    return events


def not_known(field: str) -> Absent:
    """Why a field that may have changed has no features."""
    return Absent(f"{field} has no recorded history and is not declared fixed")

"""What kind of deal it is: the as-of win rate of its type, source, product, region and the like."""

from __future__ import annotations

from collections.abc import Callable

from features.families.company import closings_by
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Sum, shrunken_rate
from features.stream import Events

_PRIOR = (Sum("company_closings", "won") + 1) / (Count("company_closings") + 2)

SEGMENT_FIELDS = ("type", "lead_source", "product", "region")
"""Fields of opportunities that name a segment, in the order in which people are shown them."""


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: two streams and two features a segment field."""
    streams: dict[str, StreamSource] = {}
    features: list[Feature] = []
    for field in vocabulary.segments:
        streams[f"{field}_entries"] = StreamSource("deal", _entries(field))
        streams[f"{field}_closings"] = StreamSource(field, _closings(field))
        features.append(_win_rate(field))
    return Family("segment", streams, tuple(features))


def _win_rate(field: str) -> Feature:
    spoken = field.replace("_", " ")
    return Feature(
        f"{field}_win_rate",
        shrunken_rate(Sum(f"{field}_closings", "won"), Count(f"{field}_closings"), _PRIOR, 20),
        Unit.SHARE,
        group=f"segment_{field}",
        meaning=f"Share won of closed deals of the same {spoken}, as known at the date, shrunk to the company's.",
        wording=Wording(
            f"{spoken.capitalize()}: {{{field}}}, of which {{value}} were won so far.",
            peers=f"deals of a {spoken} with a win rate of {{bin}}",
        ),
    )


def _entries(field: str) -> Callable[[Histories], Events | Absent]:
    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(field):
            return _unknown(field)
        coded = histories.coded(field)
        return Events(coded.history.deal, coded.history.at, {"code": coded.code})

    return events


def _closings(field: str) -> Callable[[Histories], Events | Absent]:
    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(field):
            return _unknown(field)
        return closings_by(histories, histories.code_at_closing(field))

    return events


def _unknown(field: str) -> Absent:
    return Absent(f"{field} has no recorded history and is not declared fixed")

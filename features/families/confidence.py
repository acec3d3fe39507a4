"""How well the deal is kept in the CRM: what is filled in, and how lately anything was."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

import numpy as np

from crm.clock import event_millis
from features.families.age import AGE
from features.families.engagement import NO_ACTIVITIES
from features.families.segment import SEGMENT_FIELDS
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Last, Question, Since, known, least
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    asked = [_FILLED[field] for field in vocabulary.key_fields if _is_asked(field, vocabulary)]
    filled = (_share_of(asked),) if asked else ()
    streams = {"edits": StreamSource("deal", edits), "recordings": StreamSource("deal", recordings)}
    return Family("confidence", streams, (*filled, *_EDITS))


_FILLED: Mapping[str, Question] = {
    "amount": known(Last("amounts", "value")),
    "close_date": known(Last("close_dates", "day")),
    "owner_id": Last("owners", "given"),
    "next_step": Last("next_steps", "given"),
    "forecast_category": Last("forecast_categories", "given"),
    **{field: Last(f"{field}_entries", "given") for field in SEGMENT_FIELDS},
}

KEY_FIELDS = tuple(_FILLED)
"""Fields of opportunities that a well-kept deal has filled in."""


def _is_asked(field: str, vocabulary: Vocabulary) -> bool:
    return field not in SEGMENT_FIELDS or field in vocabulary.segments


def _share_of(filled: list[Question]) -> Feature:
    return Feature(
        "fields_filled",
        reduce(add, filled) / len(filled),
        Unit.SHARE,
        group="data_confidence",
        meaning="Share of the deal's usual fields that are filled in.",
        wording=Wording(
            "{value} of the usual fields are filled in.",
            peers="deals with {bin} the usual fields filled in",
            zero="None of the usual fields is filled in.",
        ),
        bins=(0, 0.25, 0.5, 0.75, 1),
        bin_names=(
            "less than a quarter of",
            "a quarter to half of",
            "half to three quarters of",
            "more than three quarters of",
            "all",
        ),
    )


_EDITS = (
    Feature(
        "days_since_entry",
        least(AGE, Since("edits"), Since("recordings")),
        Unit.DAYS,
        group="staleness",
        meaning="Days since anything was entered in the CRM for the deal: the deal itself, a change or an activity.",
        wording=Wording(
            "Nothing was entered in the CRM for {value}.",
            peers="deals for which nothing was entered in {bin}",
            zero="Something was entered in the CRM today.",
        ),
        actionable=True,
        bins=(0, 3, 7, 14, 30, 60),
    ),
    Feature(
        "days_since_edit",
        Since("edits"),
        Unit.DAYS,
        group="staleness",
        meaning="Days since any field of the deal was last changed.",
        wording=Wording(
            "Nothing on the deal was changed for {value}.",
            peers="deals on which nothing was changed for {bin}",
            zero="The deal was changed today.",
            missing="Nothing on the deal was changed since it was entered.",
        ),
        actionable=True,
        bins=(0, 3, 7, 14, 30, 60),
    ),
    Feature(
        "edits_30d",
        Count("edits", days=30),
        Unit.COUNT,
        group="staleness",
        meaning="Changes of any field of the deal in the last 30 days.",
        wording=Wording(
            "{value} of fields in the last 30 days.",
            peers="deals with {bin} of fields in 30 days",
            zero="No field was changed in the last 30 days.",
        ),
        noun=("change", "changes"),
        bins=(0, 1, 3, 6, 11),
    ),
)


def edits(histories: Histories) -> Events | Absent:
    """One event a recorded change of any field."""
    if not histories.has("changes"):
        return Absent("no field has a recorded history")
    rows = np.flatnonzero(histories.deal_of("changes") >= 0)
    deal = histories.deal_of("changes")[rows]
    changed = event_millis(histories.tables["changes"]["changed_at"])[rows]
    return Events(deal, np.maximum(changed, histories.created[deal]))


def recordings(histories: Histories) -> Events | Absent:
    """One event an activity, dated when it was recorded, or else took place; one that is ahead is there already."""
    if not histories.has("activities"):
        return NO_ACTIVITIES
    return Events(histories.deal_of("activities"), histories.activity_recorded)

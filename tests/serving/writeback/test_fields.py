"""What our fields hold: every column of scores that people read, written so that it comes back the same."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.sinks.sink import Kind
from serving.store_tables import SCORE_COLUMNS
from serving.writeback.fields import BY_NAME, DECIMALS, FIELDS, LONGEST, settled, settled_all
from serving.writeback.values import values_of

EAST = timezone(timedelta(hours=2))


def test_every_column_of_scores_is_shown_but_those_that_say_which_row_it_is():
    assert sorted(BY_NAME) == sorted(set(SCORE_COLUMNS) - {"run_id", "as_of", "opportunity_id"})
    assert all(field.label and field.meaning.endswith(".") for field in FIELDS)
    assert len({field.label for field in FIELDS}) == len(FIELDS)
    assert all(len(field.label) <= 40 for field in FIELDS), "Salesforce takes 40 characters"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.PERCENT, 0.62449, 0.624),
        (Kind.PERCENT, Decimal("0.1000"), 0.1),
        (Kind.PERCENT, "0.5", 0.5),
        (Kind.PERCENT, -0.0001, 0.0),
        (Kind.MONEY, 1234.567, 1234.57),
        (Kind.NUMBER, 61.0, 61),
        (Kind.NUMBER, "7", 7),
        (Kind.DATE, date(2026, 9, 30), "2026-09-30"),
        (Kind.DATE, "2026-09-30", "2026-09-30"),
        (Kind.DATE, datetime(2026, 9, 30, 12, tzinfo=UTC), "2026-09-30"),
        (Kind.INSTANT, "2026-08-11T06:00:00.000+0000", "2026-08-11T06:00:00Z"),
        (
            Kind.INSTANT,
            datetime(2026, 8, 11, 8, 0, 0, 999, tzinfo=timezone(timedelta(hours=2))),
            "2026-08-11T06:00:00Z",
        ),
        (Kind.TEXT, "  B ", "B"),
        (Kind.LONG_TEXT, "one\u00a0%\r\n\r\n two\x07 \n", "one %\ntwo"),
        *((kind, nothing, None) for kind in Kind for nothing in (None, "", float("nan"))),
        (Kind.TEXT, " \n\t", None),
    ],
)
def test_values_are_written_in_one_way(kind, value, expected):
    found = settled(kind, value)
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(found, float):
        assert math.copysign(1, found) > 0


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.LONG_TEXT])
def test_a_text_is_cut_where_a_field_ends(kind):
    cut = settled(kind, "a" * 10_000)
    assert isinstance(cut, str)
    assert len(cut) == LONGEST[kind]
    assert cut.endswith("a…")


@given(st.sampled_from(FIELDS), st.one_of(st.text(), st.floats(-1e6, 1e6), st.dates(), st.none()))
def test_what_was_settled_stays_so(field, value):
    try:
        once = settled(field.kind, value)
    except ValueError:
        return
    assert settled(field.kind, once) == once
    assert field.kind in DECIMALS or once is None or isinstance(once, str)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Kind.PERCENT, "high"), (Kind.NUMBER, float("inf")), (Kind.DATE, "soon"), (Kind.INSTANT, "12:00")],
)
def test_what_is_no_value_of_its_kind_is_an_error(kind, value):
    with pytest.raises(ValueError, match=r"."):
        settled(kind, value)


def reason(says: str, points: float, evidence: str = "") -> dict:
    return {"says": says, "points": points, "evidence": evidence}


SCORE = {
    **dict.fromkeys(BY_NAME),
    "opportunity_id": "D1",
    "win_probability": 0.41234,
    "reasons": json.dumps(
        {
            "for": [reason("8 replies from the buyer.", 0.2, "Deals with 8 or more are won 60\u00a0% of the time.")],
            "against": [reason("Pushed 3 times.", -0.09), reason("No meeting.", -0.04)],
        }
    ),
    "stall_reasons": json.dumps({"for": [reason(f"Fact {number}.", 0.05) for number in range(5)]}),
    "coaching": json.dumps([{"says": "No demo was held. 70 % of won deals had one."}, {"says": "A review."}]),
}


def test_reasons_and_coaching_are_plain_sentences():
    values = values_of(SCORE)
    assert values["reasons"] == (
        "For: 8 replies from the buyer. (+20 points) Deals with 8 or more are won 60 % of the time.\n"
        "Against: Pushed 3 times. (−9 points)\n"
        "Against: No meeting. (−4 points)"
    )
    assert values["stall_reasons"] == "Fact 0. (+5 points)\nFact 1. (+5 points)\nFact 2. (+5 points)"
    assert values["coaching"] == "No demo was held. 70 % of won deals had one.\nA review."
    assert values["win_probability"] == 0.412
    assert list(values) == list(BY_NAME)


def test_nothing_to_say_is_an_empty_field():
    values = values_of({**SCORE, "reasons": '{"for": [], "against": []}', "stall_reasons": "{}", "coaching": "[]"})
    assert (values["reasons"], values["stall_reasons"], values["coaching"]) == (None, None, None)


def test_a_deal_that_the_trial_holds_back_gets_no_coaching_and_keeps_its_reasons():
    held = values_of(SCORE, frozenset({"D1"}))
    assert held["coaching"] is None
    assert held == {**values_of(SCORE), "coaching": None}
    assert values_of(SCORE, frozenset({"D2"}))["coaching"] is not None


def test_fields_that_are_not_given_hold_nothing():
    assert settled_all({"grade": "A", "theirs": 1}) == {**dict.fromkeys(BY_NAME), "grade": "A"}

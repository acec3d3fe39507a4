"""Lists and pages fit 80 columns and say the right thing for deals that are out of the ordinary."""

import json
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pytest

from features.settings import TimeSettings
from pipelines.explain import ExplainResult
from pipelines.reports.deal import explanation, explanation_json
from pipelines.reports.deals import deal_list, score_json
from serving.formats import HOUSE, Formats

AS_OF = pd.Timestamp("2026-08-14T23:59:59.999Z")
UNKNOWN = float("nan")
LONG = "The Extraordinarily Long-Named International Holding Company of Somewhere – " * 3
REASON = {
    "group": "g",
    "feature": "f",
    "value": 1.0,
    "says": "The close date was put off 22\u00a0times.",
    "evidence": "Deals put off 5\u00a0times or more are won 3\u00a0% of the time (2 of 66), against 31\u00a0% of all.",
    "points": -0.07,
    "rate": 0.03,
    "deals": 66,
    "actionable": False,
}
MISSING = ["amount", "close date", "owner", "account", "next step", "forecast category", "type", "region", "replies"]


def a_score(**columns) -> dict:
    reasons = columns.pop("reasons", {"base": 0.3, "for": [], "against": [REASON], "rest": 0.0})
    return {
        "run_id": "score-1",
        "as_of": AS_OF,
        "opportunity_id": "D1",
        "win_probability": 0.23,
        "win_probability_change": UNKNOWN,
        "score": 23,
        "grade": "C",
        "win_probability_this_period": 0.1,
        "expected_close_date": date(2026, 10, 14),
        "stall_risk": 0.7,
        "expected_amount": 1000.0,
        "expected_revenue_this_period": 100.0,
        "revenue_at_stake": 70.0,
        "priority": 1,
        "data_confidence": 0.5,
        "reasons": json.dumps(reasons),
        "stall_reasons": "{}",
        "coaching": "[]",
        "model_version": "1",
        "scored_at": AS_OF,
        **columns,
    }


@dataclass(frozen=True)
class Result:
    """As much of a scoring's result as a list is made of."""

    scores: pd.DataFrame
    shown: pd.DataFrame
    time: TimeSettings = field(default_factory=TimeSettings)
    model_version: str = "1"
    notes: tuple[str, ...] = ()
    formats: Formats = HOUSE
    snoozed: frozenset[str] = frozenset()
    verdicts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"verdict": []}))
    trial: dict[str, object] | None = None


def listed(*rows: dict, name: str = "Deal", stage: str = "Proposal") -> str:
    ids = [row["opportunity_id"] for row in rows]
    shown = pd.DataFrame({"name": name, "stage": stage}, index=ids)
    return deal_list(Result(pd.DataFrame(list(rows)), shown))


EXTREMES = {
    "hardly any chance": {"win_probability": 0.001, "stall_risk": 0.002},
    "certain": {"win_probability": 1.0, "stall_risk": 1.0, "win_probability_change": -1.0},
    "billions": {"revenue_at_stake": 123_456_789_012.0},
    "unknown": {"stall_risk": UNKNOWN, "revenue_at_stake": UNKNOWN, "expected_revenue_this_period": UNKNOWN},
    "far down the list": {"priority": 9_999},
    "years ahead": {"expected_close_date": date(2029, 1, 1)},
    "long": {"coaching": json.dumps([{"brief": LONG}]), "reasons": {"for": [], "against": [{**REASON, "says": LONG}]}},
    "no reason": {"reasons": {"for": [], "against": []}},
}


@pytest.mark.parametrize("extreme", EXTREMES)
def test_a_list_fits_a_terminal(extreme):
    text = listed(a_score(**EXTREMES[extreme]), name=LONG, stage=LONG)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "nan" not in text


def row_of(**columns) -> str:
    return listed(a_score(**columns)).splitlines()[3].replace("\u00a0", " ")


def test_a_row_says_the_figures():
    row = row_of(win_probability_change=-0.043)
    assert row.split() == ["1", "Deal", "Proposal", "23", "%", "−4", "70", "%", "70", "14", "Oct"]
    assert "<1 %" in row_of(win_probability=0.001)
    assert "–" in row_of(stall_risk=UNKNOWN)


def test_a_change_of_less_than_half_a_point_is_none():
    assert "+0" not in row_of(win_probability_change=0.004)
    assert "−0" not in row_of(win_probability_change=-0.004)


def test_a_day_in_another_year_is_not_taken_for_one_of_this():
    assert row_of(expected_close_date=date(2026, 8, 14)).endswith(" 14 Aug")
    assert row_of(expected_close_date=date(2027, 8, 14)).endswith(" Aug ’27")


def test_what_a_rep_can_act_on_is_told_first():
    act = {**REASON, "says": "No reply.", "points": -0.02, "actionable": True}
    text = listed(a_score(reasons={"base": 0.3, "for": [], "against": [REASON, act], "rest": 0}))
    assert "No reply. (−2\u00a0points)" in text
    assert "put off" not in text


def test_where_nothing_speaks_against_a_deal_what_speaks_for_it_is_told():
    good = {**REASON, "says": "Stands in Proposal.", "points": 0.2}
    assert "+ Stands in Proposal. (+20\u00a0points)" in listed(
        a_score(reasons={"base": 0.3, "for": [good], "against": [], "rest": 0})
    )


def test_revenue_is_summed_over_the_deals_of_which_it_is_known():
    rows = [a_score(opportunity_id="D1"), a_score(opportunity_id="D2", expected_revenue_this_period=UNKNOWN)]
    assert "Expected from these 2 open deals this quarter: 100." in listed(*rows)
    none = listed(*[{**row, "expected_revenue_this_period": UNKNOWN} for row in rows])
    assert "Expected from" not in none


def test_a_summary_for_machines_has_no_number_that_is_none():
    result = Result(pd.DataFrame([a_score(expected_revenue_this_period=UNKNOWN)]), pd.DataFrame())
    summary = json.loads(score_json(result), parse_constant=pytest.fail)
    assert summary["expected_revenue_this_period"] is None
    empty = json.loads(score_json(Result(pd.DataFrame([a_score()]).head(0), pd.DataFrame())))
    assert (empty["deals"], empty["run_id"]) == (0, None)


def page(*, reasons: dict | None = None, stall=None, coaching=(), **columns) -> str:
    row = {**a_score(), "name": "Deal", "account": "Buyer", "stage": "Proposal", "owner": "Ada", **columns}
    why = reasons or {"base": 0.3, "for": [], "against": [REASON], "rest": 0.0, "missing": []}
    return explanation(ExplainResult(row, why, stall or {}, list(coaching)))


def test_a_page_fits_a_terminal_however_much_there_is_to_say():
    long_reason = {**REASON, "says": LONG, "evidence": LONG}
    why = {"base": 0.3, "for": [long_reason] * 5, "against": [long_reason] * 5, "rest": -0.2, "missing": MISSING}
    names = dict.fromkeys(("name", "account", "stage", "owner"), LONG)
    span = {"close_p10": date(2026, 9, 29), "close_p90": date(2027, 11, 29)}
    text = page(reasons=why, stall=why, coaching=[{"says": LONG}] * 3, **names, **span)
    assert max(len(line) for line in text.splitlines()) <= 80
    for fact in MISSING:
        assert fact in " ".join(text.split())


def test_a_page_leaves_out_what_there_is_nothing_to_say_about():
    text = page(reasons={"base": 0.23, "for": [], "against": [], "rest": 0.004, "missing": []})
    for title in ("What speaks for", "What speaks against", "Everything else", "What won deals had", "Why it may"):
        assert title not in text
    assert "missing" not in text


def test_a_page_says_what_is_not_known():
    text = page(stall_risk=None, expected_amount=None, expected_close_date=None)
    assert text.count("not known") == 4
    assert "None" not in text


def flowing(text: str) -> str:
    return " ".join(text.split())


def line_of(title: str, **columns) -> str:
    (line,) = [line for line in page(**columns).splitlines() if line.startswith(f"  {title} ")]
    return line.removeprefix(f"  {title} ").strip().replace("\u00a0", " ")


def test_a_page_says_by_when_a_deal_is_won_if_it_is():
    span = {"close_p10": date(2026, 9, 1), "close_p90": date(2026, 11, 20)}
    assert line_of("Likely close", **span) == "2026-10-14, if won (8 of 10 between 1 Sep and 20 Nov)"
    later = {**span, "close_p90": date(2027, 2, 9)}
    assert "Likely close 2026-10-14, if won (8 of 10 between 1 Sep 2026 and 9 Feb 2027)" in flowing(page(**later))
    assert line_of("Likely close", **{**span, "close_p90": None}).endswith("(9 of 10 after 1 Sep)")


def test_a_page_of_a_deal_scored_before_there_were_spans_says_what_there_is():
    assert line_of("Likely close") == "2026-10-14, if won"
    assert line_of("Likely close", close_p10=None, close_p90=None) == "2026-10-14, if won"
    assert line_of("Planned close", close_date=date(2026, 9, 1), slip_probability=None) == "2026-09-01"


@pytest.mark.parametrize(
    ("day", "slip", "says"),
    [
        (date(2026, 9, 1), 0.73, "2026-09-01: 73 % chance that it is still open then"),
        (date(2026, 9, 1), 0.001, "2026-09-01: under 1 % chance that it is still open then"),
        (date(2026, 8, 14), None, "2026-08-14, today"),
        (date(2026, 8, 13), None, "2026-08-13: overdue by 1 day"),
        (date(2026, 8, 2), None, "2026-08-02: overdue by 12 days"),
        (None, None, "not known"),
    ],
)
def test_a_page_says_whether_a_deal_slips(day, slip, says):
    assert line_of("Planned close", close_date=day, slip_probability=slip) == says


def test_a_page_for_machines_has_dates_and_reasons():
    row = a_score(stall_risk=None, win_probability_change=None, slip_probability=0.5)
    row |= {"close_date": date(2026, 9, 1), "close_p10": date(2026, 9, 2)}
    told = json.loads(explanation_json(ExplainResult(row, {"base": 0.3}, {}, [])), parse_constant=pytest.fail)
    assert (told["close_date"], told["close_p10"], told["as_of"]) == (
        "2026-09-01",
        "2026-09-02",
        "2026-08-14T23:59:59Z",
    )
    assert (told["reasons"], told["coaching"], told["slip_probability"]) == ({"base": 0.3}, [], 0.5)


def test_a_page_tells_reasons_with_their_signs():
    text = page().replace("\u00a0", " ")
    assert "What speaks against it\n  • The close date was put off 22 times. (−7 points)\n    Deals put off" in text


def test_what_people_typed_cannot_steer_the_terminal():
    assert "\x1b" not in page(name="\x1b[2Jgone", owner="\x1b]0;title\x07")
    assert "\x1b" not in listed(a_score(), name="\x1b[2Jgone", stage="\x1b[31m")

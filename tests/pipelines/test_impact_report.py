"""What a trial says in words: nothing before its time, and what is off before anything else."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from pipelines.impact import ImpactResult
from pipelines.reports.impact import impact_json, impact_text
from serving.trial.assignment import COACHED, HELD_BACK
from serving.trial.checks import Balance, Finding
from serving.trial.estimate import Difference
from serving.trial.impact import REVENUE, STALLED, WON, Arm, Effect, Impact
from serving.trial.information import Information
from tests.histories import millis

DAY = millis("2026-05-15T00:00:00")
FACTS = {"trial_id": "t", "seed": "pilot", "share": 0.2, "unit_kind": "deal", "follow_days": 40, "deals": 1000}
FACTS |= {name: pd.Timestamp("2026-01-31").to_pydatetime() for name in ("first", "last")}
THERE = Information(820, 656, 164, 3200, 3200, 0.099, False)


def early(there: Information = THERE, ready: int | None = millis("2027-02-01T00:00:00"), **facts) -> ImpactResult:
    effects = (
        Effect(WON, 40, there.followed, there, None, None, None, None),
        Effect(REVENUE, 40, 0, None, None, None, None, None),
        Effect(STALLED, 30, 500, there, None, None, None, None),
    )
    arms = {HELD_BACK: Arm(200, 200, 164, 0, 0), COACHED: Arm(800, 800, 656, 0, 700)}
    impact = Impact({**FACTS, **facts}, arms, effects, None, (), Balance({}, 0.5), ready, 3.0)
    return ImpactResult(SimpleNamespace(as_of=DAY, notes=()), impact, True, ())


def told(value: float, low: float, high: float, chance: float = 0.0005, *findings: Finding) -> ImpactResult:
    result = early()
    made = Difference(value, low, high, 0.01, 900.0, chance)
    won = Effect(WON, 40, 3200, replace(THERE, enough=True), made, 0.38, 0.32, DAY)
    revenue = Effect(REVENUE, 40, 3200, None, Difference(1776.0, -311.0, 3240.0, 1.0, 9.0, 0.1), 14e3, 12e3, DAY)
    effects = (won, revenue, result.impact.effects[2])
    ended = {HELD_BACK: (1000, 320), COACHED: (4000, 1520)}
    return replace(
        result, impact=replace(result.impact, effects=effects, ended=ended, findings=findings, ready_at=None)
    )


def said(result: ImpactResult) -> str:
    text = impact_text(result)
    assert max(map(len, text.splitlines())) <= 80
    assert "nan" not in text
    return " ".join(text.replace("\u00a0", " ").split())


def test_too_early_says_what_is_missing_and_no_effect():
    text = said(early())
    assert "about 3,200 deals followed for 40 days. 2,400 more are needed." in text
    assert "At the present pace, 21 more deals a week, that is about 1 Feb 2027." in text
    assert "So far only one of 10 points or more would." in text
    assert "difference (95 % interval)" not in text
    assert "None has been followed so long yet." in said(early(replace(THERE, followed=0)))


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (early(ready=None), "there will never be so many before the trial ends"),
        (early(replace(THERE, needed=None, needed_units=180), None, unit_kind="owner"), "1,000 owners are too few"),
        (early(replace(THERE, needed=700)), "At least 20 deals in each arm and 10 deals won and not won are needed."),
        (told(0.054, 0.032, 0.076), "won more often, beyond chance (p < 0.001 by drawing the arms anew)"),
        (told(-0.054, -0.076, -0.032, 0.004), "won less often, beyond chance (p = 0.004 by drawing the arms anew)"),
        (told(0.01, -0.02, 0.04, 0.4), "That coaching changes the share won is not proven (p = 0.400"),
        (told(0.054, 0.032, 0.076), "won within 40 days 38 % 32 % +5.4 (+3.2 to +7.6)"),
        (told(0.054, 0.032, 0.076), "won for, a deal 14 k 12 k +1.8 k (−311 to +3.2 k)"),
        (told(0.054, 0.032, 0.076), "The first 3,200 deals, in by 15 May 2026, were enough to tell"),
        (
            told(0.054, 0.032, 0.076),
            "38 % of 4,000 coached deals that have closed were won and 32 % of 1,000 held back",
        ),
        (told(0.054, 0.032, 0.076), "How many stall cannot be told yet."),
        (told(0.05, 0.03, 0.08, 0.1, Finding("shown", False, "Five were shown.")), "Mind: Five were shown."),
        (replace(early(), under_way=False), "It is no longer under way."),
        (replace(early(), earlier=({**FACTS, "seed": "first"},)), "seed “first”: 1,000 deals, 31 Jan 2026 to"),
    ],
)
def test_each_state_is_said(result, says):
    assert says in said(result)


def test_a_broken_trial_tells_no_effect():
    result = early(replace(THERE, enough=True, followed=3500))
    broken = replace(result, impact=replace(result.impact, findings=(Finding("share", True, "Half are gone."),)))
    text = said(broken)
    assert "Not to be trusted: Half are gone." in text
    assert "No effect is told before the cause is found." in text
    assert "Too early" not in text


def test_a_summary_for_machines_is_json_in_every_state():
    for result in (early(), early(replace(THERE, detectable=float("inf"))), told(0.054, 0.032, 0.076)):
        found = json.loads(impact_json(result), parse_constant=pytest.fail)
        assert found["trial"]["first"] == "2026-01-31"
        assert [effect["outcome"] for effect in found["effects"]] == [WON, REVENUE, STALLED]
    assert found["effects"][0]["came_by"] == "2026-05-15"
    assert found["ready_at"] is None

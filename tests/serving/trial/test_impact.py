"""A whole trial: what is told, when it is too early, and what is said of one that is broken."""

import numpy as np
import pandas as pd
import pytest

from crm.clock import DAY
from crm.errors import DataRefused
from features.histories import Histories
from features.settings import TimeSettings
from serving.trial.assignment import COACHED, HELD_BACK
from serving.trial.checks import balance, findings, share_chance
from serving.trial.impact import Impact, impact
from serving.trial.outcomes import Outcomes
from tests.histories import STAGES, CrmTables, millis, typed
from tests.serving.trial.records import NOTHING_SHOWN, held, many

UNTIL = millis("2026-04-01T00:00:00")
TIME = TimeSettings(stall_days=20)


def tables(trial: pd.DataFrame, effect: float, seed: int = 1) -> CrmTables:
    """A company in which coached deals are won more often, by so much; half of all close within the days followed."""
    rng = np.random.default_rng(seed)
    n, chance = len(trial), trial["win_probability"].to_numpy(float)
    lifted = ~held(trial) & (rng.random(n) < effect / (1 - chance.mean()))
    won = (rng.random(n) < chance) | lifted
    day = [f"2026-02-{number:02}" for number in rng.integers(1, 9, n)]
    closed = won | (rng.random(n) < 0.5)
    deals = pd.DataFrame(
        {
            "opportunity_id": trial["opportunity_id"],
            "created_at": "2026-01-01",
            "stage": np.where(won, "Closed Won", np.where(closed, "Closed Lost", "Propose")),
            "amount": trial["amount"],
            "closed_at": pd.Series(day).where(closed),
            "is_won": pd.Series(won, dtype=object).where(closed),
        }
    )
    frame = typed("opportunities", deals.astype(object).where(deals.notna(), None).to_dict("records"))
    return CrmTables({"opportunities": frame, "stages": typed("stages", STAGES)})


def told(
    trial: pd.DataFrame, effect: float = 0.0, *, shown=NOTHING_SHOWN, until=UNTIL, enrols=None, crm=None, scored=0
) -> Impact:
    facts = {"seed": "s", "share": float(trial["share"].iloc[0]), "unit_kind": "deal", "follow_days": 30}
    histories = Histories(tables(trial, effect) if crm is None else crm)
    return impact(facts, trial, shown, histories, TIME, until, enrols, scored)


def test_an_effect_that_was_put_in_is_told_with_its_interval():
    trial = many(6000, seed=2)
    found = told(trial, 0.10)
    won, revenue, stalled = found.effects
    assert won.difference.low < 0.10 < won.difference.high
    assert won.difference.is_proven
    assert won.difference.chance < 0.01
    assert won.held_back == pytest.approx(trial["win_probability"].mean(), abs=0.04)
    assert revenue.difference.value > 0
    assert stalled.difference is None, "stages are not tracked here"
    assert found.findings == ()
    assert found.ready_at is None
    closed, came = found.ended[COACHED]
    assert came / closed > found.ended[HELD_BACK][1] / found.ended[HELD_BACK][0]


def test_the_first_deals_that_were_enough_answer_for_good():
    """Later deals, whatever came of them, change nothing of an answer that was given."""
    trial = many(9000, seed=2)
    trial["as_of"] = trial["as_of"] + pd.to_timedelta(np.arange(9000) // 1000, unit="D")
    whole = told(trial, 0.10).effects[0]
    assert whole.information.needed < whole.deals < 9000
    assert whole.deals % 1000 == 0
    assert whole.came_by == millis("2026-01-10T23:59:59") + (whole.deals // 1000 - 1) * DAY
    then = told(trial[: whole.deals], 0.10, crm=tables(trial, 0.10)).effects[0]
    assert then.difference == whole.difference
    before = told(trial[: whole.deals - 1000], 0.10, crm=tables(trial, 0.10)).effects[0]
    assert before.difference is None


def test_where_it_is_too_early_nothing_is_told_but_what_is_needed():
    found = told(many(400), 0.10)
    for effect in found.effects:
        assert effect.difference is None
        assert effect.coached is None
        assert effect.held_back is None
    assert found.ended is None
    there = found.effects[0].information
    assert 400 < there.needed < 6000
    assert found.pace == pytest.approx(400 / 90, rel=0.02)
    missing = there.needed - 400
    assert found.ready_at == pytest.approx(UNTIL + (missing / found.pace + 30) * DAY, abs=DAY)


def test_the_pace_is_that_of_deals_for_which_there_is_something_to_show():
    assert told(many(400), scored=1600).pace == pytest.approx(told(many(400)).pace / 4)
    assert told(many(400), scored=300).pace == told(many(400)).pace


def test_a_trial_that_ends_before_enough_deals_come_in_is_never_ready():
    assert told(many(400), enrols=UNTIL + 10 * DAY).ready_at is None


def test_deals_that_are_in_but_not_yet_followed_count_towards_the_day():
    trial = many(6000)
    early = told(trial, until=millis("2026-01-20T00:00:00"))
    assert early.effects[0].deals == 0
    assert early.effects[0].difference is None
    assert early.ready_at == millis("2026-01-10T23:59:59") + 30 * DAY


def test_none_of_the_deals_in_the_tables_is_refused():
    with pytest.raises(DataRefused, match="none of the 400 deals"):
        told(many(400), crm=tables(many(400).assign(opportunity_id=[f"x{n}" for n in range(400)]), 0))


def off(trial: pd.DataFrame, shown=NOTHING_SHOWN, gone=None, before=None) -> dict[str, bool]:
    """What is found to be off, and whether it is serious."""
    nothing, never = np.zeros(len(trial)), np.zeros(len(trial), dtype=bool)
    found = Outcomes(
        nothing, nothing, nothing, nothing, never if gone is None else gone, never if before is None else before
    )
    return {one.name: one.serious for one in findings(trial, found, shown, balance(trial, draws=499))}


def test_a_sound_trial_has_no_findings():
    assert [off(many(1500, seed=seed)) for seed in range(5)] == [{}] * 5


def test_deals_kept_out_of_one_arm_are_found():
    trial = many(3000)
    kept = trial[~held(trial) | (np.arange(3000) % 3 > 0)]
    assert off(kept)["share"]
    assert share_chance(trial) > 0.01


def test_an_altered_record_is_found_and_nothing_is_told():
    trial = many(6000)
    trial.loc[~held(trial) & (trial["win_probability"] < 0.02), "arm"] = HELD_BACK
    assert off(trial)["altered"]
    found = told(trial, 0.10)
    assert found.effects[0].information.enough
    assert found.effects[0].difference is None


def test_arms_that_are_unlike_are_found():
    trial = many(1500)
    trial["win_probability"] += 0.08 * held(trial)
    assert off(trial) == {"uneven": False}
    assert balance(trial).gaps["win chance"] < -0.3
    stages = many(1500)
    stages.loc[held(stages), "stage"] = "Propose"
    assert off(stages) == {"uneven": False}


def test_arms_are_called_unlike_about_once_in_a_hundred_sound_trials():
    chances = np.array([balance(many(200, seed=seed), draws=199).chance for seed in range(300)])
    assert np.mean(chances <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(chances <= 0.5) == pytest.approx(0.5, abs=0.09)


def test_coaching_shown_to_deals_held_back_is_found():
    trial = many(1500)
    ids = trial["opportunity_id"]
    shown = pd.DataFrame({"before": 3, "since": 1}, index=pd.Index(ids[~held(trial)]))
    assert off(trial, shown) == {}
    first = pd.DataFrame({"before": 0, "since": 2}, index=pd.Index(ids[held(trial)][:5]))
    assert off(trial, pd.concat([shown, first])) == {"shown": False}


def test_deals_that_go_missing_are_told_and_serious_where_one_arm_loses_more():
    trial = many(1500)
    assert off(trial, gone=np.arange(1500) % 10 == 0) == {"gone": False}
    assert off(trial, gone=held(trial) & (np.arange(1500) % 4 == 0)) == {"gone": True}
    assert off(trial, before=np.arange(1500) % 10 == 0) == {"closed before": False}

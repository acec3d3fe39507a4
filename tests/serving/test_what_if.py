"""The smallest change: what the model would say had something been done, told only where like deals agree."""

import json
from dataclasses import replace
from itertools import chain, combinations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features.feature import OwnField
from serving.change import with_step
from serving.closed_deals import closed_deals
from serving.formats import formats_of
from serving.grades import Grades
from serving.like_deals import like_deals
from serving.what_if import LEAST_OF_A_PAIR, LEAST_POINTS, _Asking, offered, what_if
from tests.histories import crm, deal
from tests.serving.companies import activity, answers_of, company_of, linear_model, scoring_of

GOOD, BAD = {"Won": 32, "Lost": 18}, {"Won": 12, "Lost": 38}
QUIET = Grades(99, 98, 97)
"""No deal's grade changes."""


def like_of(scoring, model):
    return like_deals(scoring, model, closed_deals(scoring, model))


def steps_of(tables, weights, grades=QUIET, **model_columns):
    """The change told of each open deal, by id; those of which none is told are not there."""
    model = linear_model({**weights, "age_days": -1e-4}, **model_columns)  # of the same age first
    scoring = scoring_of(tables, model)
    steps = what_if(scoring, model, answers_of(scoring, model), grades, like_of(scoring, model))
    ids = scoring.prepared.histories.deals["opportunity_id"].to_numpy()[scoring.snapshots.deal]
    return {name: step for name, step in zip(ids, steps, strict=True) if step is not None}


def test_it_tells_what_the_model_would_say_and_what_became_of_like_deals():
    step = steps_of(company_of(GOOD, BAD), {"demos": 0.4})["OPEN"]
    assert (step["from"], step["to"]) == pytest.approx((0.377, 0.475), abs=1e-3)
    assert step["says"].replace("\u00a0", " ") == (
        "No demo has taken place yet. After one, the model would say 47 % instead of 38 %. Of 50 deals like it that "
        f"had seen one by then, {step['like_won']} were won; of 50 that had not, {step['other_won']}. Association, "
        "not a promise."
    )
    assert step["brief"].replace("\u00a0", " ") == "A demo: 47 % instead of 38 %"


def test_figures_and_days_are_written_by_the_rules_of_a_locale():
    """The close date has passed; deals like it whose date lay ahead were won more often."""
    tables = company_of(GOOD, BAD)
    deals = tables["opportunities"]
    ahead = deals["opportunity_id"].str.startswith("with-")
    day = pd.Series(np.where(ahead, "2026-06-01", "2026-04-02"), dtype="str").astype("datetime64[us]")
    passed = pd.Timestamp("2026-08-01")
    dates = day.mask(deals["opportunity_id"] == "OPEN", passed)
    changes = tables["changes"]
    old = changes["new_value"].mask(changes["field"] == "close_date", "2026-08-01")
    tables = tables.with_frames(opportunities=deals.assign(close_date=dates), changes=changes.assign(new_value=old))
    model = linear_model({"days_to_close_date": 0.01, "age_days": -1e-4})
    scoring = scoring_of(tables, model)
    told = what_if(scoring, model, answers_of(scoring, model), QUIET, like_of(scoring, model), formats_of("de-DE"))
    assert told[0] is not None
    assert "The close date has passed. Moved to 13.09.2026, the day on which" in told[0]["says"]


def test_it_has_the_shape_of_a_step_of_coaching():
    step = steps_of(company_of(GOOD, BAD), {"demos": 0.4})["OPEN"]
    assert (step["kind"], step["action"]) == ("change", "demo")
    assert (step["like_deals"], step["other_deals"]) == (50, 50)
    assert 0 <= step["other_won"] < step["like_won"] <= 50
    assert json.loads(json.dumps(step, allow_nan=False)) == step
    coaching = json.loads(with_step('[{"kind": "gap"}]', step))
    assert coaching == [{"kind": "gap"}, step]
    assert with_step("[]", None) == "[]"


def test_a_models_slope_that_the_record_contradicts_is_no_advice():
    assert steps_of(company_of(BAD, GOOD), {"demos": 0.4}) == {}


def test_a_record_that_chance_explains_is_no_advice():
    assert steps_of(company_of({"Won": 26, "Lost": 24}, {"Won": 24, "Lost": 26}), {"demos": 0.4}) == {}


def test_a_record_of_few_deals_is_no_advice():
    assert steps_of(company_of({"Won": 19}, BAD), {"demos": 0.4}) == {}
    assert "OPEN" in steps_of(company_of({"Won": 20}, BAD), {"demos": 0.4})


@pytest.mark.parametrize(("others", "told"), [(4, True), (5, False)])
def test_what_like_deals_speak_for_on_few_deals_alone_is_no_advice(others, told):
    """Of deals that were called a demo goes with winning, of the others with losing; one open deal was called."""
    called = [f"{how}-{n:03}" for how in ("with-Won", "without-Lost") for n in range(50)]
    calls = [activity(name, "2026-04-02", "call") for name in called for _ in range(5)]
    calls += [activity("A", "2026-08-01", "call") for _ in range(5)]
    fifty = {"Won": 50, "Lost": 50}
    tables = company_of(fifty, fifty, *calls, open_deals=("A", *(f"B{n}" for n in range(others))))
    found = steps_of(tables, {"demos": 0.4, "calls_30d": 0.01})
    assert set(found) == ({"A"} if told else set())


@pytest.mark.parametrize(("weight", "told"), [(0.12, False), (0.14, True)])
def test_less_than_three_points_are_not_told(weight, told):
    """From 37.8 %: 0.12 log-odds are 2.8 points, 0.14 are 3.3."""
    assert ("OPEN" in steps_of(company_of(GOOD, BAD), {"demos": weight})) == told


def test_a_step_to_the_next_grade_is_told_though_it_is_smaller():
    step = steps_of(company_of(GOOD, BAD), {"demos": 0.10}, Grades(90, 40, 10))["OPEN"]
    assert "would say 40\u00a0% instead of 38\u00a0% (grade B instead of C)" in step["says"]


def test_a_deal_that_has_it_already_is_not_advised_to_do_it():
    seen = company_of(GOOD, BAD, activity("OPEN", "2026-08-01", "demo"))
    assert steps_of(seen, {"demos": 0.4}) == {}


def test_two_actions_are_told_only_where_no_single_one_does():
    """With demo and proposal on the same closed deals, each worth two points alone or one of them four."""
    proposals = [activity(f"with-{how}-{n:03}", "2026-04-10", "proposal") for how in GOOD for n in range(GOOD[how])]
    tables = company_of(GOOD, BAD, *proposals)
    assert steps_of(tables, {"demos": 0.17, "proposals": 0.05})["OPEN"]["action"] == "demo"
    both = steps_of(tables, {"demos": 0.09, "proposals": 0.08})["OPEN"]
    assert both["action"] == "demo+proposal"
    assert "With both done, the model would say 42\u00a0% instead of 38\u00a0%." in both["says"]
    assert "deals like it that had both" in both["says"]
    assert "that had neither" in both["says"]
    assert steps_of(tables, {"demos": 0.05, "proposals": 0.05}) == {}


def test_the_smallest_change_is_the_smallest_of_all_there_are():
    """Against every set of actions that can be done, tried one by one."""
    rng = np.random.default_rng(3)
    kinds = ("demo", "proposal", "meeting")
    more = [
        activity(f"with-{how}-{n:03}", "2026-04-10", kind) for how in GOOD for n in range(GOOD[how]) for kind in kinds
    ]
    names = [f"OPEN{number}" for number in range(4)]
    more += [activity(name, "2026-08-01", kind) for name in names for kind in kinds if rng.random() < 0.3]
    tables = company_of(GOOD, BAD, *more, open_deals=names)
    checked = 0
    for _ in range(5):
        weights = dict(zip(("demos", "proposals", "meetings_30d"), rng.uniform(-0.05, 0.2, 3), strict=True))
        model = linear_model(weights)
        scoring = scoring_of(tables, model)
        answers, like = answers_of(scoring, model), like_of(scoring, model)
        asking = _Asking(scoring, model, answers, QUIET, like)
        feasible = {action: set(rows.tolist()) for action, rows in asking.feasible()}
        for row, step in enumerate(what_if(scoring, model, answers, QUIET, like)):
            can = [action for action, rows in feasible.items() if row in rows]
            sets = list(chain.from_iterable(combinations(can, size) for size in (1, 2)))
            gain = {done: asking.tried([(done, np.array([row]))])[0].win[0] - answers.win[row] for done in sets}
            counts = {done for done in sets if len(done) == 1 or min(gain[one,] for one in done) >= LEAST_OF_A_PAIR}
            enough = {done: by for done, by in gain.items() if by >= LEAST_POINTS and done in counts}
            if step is None:
                assert not enough
                continue
            size = min(map(len, enough))
            best = max((done for done in enough if len(done) == size), key=lambda done: enough[done])
            assert step["action"] == "+".join(action.name for action in best)
            assert step["to"] - step["from"] == pytest.approx(enough[best], abs=1e-3)
            checked += 1
    assert checked > 5


def test_actions_are_offered_where_tables_and_model_know_of_them():
    weights = {"demos": 0.4, "meetings_ahead": 0.1, "contacts_reached": 0.1, "new_contacts_30d": 0.0,
               "unanswered_inbound": 0.1, "days_since_next_step": -0.1, "decision_makers": 0.2}  # fmt: skip
    model = linear_model(weights)
    names = {action.name for action in offered(scoring_of(company_of(GOOD, BAD), model), model)}
    assert names == {"demo", "meeting_booked", "new_contact", "answer", "next_step"}  # no contact roles there
    bare = scoring_of(crm([deal("OPEN", "2026-07-20")]), model)
    assert offered(bare, model) == ()
    assert [action.name for action in offered(scoring_of(company_of(GOOD, BAD), linear_model({"demos": 1.0})),
                                              linear_model({"demos": 1.0}))] == ["demo"]  # fmt: skip


def test_a_companys_own_flag_is_an_action_where_it_is_declared_so():
    model = linear_model({"demos": 1.0}, fields=(OwnField("ok", "flag", "approval", actionable=True),))
    asked = linear_model({"field:ok:value": 1.0}, fields=model.vocabulary.fields)
    assert [action.name for action in offered(scoring_of(company_of(GOOD, BAD), model), model)] == ["demo"]
    assert asked.names == ("field:ok:value",)


class Stalling:
    """Stalls without a demo: trees that know nothing else."""

    def __init__(self):
        rng = np.random.default_rng(0)
        demos = rng.integers(0, 2, 400).astype(np.float32)[:, None]
        data = lgb.Dataset(np.hstack([demos, rng.random((400, 1))]), 0.9 - 0.7 * demos[:, 0])
        self.booster = lgb.train({"objective": "cross_entropy", "verbosity": -1}, data, 40)


def test_where_the_win_chance_hardly_moves_a_lower_stall_risk_is_told():
    """Closed deals without a demo stood still for a month, those with one had moved on in between."""
    good, bad = {"Won": 30, "Lost": 30}, {"Won": 30, "Lost": 30}
    tables = company_of(good, bad)
    stood = tables["opportunities"]["opportunity_id"].str.startswith("without")
    later = pd.Timestamp("2026-07-01", tz="UTC")
    deals = tables["opportunities"].assign(closed_at=tables["opportunities"]["closed_at"].mask(stood, later))
    changes = tables["changes"]
    closings = changes["opportunity_id"].str.startswith("without")
    tables = tables.with_frames(
        opportunities=deals, changes=changes.assign(changed_at=changes["changed_at"].mask(closings, later))
    )
    model = linear_model({"demos": 0.0, "proposals": 0.0})
    model = replace(model, boosters=replace(model.boosters, stall=Stalling().booster))
    scoring = scoring_of(tables, model)
    (step,) = what_if(scoring, model, answers_of(scoring, model), QUIET, like_of(scoring, model))
    assert step is not None
    assert step["from"] == step["to"]
    assert step["stall_from"] - step["stall_to"] > 0.3
    assert step["like_stalled"] < step["other_stalled"]
    assert "would put the stall risk at" in step["says"]
    assert "stall risk" in step["brief"]


def test_of_no_open_deal_there_is_nothing_to_tell():
    tables = company_of(GOOD, BAD)
    tables = tables.with_frames(opportunities=tables["opportunities"].iloc[:-1])
    assert steps_of(tables, {"demos": 0.4}) == {}


def test_it_never_uses_what_a_later_date_tells():
    """The tables hold more than the date of scoring allows: closings after it speak for nothing."""
    tables = company_of(GOOD, BAD)
    late = pd.Timestamp("2026-08-20", tz="UTC")
    closed = tables["opportunities"]["closed_at"].notna()
    deals = tables["opportunities"].assign(closed_at=tables["opportunities"]["closed_at"].mask(closed, late))
    changes = tables["changes"].assign(
        changed_at=tables["changes"]["changed_at"].mask(tables["changes"]["field"] == "stage", late)
    )
    model = linear_model({"demos": 0.4})
    scoring = scoring_of(tables.with_frames(opportunities=deals, changes=changes), model)
    like = like_of(scoring, model)
    assert len(like.closed) == 0
    assert what_if(scoring, model, answers_of(scoring, model), QUIET, like) == [None] * len(scoring.snapshots)

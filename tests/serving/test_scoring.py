"""Scores of open deals: what is at stake, in which order, compared with when, known how well."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from features.dataset import scoring_set
from features.feature import Vocabulary
from features.histories import Histories
from serving.grades import Grades
from serving.scoring import (
    Explained,
    Run,
    absent_features,
    data_confidence,
    explain_all,
    explain_by_rates,
    prioritised,
    score_table,
    texts,
)
from serving.store_tables import SCORE_COLUMNS
from tests.histories import change, crm, deal, millis, typed
from training.deal_model import Answers
from training.models.amount import LEVELS
from training.models.win_curve import Curve

AS_OF = "2026-08-14T23:59:59.999"
OPEN = ("D1", "D2", "D3", "D4")
STAGES = {"D1": "Propose", "D2": "Propose", "D3": "Qualify", "D4": "Negotiate"}
AMOUNTS = {"D1": 1000.0, "D2": 5000.0, "D3": None, "D4": 0.0}
REFERENCE = {
    "win_rate": 0.3,
    "closed_deals": 120,
    "amount": {
        "everywhere": [0.9] * len(LEVELS),
        "by_stage": {"Propose": [0.8] * len(LEVELS)},
        "deals": {"Propose": 40},
    },
    "all": {"win_rate_moved": 0.5, "win_rate_stalled": 0.2},
    "stages": {
        "Propose": {"deals": 80, "won": 40, "win_rate_moved": 0.6, "win_rate_stalled": 0.1},
        "Qualify": {"deals": 40, "won": 4, "win_rate_moved": 0.1, "win_rate_stalled": 0.3},
    },
    "playbook": {"size_bounds": [], "fields": {}, "stages": {}},
}


def company(**columns):
    """Four open deals that have moved once, and a closed one."""
    rows = [
        deal(
            name,
            "2026-06-01",
            STAGES[name],
            amount=AMOUNTS[name],
            owner_id="u1" if name != "D4" else None,
            **{key: values[name] for key, values in columns.items() if name in values},
        )
        for name in OPEN
    ]
    rows.append(deal("D0", "2026-01-01", "Closed Won", amount=700.0, closed_at="2026-02-01", is_won=True))
    moves = [change(name, "2026-06-02", "stage", "Prospect", STAGES[name]) for name in OPEN]
    moves.append(change("D0", "2026-02-01", "stage", "Propose", "Closed Won"))
    users = [{"user_id": "u1", "name": "Ada"}]
    return crm(rows, changes=moves, users=users, fixed=("owner_id",))


def scoring_of(tables, as_of: str = AS_OF):
    return scoring_set(Histories(tables), Vocabulary(), (), millis(as_of))


@pytest.fixture
def scoring():
    return scoring_of(company())


def answers_of(win, stall, edges=(0.0, 47.0, 94.0)) -> Answers:
    """A third of the wins in the first span, the rest in the second; nothing behind."""
    win, n = np.asarray(win, dtype=float), len(win)
    won = np.column_stack([np.zeros(n), win / 3, win])
    curve = Curve(np.asarray(edges), won, won * 0, np.full(n, 0.5) * 0)
    return Answers(win, curve, np.asarray(stall, dtype=float))


WIN, STALL = [0.5, 0.25, 0.999, 0.001], [0.4, 0.2, 0.5, 0.9]


def nothing(n: int) -> Explained:
    return Explained(["{}"] * n, ["{}"] * n, ["[]"] * n)


def table_of(scoring, *, win=WIN, stall=STALL, reference=REFERENCE, previous=None):
    previous = pd.Series(dtype=float) if previous is None else previous
    run = Run("score-1", scoring.as_of, "7")
    n = len(scoring.stage)
    table = score_table(scoring, answers_of(win, stall), nothing(n), reference, previous, run, Grades())
    return table.set_index("opportunity_id", drop=False)


def test_it_has_the_columns_of_the_contract(scoring):
    table = table_of(scoring)
    assert tuple(table.columns) == SCORE_COLUMNS
    assert set(table["run_id"]) == {"score-1"}
    assert set(table["model_version"]) == {"7"}
    assert set(table["as_of"]) == {pd.Timestamp(AS_OF, tz="UTC")}


def test_what_is_at_stake_is_amount_times_stall_risk_times_what_a_stall_costs(scoring):
    table = table_of(scoring)
    assert table.at["D1", "expected_amount"] == pytest.approx(1000 * 0.8)
    assert table.at["D1", "revenue_at_stake"] == pytest.approx(1000 * 0.8 * 0.4 * (0.6 - 0.1))
    assert table.at["D2", "revenue_at_stake"] == pytest.approx(5000 * 0.8 * 0.2 * (0.6 - 0.1))
    assert math.isnan(table.at["D3", "revenue_at_stake"])
    assert table.at["D4", "revenue_at_stake"] == 0.0


def test_a_stage_without_a_record_has_the_companys(scoring):
    amounts = company()
    amounts["opportunities"].loc[3, "amount"] = 2000.0
    table = table_of(scoring_of(amounts))
    assert table.at["D4", "expected_amount"] == pytest.approx(2000 * 0.9)
    assert table.at["D4", "revenue_at_stake"] == pytest.approx(2000 * 0.9 * 0.9 * (0.5 - 0.2))


def test_where_stalled_deals_were_won_more_often_nothing_is_at_stake(scoring):
    amounts = company()
    amounts["opportunities"].loc[2, "amount"] = 2000.0
    assert table_of(scoring_of(amounts)).at["D3", "revenue_at_stake"] == 0.0


def test_like_deals_are_those_of_a_like_win_chance_where_enough_are_known(scoring):
    by_chance = {"chance": [0.1, 0.3, 0.7], "moved": [0.2, 0.4, 0.8], "stalled": [0.1, 0.2, 0.5]}
    table = table_of(scoring, reference={**REFERENCE, "moved_by_chance": by_chance})
    assert table.at["D1", "revenue_at_stake"] == pytest.approx(800 * 0.4 * (0.6 - 0.35))
    assert table.at["D2", "revenue_at_stake"] == pytest.approx(4000 * 0.2 * (0.35 - 0.175))


def test_without_stall_risk_nothing_is_said_to_be_at_stake(scoring):
    table = table_of(scoring, stall=[math.nan] * 4)
    assert table["revenue_at_stake"].isna().all()
    assert list(table["priority"]) == [1, 2, 3, 4]


def test_revenue_this_period_is_amount_times_the_chance_to_win_in_it(scoring):
    """The quarter ends in 47 days: the first span, in which a third of the wins fall."""
    table = table_of(scoring)
    assert table.at["D1", "win_probability_this_period"] == pytest.approx(0.5 / 3)
    assert table.at["D1", "expected_revenue_this_period"] == pytest.approx(800 * 0.5 / 3)
    assert math.isnan(table.at["D3", "expected_revenue_this_period"])


def test_the_expected_close_is_the_middle_of_the_wins(scoring):
    """Half of the wins are there a quarter into the second span: 47 + 47 / 4 days."""
    assert str(table_of(scoring).at["D1", "expected_close_date"]) == "2026-10-12"


def test_a_score_is_the_percentage_never_certain(scoring):
    table = table_of(scoring).loc[list(OPEN)]
    assert list(table["score"]) == [50, 25, 99, 1]
    assert list(table["grade"]) == ["B", "C", "A", "D"]


def test_the_change_is_against_the_run_before_and_unknown_for_what_it_had_not(scoring):
    table = table_of(scoring, previous=pd.Series({"D1": 0.4, "D9": 0.9}))
    assert table.at["D1", "win_probability_change"] == pytest.approx(0.1)
    assert table.loc[["D2", "D3", "D4"], "win_probability_change"].isna().all()


def rows(**columns) -> pd.DataFrame:
    """Deals a, b, c … with nothing at stake unless said otherwise."""
    n = len(next(iter(columns.values())))
    default = {
        "opportunity_id": list("abcdef"[:n]),
        "revenue_at_stake": [0.0] * n,
        "expected_revenue_this_period": [0.0] * n,
        "win_probability": [0.5] * n,
    }
    return pd.DataFrame({**default, **columns})


def ranked(table: pd.DataFrame, share=None) -> str:
    share = np.zeros(len(table)) if share is None else np.asarray(share)
    found = prioritised(table, share)
    assert list(found["priority"]) == list(range(1, len(table) + 1))
    return "".join(found["opportunity_id"])


def test_most_at_stake_comes_first_and_what_is_not_known_last():
    assert ranked(rows(revenue_at_stake=[5.0, math.nan, 9.0, 0.0])) == "cadb"


def test_of_deals_without_amounts_the_share_at_stake_decides():
    assert ranked(rows(revenue_at_stake=[math.nan] * 3), [0.1, math.nan, 0.3]) == "cab"


def test_of_those_with_the_same_share_the_one_that_brings_more_comes_first():
    table = rows(revenue_at_stake=[math.nan] * 3, expected_revenue_this_period=[1.0, 9.0, 5.0])
    assert ranked(table) == "bca"
    assert ranked(table, [0.3, 0.1, 0.2]) == "acb"
    assert ranked(table.assign(win_probability=[0.9, 0.1, 0.5])) == "bca"


def test_of_equals_the_likelier_comes_first_and_then_the_id():
    assert ranked(rows(win_probability=[0.2, 0.9, 0.9, 0.1])) == "bcad"


def test_no_deal_no_rank():
    assert ranked(rows(revenue_at_stake=[])) == ""


def test_confidence_is_the_share_of_the_facts_that_are_usual_here():
    days = dict.fromkeys(OPEN, np.datetime64("2026-09-01"))
    scoring = scoring_of(company(close_date=days, next_step={"D1": "call"}, account_id={"D1": "a", "D2": "a"}))
    share, missing = data_confidence(scoring)
    # amount 3 of 4, close date 4, owner 3, account 2 are usual; a next step, which one deal has, is not
    assert missing == [[], [], ["amount", "account"], ["owner", "account"]]
    np.testing.assert_allclose(share, [1, 1, 2 / 4, 2 / 4])


def test_where_no_fact_is_usual_nothing_is_missing():
    bare = crm([deal("D1", "2026-06-01"), deal("D2", "2026-06-01")])
    share, missing = data_confidence(scoring_of(bare))
    np.testing.assert_allclose(share, 1)
    assert missing == [[], []]


def test_no_open_deal_no_score():
    scoring = scoring_of(company(), "2026-03-01")
    assert len(table_of(scoring, win=[], stall=[])) == 0
    assert data_confidence(scoring)[0].shape == (0,)


def test_no_open_deal_no_reason(answering):
    nobody = scoring_set(answering.scoring.prepared.histories, answering.model.vocabulary, answering.model.names, 0)
    assert explain_all(nobody, answering.model) == Explained([], [], [])


def test_people_and_stages_are_called_by_their_names(scoring):
    facts = texts(scoring)
    assert [one["stage"] for one in facts] == ["Propose", "Propose", "Qualify", "Negotiate"]
    assert [one["owner"] for one in facts] == ["Ada", "Ada", "Ada", "The owner"]


def test_a_deal_is_told_what_its_account_is():
    accounts = typed("accounts", [{"account_id": "A", "industry": "Mining", "country": "Chile"}, {"account_id": "B"}])
    tables = company(account_id={"D1": "A", "D2": "B", "D3": "gone"}).with_frames(accounts=accounts)
    facts = texts(scoring_of(tables))
    assert [(one.get("industry"), one.get("country")) for one in facts] == [("Mining", "Chile"), *[(None, None)] * 3]


def test_an_answer_by_rates_is_told_by_the_record_of_the_stage(scoring):
    answers = answers_of([0.45, 0.3, 0.15, 0.25], STALL)
    found = explain_by_rates(scoring, answers, 0.3, REFERENCE)
    first, same, third, unknown = map(json.loads, found.reasons)
    (reason,) = first["for"]
    said = "Of the closed deals that stood there 50 % were won (40 of 80), of all 30 %."
    assert reason["evidence"].replace("\u00a0", " ") == said
    assert reason["says"] == "Stands in Propose."
    assert reason["points"] == pytest.approx(0.15)
    assert (same["for"], same["against"]) == ([], [])
    assert third["against"][0]["points"] == pytest.approx(-0.15)
    assert (unknown["for"], unknown["against"]) == ([], [])
    for why, win in zip((first, same, third, unknown), answers.win, strict=True):
        points = [r["points"] for side in ("for", "against") for r in why[side]]
        assert why["base"] + sum(points) + why["rest"] == pytest.approx(win)


def test_features_that_the_tables_do_not_give_are_named_with_their_reason(scoring):
    lacking = absent_features(scoring.prepared, ("age_days", "meetings", "amount", "moves_forward"))
    assert lacking == {
        "meetings": "there are no activities",
        "amount": "the amount has no recorded history and is not declared fixed",
    }

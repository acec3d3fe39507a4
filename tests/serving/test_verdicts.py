"""People's verdicts against what came: the newest counts, made while the deal was open."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from serving.verdicts import (
    AGREE,
    DISPUTE,
    FACTS,
    HIGH,
    LEAST_CLOSED,
    LOW,
    OVERRIDE,
    SNOOZE,
    judged,
    newest,
    overrides,
    side_of,
    sides,
    snoozed,
    standing,
)
from tests.histories import crm, deal, millis

SCORED, RAN = datetime.fromisoformat("2026-03-01T23:59"), datetime.fromisoformat("2027-01-01T00:00")
"""Of the store: UTC, without a zone."""
STOOD = {"stage": "Propose", "owner": "Ada", "close_date": date(2026, 5, 1), "amount": 100.0}


def said(verdict: str, deal: str = "D", author: str = "anna", after: timedelta = timedelta(hours=1), **columns) -> dict:
    """A verdict on a deal scored on 1 March, given so long after the scoring, which ran in another year."""
    row = {"made_at": RAN + after, "opportunity_id": deal, "verdict": verdict, "author": author, "note": ""}
    row |= {"side": None, "probability": None, "until": None, "as_of": SCORED, "scored_at": RAN}
    return {**row, "run_id": "r", "win_probability": 0.4, "model_version": "1", **STOOD, **columns}


def lost(name: str = "D", day: str = "2026-04-01", won: bool = False):
    return deal(name, "2026-01-01", "Closed Won" if won else "Closed Lost", closed_at=day, is_won=won)


def judge(*rows: dict, deals=None, until: str = "2026-06-01T00:00:00") -> pd.DataFrame:
    return judged(pd.DataFrame(rows), Histories(crm(deals or [lost()])), millis(until))


def test_a_judgement_is_judged_once_the_deal_has_closed():
    assert list(judge(said(AGREE))["won"]) == [0.0]
    assert list(judge(said(AGREE), deals=[lost(won=True)])["won"]) == [1.0]
    still = judge(said(AGREE), until="2026-03-31T23:59:59")
    assert list(still["closed"]) == [False]
    assert still["won"].isna().all()
    assert list(judge(said(AGREE), deals=[deal("D", "2026-01-01")])["closed"]) == [False]


def test_a_persons_newest_judgement_counts_and_a_snooze_is_none():
    rows = judge(said(AGREE), said(OVERRIDE, probability=0.1), said(AGREE, author="bob"), said(SNOOZE))
    assert sorted(zip(rows["author"], rows["verdict"], strict=True)) == [("anna", OVERRIDE), ("bob", AGREE)]


@pytest.mark.parametrize(("days", "counts"), [(30, 1), (31, 0)])
def test_who_judges_when_the_deal_is_closed_knew_the_answer(days, counts):
    assert len(judge(said(OVERRIDE, probability=0.0, after=timedelta(days=days)))) == counts


def test_a_later_judgement_that_knew_the_answer_does_not_displace_an_earlier_one():
    rows = judge(said(DISPUTE, side=LOW), said(OVERRIDE, probability=0.0, after=timedelta(days=60)))
    assert list(rows["verdict"]) == [DISPUTE]


def test_deals_that_the_tables_do_not_know_are_left_out():
    assert judge(said(AGREE, deal="other")).empty
    assert judge(said(AGREE, as_of=SCORED - timedelta(days=90))).empty
    assert judged(pd.DataFrame(columns=list(said(AGREE))), Histories(crm([lost()])), 0).empty


def closed_overrides(*chances: tuple[float, float, bool], author="anna") -> pd.DataFrame:
    """What was judged: own chance, the model's, whether won; a deal each."""
    rows = [
        {**said(OVERRIDE, f"D{n}", author, probability=own, win_probability=model), "closed": True, "won": float(won)}
        for n, (own, model, won) in enumerate(chances)
    ]
    return pd.DataFrame(rows)


def test_brier_score_and_log_loss_are_of_the_same_deals():
    found = overrides(closed_overrides((0.9, 0.4, True), (0.2, 0.5, False)))
    assert found.brier == pytest.approx((np.mean([0.01, 0.04]), np.mean([0.36, 0.25])))
    assert found.log_loss == pytest.approx((-np.log([0.9, 0.8]).mean(), -np.log([0.4, 0.5]).mean()))
    assert (found.given, found.deals, found.brier_saved) == (2, 2, None)


def test_being_sure_and_wrong_costs_as_much_as_one_percent_does():
    found = overrides(closed_overrides((0.0, 0.001, True)))
    assert found.log_loss == pytest.approx((-np.log(0.01), -np.log(0.01)))


def test_who_was_nearer_is_told_from_enough_deals_on():
    few = closed_overrides(*[(0.9, 0.5, True)] * (LEAST_CLOSED - 1))
    assert overrides(few).brier_saved is None
    twice = pd.concat([few, few.assign(author="bob")])
    assert overrides(twice).brier_saved is None, "two people on one deal are one deal"
    enough = overrides(closed_overrides(*[(0.9, 0.5, True)] * LEAST_CLOSED))
    assert enough.brier_saved.value == pytest.approx(0.24)
    assert enough.log_loss_saved.low > 0


def test_people_are_told_by_name_and_drawn_towards_all():
    table = pd.concat(
        [
            closed_overrides(*[(0.9, 0.5, True)] * 30, author="zoe"),
            closed_overrides((0.1, 0.5, True), author="ann"),
            pd.DataFrame([{**said(OVERRIDE, "open", "bob", probability=0.5), "closed": False, "won": np.nan}]),
        ]
    )
    people = overrides(table).people
    assert list(people["author"]) == ["ann", "bob", "zoe"]
    assert people[["given", "closed"]].to_numpy().tolist() == [[1, 1], [1, 0], [30, 30]]
    overall = (30 * 0.24 - 0.56) / 31
    assert list(people["brier_saved"]) == pytest.approx(
        [(-0.56 + 10 * overall) / 11, overall, (30 * 0.24 + 10 * overall) / 40]
    )


def test_what_is_called_too_high_is_borne_out_by_losing():
    rows = [{**said(DISPUTE, f"D{n}", side=HIGH), "closed": True, "won": float(n < 3)} for n in range(24)]
    rows += [{**said(DISPUTE, f"E{n}", side=LOW), "closed": n > 0, "won": 1.0 if n else np.nan} for n in range(3)]
    rows += [{**said(AGREE, f"F{n}"), "closed": True, "won": float(n < 5)} for n in range(24)]
    found = sides(pd.DataFrame(rows))
    assert (found[HIGH].given, found[HIGH].closed, found[HIGH].borne_out) == (24, 24, 21)
    assert found[HIGH].expected == pytest.approx(24 * 0.6)
    assert found[HIGH].beyond.value == pytest.approx(21 / 24 - 0.6)
    assert (found[LOW].given, found[LOW].closed, found[LOW].borne_out, found[LOW].beyond) == (3, 2, 2, None)
    assert (found[AGREE].borne_out, found[AGREE].expected) == (5, pytest.approx(24 * 0.4))


def test_disputes_that_are_coin_flips_are_not_called_right():
    rng = np.random.default_rng(0)
    rows, beyond = [], []
    for _ in range(200):
        p = rng.random(40)
        won = rng.random(40) < p
        rows = [
            {**said(DISPUTE, f"D{n}", side=HIGH, win_probability=p[n]), "closed": True, "won": float(won[n])}
            for n in range(40)
        ]
        beyond.append(sides(pd.DataFrame(rows))[HIGH].beyond.low > 0)
    assert np.mean(beyond) < 0.1


@pytest.mark.parametrize(
    ("row", "side"),
    [
        (said(AGREE), None),
        (said(DISPUTE, side=LOW), LOW),
        (said(OVERRIDE, probability=0.3), HIGH),
        (said(OVERRIDE, probability=0.5), LOW),
        (said(OVERRIDE, probability=0.401), None),
    ],
)
def test_an_own_chance_says_on_which_side_the_model_is(row, side):
    assert side_of(row) == side


def test_what_stands_is_a_persons_newest_judgement_and_a_snooze_that_is_newer():
    rows = [said(AGREE), said(OVERRIDE, probability=0.1), said(SNOOZE), said(SNOOZE, author="bob"),
            said(DISPUTE, side=LOW, author="bob"), said(SNOOZE, "E")]  # fmt: skip
    stands = standing(pd.DataFrame(rows))
    assert list(zip(stands["author"], stands["opportunity_id"], stands["verdict"], strict=True)) == [
        ("anna", "D", OVERRIDE),
        ("anna", "D", SNOOZE),
        ("bob", "D", DISPUTE),
        ("anna", "E", SNOOZE),
    ]


def now(**facts) -> pd.DataFrame:
    return pd.DataFrame([{**STOOD, **facts}], index=["D"])


def out(*rows: dict, day: date = date(2026, 3, 10), **facts) -> bool:
    return snoozed(pd.DataFrame(rows), now(**facts), day) == {"D"}


UNTIL = {"until": date(2026, 4, 1)}


def test_a_snooze_holds_from_its_scoring_until_its_day():
    assert out(said(SNOOZE, **UNTIL))
    assert out(said(SNOOZE, **UNTIL), day=date(2026, 3, 31))
    assert not out(said(SNOOZE, **UNTIL), day=date(2026, 4, 1))
    assert not out(said(SNOOZE, **UNTIL), day=date(2026, 2, 28)), "nobody had snoozed it then"


@pytest.mark.parametrize(
    "fact",
    [{"stage": "Negotiate"}, {"owner": "Bob"}, {"close_date": pd.Timestamp("2026-05-02")}, {"amount": 100.5},
     {"amount": np.nan}, {"close_date": pd.NaT}],
)  # fmt: skip
def test_a_snooze_ends_when_a_fact_changes(fact):
    assert set(fact) <= set(FACTS)
    assert not out(said(SNOOZE, **UNTIL), **fact)


def test_facts_that_are_the_same_in_store_and_tables_have_not_changed():
    assert out(said(SNOOZE, **UNTIL), close_date=pd.Timestamp("2026-05-01"), amount=np.float64(100.001))
    nothing = {"close_date": None, "amount": None}
    assert out(said(SNOOZE, **UNTIL, **nothing), close_date=pd.NaT, amount=np.nan)


def test_a_persons_newer_word_ends_their_snooze_and_not_anothers():
    assert not out(said(SNOOZE, **UNTIL), said(AGREE))
    assert out(said(SNOOZE, **UNTIL), said(AGREE, author="bob"))
    assert list(newest(pd.DataFrame([said(SNOOZE), said(AGREE)]))["verdict"]) == [AGREE]

"""What the store keeps of trials and of verdicts: an arm once and for all, every word that was said."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from serving.database import now
from serving.store import Beside, Store
from serving.store_tables import DEALS, FEEDBACK, SCORE_COLUMNS
from serving.trial.assignment import COACHED, HELD_BACK
from tests.serving.trial.records import assigned

DAY = datetime.fromisoformat("2026-01-10T23:59:59")


@pytest.fixture
def store(store_url):
    return Store(store_url)


def scored(run: str, as_of: datetime, at: datetime, **coaching: str) -> pd.DataFrame:
    row = dict.fromkeys(SCORE_COLUMNS) | {"run_id": run, "as_of": as_of, "scored_at": at, "model_version": "1"}
    row |= {"grade": "B", "reasons": "{}", "stall_reasons": "{}", "priority": 1, "score": 50, "data_confidence": 1.0}
    row |= {"win_probability": 0.4, "win_probability_this_period": 0.1}
    rows = [{**row, "opportunity_id": name, "coaching": text} for name, text in coaching.items()]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def stood(*names: str) -> pd.DataFrame:
    row = dict.fromkeys(column.name for column in DEALS.columns) | {"account": "", "owner": "Ada", "currency": "EUR"}
    rows = [{**row, "opportunity_id": name, "name": f"Deal {name}", "stage": "Propose"} for name in names]
    return pd.DataFrame(rows, columns=[column.name for column in DEALS.columns])


def keep(store: Store, run: str, trial: pd.DataFrame | None = None, after: int = 0, **coaching: str) -> None:
    at = DAY + timedelta(days=after)
    if trial is not None:
        trial = trial.assign(run_id=run, model_version="1", steps=1, assigned_at=at, as_of=at)
    store.save_scores(run, scored(run, at, at, **coaching), stood(*coaching), "1", at, Beside(assigned=trial))


def test_an_arm_is_kept_once_and_never_changed(store):
    first = assigned("A", "B", arm=[HELD_BACK, COACHED])
    keep(store, "one", first, A="[]", B="[1]")
    keep(store, "two", assigned("A", "C", arm=[COACHED, COACHED]), 1, A="[]", C="[1]")
    kept = store.assigned("t").set_index("opportunity_id")
    assert list(kept["arm"]) == [HELD_BACK, COACHED, COACHED]
    assert list(kept["run_id"]) == ["one", "one", "two"]
    assert store.assignment("t", "A")["arm"] == HELD_BACK
    assert store.assignment("t", "Z") is None
    assert store.assignment("other", "A") is None


def test_a_run_that_fails_brings_nobody_into_a_trial(store):
    broken = assigned("A").assign(stage=[object()])
    with pytest.raises(sa.exc.SQLAlchemyError):
        keep(store, "one", broken, A="[]")
    assert store.trials() == ()
    assert store.latest_score("A") is None


def test_trials_are_told_apart_the_first_one_first(store):
    keep(store, "one", assigned("A", "B"), A="[]", B="[]")
    keep(store, "two", assigned("C", share=0.25).assign(trial_id="u"), 1, C="[]")
    keep(store, "three", assigned("D", follow_days=30), 2, D="[]")
    first, second = store.trials()
    assert (first["trial_id"], first["deals"], first["share"], first["follow_days"]) == ("t", 3, 0.5, 30)
    assert (first["first"], first["last"]) == (DAY, DAY + timedelta(days=2))
    assert (second["trial_id"], second["deals"], second["share"]) == ("u", 1, 0.25)


def test_what_was_shown_is_counted_before_and_since(store):
    keep(store, "before", A="[1]", B="[]", C="[1]")
    keep(store, "came in", assigned("A", "B"), 1, A="[]", B="[1]")
    keep(store, "since", None, 2, A="[]", B="[1]", C="[1]")
    shown = store.shown_coaching("t")
    assert shown.loc["A"].to_dict() == {"before": 1, "since": 0}
    assert shown.loc["B"].to_dict() == {"before": 0, "since": 2}
    assert "C" not in shown.index, "it is in no trial"
    assert store.shown_coaching("none").empty
    assert (store.scored_since("t"), store.scored_since("none")) == (3, 0)


def test_the_latest_date_is_that_of_its_kind_of_run(store):
    assert store.last_as_of("score") is None
    keep(store, "late", after=5, A="[]")
    keep(store, "early", after=1, A="[]", B="[]")
    assert store.last_as_of("score") == DAY + timedelta(days=5)
    assert store.last_as_of("forecast") is None
    assert store.scored_deals(DAY + timedelta(days=1)) == {"A", "B"}


def test_every_verdict_is_kept_with_how_the_deal_stood(store):
    keep(store, "run", A="[]", B="[]")
    said = {column.name: None for column in FEEDBACK.columns if column.name not in ("id", "made_at")}
    said |= {
        "opportunity_id": "A",
        "verdict": "snooze",
        "until": date(2026, 2, 1),
        "note": "größer ☕",
        "author": "Ada",
    }
    said |= {"run_id": "run", "as_of": DAY, "scored_at": DAY, "win_probability": 0.4, "model_version": "1"}
    begun = now()
    kept = [store.add_feedback(said), store.add_feedback({**said, "opportunity_id": "B", "verdict": "agree"})]
    assert [row["id"] for row in kept] == [1, 2]
    first, second = store.feedback()
    assert (first["until"], first["note"], first["stage"], first["name"]) == (
        date(2026, 2, 1),
        "größer ☕",
        "Propose",
        "Deal A",
    )
    assert begun <= first["made_at"] <= now()
    assert store.feedback("B") == (second,)

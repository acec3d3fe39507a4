"""Forecasts and people's own numbers in the store: whole runs or nothing, the newest, in order."""

import getpass
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
import sqlalchemy as sa

from serving.store import Store
from serving.store_tables import ADJUSTMENTS, FORECAST_COLUMNS, FORECASTS, RUNS

MONDAY = datetime(2026, 8, 10, 23, 59, 59, 999_000, tzinfo=UTC)
WEEK = timedelta(days=7)
LEVELS = ("company", "region", "manager", "owner")
Q3, Q4 = (date(2026, 7, 1), date(2026, 9, 30)), (date(2026, 10, 1), date(2026, 12, 31))


@pytest.fixture
def store(store_url):
    return Store(store_url)


def forecast_of(run_id: str, as_of: datetime, mean: float = 10.0) -> pd.DataFrame:
    """Two periods, four levels, two keys each (the company one)."""
    rows = [
        {
            **dict.fromkeys(FORECAST_COLUMNS, 1.0),
            "run_id": run_id,
            "as_of": pd.Timestamp(as_of),
            "period_start": start,
            "period_end": end,
            "level": level,
            "key": key,
            "mean": mean,
            "quota": float("nan"),
            "quota_probability": float("nan"),
            "name": f"Name of {key}",
        }
        for start, end in (Q3, Q4)
        for level in LEVELS
        for key in ([level] if level == "company" else ["a", "b", "(none)"])
    ]
    return pd.DataFrame(rows, columns=[*FORECAST_COLUMNS, "name"])


def keep(store: Store, run_id: str, as_of: datetime, mean: float = 10.0) -> None:
    store.save_forecast(run_id, forecast_of(run_id, as_of, mean), "3", as_of)


def own(**said) -> dict:
    """A person's own number."""
    columns = {
        "as_of": MONDAY,
        "period_start": Q3[0],
        "period_end": Q3[1],
        "level": "manager",
        "key": "a",
        "name": "A",
        "amount": 12.5,
        "note": "",
        "author": getpass.getuser(),
        "run_id": None,
        "model_mean": 10.0,
        "model_p10": 8.0,
        "model_p90": 13.0,
    }
    return columns | said


def test_without_a_forecast_there_is_none(store):
    assert store.latest_forecast() is None


def test_what_was_kept_is_read_back_in_its_order(store):
    kept = forecast_of("run", MONDAY)
    store.save_forecast("run", kept.sample(frac=1, random_state=3), "3", MONDAY)
    found = store.latest_forecast()
    pd.testing.assert_frame_equal(
        found.drop(columns=["as_of", "quota", "quota_probability"]),
        kept.drop(columns=["as_of", "quota", "quota_probability"]),
        check_dtype=False,
    )
    assert set(found["as_of"]) == {pd.Timestamp(MONDAY).tz_localize(None)}
    assert found[["quota", "quota_probability"]].isna().all(axis=None)


def test_the_newest_is_that_of_the_latest_date_made_last(store, monkeypatch):
    keep(store, "today", MONDAY, 1.0)
    keep(store, "back then", MONDAY - WEEK, 2.0)
    assert set(store.latest_forecast()["mean"]) == {1.0}
    assert set(store.latest_forecast(MONDAY - timedelta(days=1))["mean"]) == {2.0}
    assert store.latest_forecast(MONDAY - 2 * WEEK) is None
    monkeypatch.setattr("serving.store.now", lambda: MONDAY.replace(tzinfo=None) + 100 * WEEK)
    keep(store, "again", MONDAY, 3.0)
    assert set(store.latest_forecast()["run_id"]) == {"again"}


def test_dates_are_compared_in_utc(store):
    keep(store, "run", MONDAY.astimezone(timezone(timedelta(hours=9))))
    assert store.latest_forecast(MONDAY) is not None
    assert store.latest_forecast(MONDAY - timedelta(seconds=1)) is None


def test_a_run_of_forecasts_is_no_run_of_scores(store):
    keep(store, "run", MONDAY)
    assert store.run_before(MONDAY + WEEK) is None
    with store._engine.connect() as connection:
        (run,) = connection.execute(sa.select(RUNS)).mappings()
    assert (run["kind"], run["model_version"]) == ("forecast", "3")


@pytest.mark.parametrize(
    "spoil",
    [lambda f: f.assign(mean=None), lambda f: pd.concat([f, f.tail(1)]), lambda f: f.assign(period_end=None)],
    ids=["no mean", "a key twice", "no end"],
)
def test_a_forecast_is_kept_whole_or_not_at_all(store, spoil):
    keep(store, "before", MONDAY - WEEK)
    with pytest.raises(sa.exc.IntegrityError):
        store.save_forecast("run", spoil(forecast_of("run", MONDAY)), "3", MONDAY)
    assert set(store.latest_forecast()["run_id"]) == {"before"}
    with store._engine.connect() as connection:
        assert [run["run_id"] for run in connection.execute(sa.select(RUNS)).mappings()] == ["before"]


def test_numbers_of_people_are_kept_in_order_with_when_and_whose(store):
    keep(store, "run", MONDAY)
    begun = datetime.now(UTC).replace(tzinfo=None)
    first = store.add_adjustment(own(run_id="run", note="größer ☕"))
    second = store.add_adjustment(own(amount=-3.0, model_mean=None))
    kept = store.adjustments()
    assert [row["id"] for row in kept] == [first["id"], second["id"]]
    assert kept[0] == first
    assert (kept[0]["note"], kept[0]["amount"], kept[0]["run_id"]) == ("größer ☕", 12.5, "run")
    assert kept[0]["as_of"] == MONDAY.replace(tzinfo=None)
    assert begun <= kept[0]["made_at"] <= kept[1]["made_at"]
    assert kept[1]["model_mean"] is None
    assert list(kept[0]) == [column.name for column in ADJUSTMENTS.columns]


def test_without_numbers_of_people_there_are_none(store):
    assert store.adjustments() == ()


def test_a_number_beside_no_known_forecast_is_not_kept(store):
    with pytest.raises(sa.exc.IntegrityError):
        store.add_adjustment(own(run_id="never made"))
    assert store.adjustments() == ()


def test_a_store_of_an_earlier_version_is_given_the_tables(tmp_path):
    with sqlite3.connect(tmp_path / "dealcast.db") as old:
        old.executescript(
            """
            CREATE TABLE runs (run_id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, as_of DATETIME NOT NULL,
                started_at DATETIME NOT NULL, model_version VARCHAR);
            INSERT INTO runs VALUES ('s', 'score', '2026-08-01 00:00:00.000000', '2026-08-01 00:00:00.000000', '1');
            CREATE TABLE forecast (run_id VARCHAR NOT NULL, as_of DATETIME NOT NULL, period_start DATE NOT NULL,
                period_end DATE NOT NULL, level VARCHAR NOT NULL, "key" VARCHAR NOT NULL, already_won FLOAT NOT NULL,
                open_pipeline FLOAT NOT NULL, new_business FLOAT NOT NULL, mean FLOAT NOT NULL, p10 FLOAT NOT NULL,
                p50 FLOAT NOT NULL, p90 FLOAT NOT NULL, PRIMARY KEY (run_id, period_start, level, "key"));
            """
        )
    store = Store.under(tmp_path)
    assert store.latest_forecast() is None
    assert store.adjustments() == ()
    keep(store, "run", MONDAY)
    assert store.latest_forecast()["name"].iloc[0] == "Name of company"


def test_the_stores_table_is_the_contract_and_a_name():
    assert [column.name for column in FORECASTS.columns] == [*FORECAST_COLUMNS, "name"]
    assert [column.name for column in FORECASTS.primary_key] == ["run_id", "period_start", "level", "key"]

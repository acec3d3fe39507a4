"""What the product remembers: whole runs or nothing, the newest score, the champion."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from crm.errors import DealcastError, WrongUse
from serving.champions import How, Promotion
from serving.database import naive
from serving.store import Beside, Store, new_run_id
from serving.store_stories import TIMELINES
from serving.store_tables import DEALS, RUNS, SCORE_COLUMNS, SCORES
from serving.views.catalogue import views

MONDAY = datetime(2026, 8, 10, 23, 59, 59, 999_000, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def store(store_url):
    return Store(store_url)


@pytest.fixture
def tables(store_url, store):
    """Reads a table of the store's database, beside the store."""
    engine = sa.create_engine(store_url)

    def read(table: sa.Table) -> list[dict]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

    yield read
    engine.dispose()


def scores_of(run_id: str, as_of: datetime, **win: float | None) -> pd.DataFrame:
    rows = [
        {
            "run_id": run_id,
            "as_of": pd.Timestamp(as_of),
            "opportunity_id": name,
            "win_probability": chance,
            "win_probability_change": float("nan"),
            "score": 50,
            "grade": "B",
            "win_probability_this_period": 0.1,
            "expected_close_date": date(2026, 9, 30),
            "stall_risk": float("nan"),
            "expected_amount": 1000.0,
            "expected_revenue_this_period": 100.0,
            "revenue_at_stake": float("nan"),
            "priority": rank,
            "data_confidence": 0.75,
            "reasons": '{"says": "Größe ≥ 10 ☕"}',
            "stall_reasons": "{}",
            "coaching": "[]",
            "model_version": "3",
            "scored_at": pd.Timestamp("2026-08-11T06:00:00Z"),
        }
        for rank, (name, chance) in enumerate(win.items(), start=1)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def deals_of(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "opportunity_id": list(names),
            "name": [f"Deal {name}" for name in names],
            "account": "",
            "stage": "Propose",
            "owner": "Ada",
            "close_date": pd.Series([pd.NaT] * len(names), dtype="datetime64[us]"),
            "amount": float("nan"),
            "currency": "EUR",
            "close_p10": date(2026, 9, 1),
            "close_p90": None,
            "slip_probability": [float("nan"), *[0.25] * (len(names) - 1)] if names else [],
        }
    )


def keep(store: Store, run_id: str, as_of: datetime, **win: float | None) -> None:
    store.save_scores(run_id, scores_of(run_id, as_of, **win), deals_of(*win), "3", as_of)


def test_what_was_kept_is_read_back(store):
    keep(store, "run", MONDAY, D1=0.4, D2=0.6)
    row = store.latest_score("D2")
    assert (row["win_probability"], row["priority"], row["name"]) == (0.6, 2, "Deal D2")
    assert row["expected_close_date"] == date(2026, 9, 30)
    assert row["as_of"] == MONDAY.replace(tzinfo=None)
    assert row["reasons"] == '{"says": "Größe ≥ 10 ☕"}'
    assert (row["close_p10"], row["slip_probability"]) == (date(2026, 9, 1), 0.25)
    assert store.latest_score("D1")["slip_probability"] is None
    unknown = ("stall_risk", "revenue_at_stake", "win_probability_change", "close_date", "amount", "close_p90")
    assert [row[name] for name in unknown] == [None] * len(unknown)


def test_a_deal_that_was_never_scored_has_no_score(store):
    assert store.latest_score("D1") is None


def test_a_run_without_deals_is_a_run(store, tables):
    keep(store, "run", MONDAY)
    assert [row["run_id"] for row in tables(RUNS)] == ["run"]
    assert store.run_before(MONDAY + WEEK).probabilities.empty


def test_the_newest_score_is_that_of_the_latest_date_not_of_the_latest_run(store):
    keep(store, "now", MONDAY, D1=0.4)
    keep(store, "back then", MONDAY - WEEK, D1=0.2)
    assert store.latest_score("D1")["run_id"] == "now"
    assert store.latest_score("D1", MONDAY - timedelta(days=1))["run_id"] == "back then"
    assert store.latest_score("D1", MONDAY - 2 * WEEK) is None


def test_the_previous_run_is_the_newest_before_the_date_and_only_that(store):
    keep(store, "a", MONDAY - 2 * WEEK, D1=0.1, D2=0.2)
    keep(store, "b", MONDAY - WEEK, D1=0.3)
    keep(store, "c", MONDAY, D1=0.5, D3=0.7)
    assert store.run_before(MONDAY).probabilities.to_dict() == {"D1": 0.3}
    assert store.run_before(MONDAY + WEEK).probabilities.to_dict() == {"D1": 0.5, "D3": 0.7}
    assert store.run_before(MONDAY - 2 * WEEK) is None


def test_an_earlier_run_says_when_it_was_and_who_answered(store):
    moment = MONDAY - WEEK - timedelta(milliseconds=1)
    keep(store, "a", moment, D1=0.1)
    earlier = store.run_before(MONDAY)
    assert (earlier.run_id, earlier.model_version) == ("a", "3")
    assert earlier.as_of == round(moment.timestamp() * 1000)


def test_a_date_scored_twice_counts_as_it_was_scored_last(store, monkeypatch):
    for minute, (run_id, chance) in enumerate({"z-first": 0.1, "a-second": 0.2}.items()):
        at = MONDAY.replace(tzinfo=None) + timedelta(minutes=minute)
        monkeypatch.setattr("serving.store.now", lambda at=at: at)
        keep(store, run_id, MONDAY, D1=chance)
    assert store.run_before(MONDAY + WEEK).probabilities.to_dict() == {"D1": 0.2}


def test_instants_are_kept_in_utc(store):
    tokyo = timezone(timedelta(hours=9))
    keep(store, "run", MONDAY.astimezone(tokyo), D1=0.4)
    assert store.latest_score("D1")["as_of"] == MONDAY.replace(tzinfo=None)
    assert store.latest_score("D1", MONDAY.astimezone(tokyo)) is not None
    a_little_later = (MONDAY + timedelta(hours=1)).astimezone(timezone(-timedelta(hours=9)))
    assert len(store.run_before(a_little_later).probabilities) == 1
    assert store.run_before(MONDAY.astimezone(tokyo)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda scores, deals: (scores.assign(win_probability=None), deals),
        lambda scores, deals: (pd.concat([scores, scores.tail(1)]), deals),
        lambda scores, deals: (scores, deals.assign(name=None)),
        lambda scores, deals: (scores, pd.concat([deals, deals.tail(1)])),
    ],
    ids=["a score without probability", "a score twice", "a deal without name", "a deal twice"],
)
def test_a_run_is_kept_whole_or_not_at_all(store, tables, spoil):
    keep(store, "before", MONDAY - WEEK, D1=0.4)
    scores, deals = spoil(scores_of("run", MONDAY, D1=0.4, D2=0.6), deals_of("D1", "D2"))
    with pytest.raises(sa.exc.IntegrityError):
        store.save_scores("run", scores, deals, "3", MONDAY)
    for table in (RUNS, SCORES, DEALS):
        assert {row["run_id"] for row in tables(table)} == {"before"}


def test_a_run_is_not_kept_twice(store, tables):
    keep(store, "run", MONDAY, D1=0.4)
    with pytest.raises(sa.exc.IntegrityError):
        keep(store, "run", MONDAY, D1=0.9)
    assert [row["win_probability"] for row in tables(SCORES)] == [0.4]


def test_the_homes_own_store_is_set_up_for_readers_beside_a_writer(tmp_path):
    store = Store.under(tmp_path / "home")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_readers_and_a_writer_do_not_wait_for_each_other(store, tables):
    keep(store, "run", MONDAY, D1=0.4)
    with store._engine.begin() as writing:
        writing.execute(sa.delete(DEALS))
        assert len(tables(DEALS)) == 1, "what is not committed is not seen, and reading goes on"


def record(store: Store, version: str, *, passed: bool = True) -> None:
    store.record_model(
        version, "0" * 64, Path(f"folder-{version}"), f"run-{version}", passed, {"data": {"until": version}}
    )


def promote(store: Store, version: str, how: How = How.GATE) -> Promotion:
    return store.promote(version, how, f"because {version}", "ada", store.promotions())


def test_without_a_promotion_there_is_no_champion(store):
    record(store, "1", passed=False)
    assert store.champion() is None


def test_the_champion_is_whoever_was_promoted_last(store):
    for version in ("1", "2", "10"):
        record(store, version)
    for version in ("2", "10", "1"):
        promote(store, version)
        assert store.champion()["version"] == version
    assert store.champion()["folder"] == "folder-1"


def test_only_a_recorded_model_can_be_promoted(store):
    with pytest.raises(sa.exc.IntegrityError):
        promote(store, "9")
    assert store.champion() is None


def test_a_version_is_one_model_for_good(store):
    """Another tracking store counts from 1 again; what scores were given by version 1 must stay known."""
    record(store, "1")
    promote(store, "1")
    with pytest.raises(DealcastError, match="the store knows another model as version 1"):
        store.record_model("1", "f" * 64, Path("another"), "run-x", True, {})
    assert store.champion()["folder"] == "folder-1"


def test_what_is_kept_outlives_the_process(store_url):
    keep(Store(store_url), "run", MONDAY, D1=0.4)
    assert Store(store_url).latest_score("D1")["win_probability"] == 0.4


def test_a_home_has_a_store_of_its_own(tmp_path):
    keep(Store.under(tmp_path / "home"), "run", MONDAY, D1=0.4)
    assert Store(f"sqlite:///{tmp_path / 'home' / 'dealcast.db'}").latest_score("D1") is not None


@pytest.mark.parametrize("url", ["nonsense", "nosuchkind://x", "postgresql+nosuchdriver://x"])
def test_an_address_of_no_database_is_wrong_use(url):
    with pytest.raises(WrongUse, match=r"\[store\] url"):
        Store(url)


def test_a_database_that_fails_is_said_without_its_password(tmp_path):
    with pytest.raises(DealcastError, match="the store cannot be used: unable to open database file"):
        Store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_said_and_leaves_what_was_there(store, tables):
    keep(store, "before", MONDAY - WEEK, D1=0.4)
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    many = {f"D{number}": 0.5 for number in range(2000)}
    with pytest.raises(DealcastError, match="database or disk is full"):
        keep(store, "run", MONDAY, **many)
    assert {row["run_id"] for row in tables(RUNS)} == {"before"}
    assert store.latest_score("D1")["win_probability"] == 0.4


def test_ids_of_runs_sort_by_time_and_never_meet():
    ids = [new_run_id("score") for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(one.startswith("score-20") for one in ids)


def test_a_promotion_is_remembered_with_who_when_why_from_and_to(store):
    for version in ("1", "2"):
        record(store, version)
    promote(store, "1")
    begun = datetime.now(UTC).replace(tzinfo=None)
    given = promote(store, "2", How.FORCED)
    assert store.promotions()[-1] == given
    assert (given.id, given.version, given.from_version, given.how) == (2, "2", "1", How.FORCED)
    assert (given.reason, given.promoted_by) == ("because 2", "ada")
    assert begun <= given.promoted_at <= datetime.now(UTC).replace(tzinfo=None)


def test_a_decision_that_another_has_overtaken_changes_nothing(store):
    for version in ("1", "2", "3"):
        record(store, version)
    promote(store, "1")
    seen = store.promotions()
    promote(store, "2")
    with pytest.raises(DealcastError, match="another command has changed the champion in the meantime"):
        store.promote("3", How.GATE, "too late", "bob", seen)
    assert store.champion()["version"] == "2"
    assert [promotion.version for promotion in store.promotions()] == ["1", "2"]


def test_models_are_listed_in_the_order_of_their_training(store, monkeypatch):
    for minute, version in enumerate(("2", "10", "1")):
        at = MONDAY.replace(tzinfo=None) + timedelta(minutes=minute)
        monkeypatch.setattr("serving.store.now", lambda at=at: at)
        record(store, version)
    assert [row["version"] for row in store.models()] == ["2", "10", "1"]
    assert store.models()[1]["facts"] == {"data": {"until": "10"}}


def test_a_store_of_an_earlier_version_is_taken_up(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with sqlite3.connect(home / "dealcast.db") as old:
        old.executescript(
            """
            CREATE TABLE models (version VARCHAR PRIMARY KEY, sha256 VARCHAR NOT NULL, folder VARCHAR NOT NULL,
                mlflow_run_id VARCHAR NOT NULL, trained_at DATETIME NOT NULL, gate_passed BOOLEAN NOT NULL);
            CREATE TABLE promotions (id INTEGER PRIMARY KEY AUTOINCREMENT, version VARCHAR NOT NULL REFERENCES models,
                promoted_at DATETIME NOT NULL, reason VARCHAR NOT NULL);
            INSERT INTO models VALUES ('1', 'abc', 'folder', 'run', '2026-08-01 00:00:00.000000', 1);
            INSERT INTO promotions VALUES (1, '1', '2026-08-01 00:00:01.000000', 'passed the gate');
            """
        )
    for _ in range(2):
        store = Store.under(home)
        assert store.champion()["version"] == "1"
        (model,), (promotion,) = store.models(), store.promotions()
        assert model["facts"] == {}
        assert (promotion.how, promotion.promoted_by, promotion.from_version) == (How.GATE, "", None)
    record(store, "2")
    assert promote(store, "2").id == 2


def test_like_deals_are_kept_with_the_run_and_read_back(store):
    like = pd.Series({"D1": '{"record": null, "deals": []}', "D2": '{"deals": [{"name": "Größe"}]}'})
    store.save_scores(
        "run-1", scores_of("run-1", MONDAY, D1=0.4, D2=0.6), deals_of("D1", "D2"), "3", MONDAY, Beside(like=like)
    )
    assert store.like_deals("run-1", "D2") == {"deals": [{"name": "Größe"}]}
    assert store.like_deals("run-1", "D9") == {}
    store.save_scores("run-2", scores_of("run-2", MONDAY + WEEK, D1=0.4), deals_of("D1"), "3", MONDAY + WEEK)
    assert store.like_deals("run-2", "D1") == {}


def test_a_run_whose_like_deals_cannot_be_kept_is_not_kept_at_all(store, tables):
    twice = pd.Series(["{}", "{}"], index=["D1", "D1"])
    with pytest.raises(sa.exc.IntegrityError):
        store.save_scores("run-1", scores_of("run-1", MONDAY, D1=0.4), deals_of("D1"), "3", MONDAY, Beside(like=twice))
    assert tables(RUNS) == []
    assert tables(SCORES) == []


def test_a_store_that_lacks_columns_is_given_them(store_url, store):
    """As it is for one that an earlier version has made."""
    record(store, "1")
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        for view in views():
            connection.exec_driver_sql(f"DROP VIEW {view.name}")
        connection.exec_driver_sql("ALTER TABLE models DROP COLUMN facts")
        connection.exec_driver_sql("ALTER TABLE scored_deals DROP COLUMN slip_probability")
        connection.exec_driver_sql("DROP INDEX scored_deals_by_owner")
    later = Store(store_url)
    assert "scored_deals_by_owner" in {index["name"] for index in sa.inspect(engine).get_indexes("scored_deals")}
    engine.dispose()
    assert later.models()[0]["facts"] == {}
    keep(later, "run", MONDAY, D1=0.4, D2=0.6)
    assert later.latest_score("D2")["slip_probability"] == 0.25


def test_two_that_open_a_new_store_at_once_both_get_it(store_url):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store, [store_url] * 4))
    keep(stores[0], "run", MONDAY, D1=0.4)
    assert all(one.latest_score("D1") for one in stores)


def users_of(*names: str, manager: str | None = None) -> pd.DataFrame:
    """As a table of the CRM's users tells them: nobody's team, region or title is known."""
    return pd.DataFrame(
        {
            "user_id": list(names),
            "name": [name.upper() for name in names],
            "email": None,
            "manager_id": manager,
            "active": pd.array([True] * len(names), dtype="boolean"),
        }
    )


def closed_of(won: bool, at: datetime, *names: str) -> pd.DataFrame:
    same = {"account": "", "owner_id": "u1", "amount": float("nan"), "currency": ""}
    rows = [
        {"opportunity_id": name, "closed_at": pd.Timestamp(at), "is_won": won, "name": name, **same} for name in names
    ]
    return pd.DataFrame(rows)


def keep_beside(store: Store, run_id: str, as_of: datetime, beside: Beside) -> None:
    store.save_scores(run_id, scores_of(run_id, as_of, D1=0.4), deals_of("D1"), "3", as_of, beside)


def test_the_users_of_the_newest_date_are_known(store):
    keep_beside(store, "run-1", MONDAY, Beside(users=users_of("u1", "u2")))
    keep_beside(store, "run-2", MONDAY + WEEK, Beside(users=users_of("u2", "u3", manager="u9")))
    assert [(user["user_id"], user["manager_id"]) for user in store.crm_users()] == [("u2", "u9"), ("u3", "u9")]
    keep_beside(store, "run-3", MONDAY, Beside(users=users_of("u1")))  # an earlier date is scored anew
    assert [user["user_id"] for user in store.crm_users()] == ["u2", "u3"]
    keep_beside(store, "run-4", MONDAY + 2 * WEEK, Beside(users=users_of()))  # the table did not come
    assert [user["name"] for user in store.crm_users()] == ["U2", "U3"]
    assert [user["team"] for user in store.crm_users()] == [None, None]


def test_deals_that_closed_are_told_as_the_newest_run_saw_them(store):
    keep_beside(store, "run-1", MONDAY, Beside(closed=closed_of(True, MONDAY - timedelta(days=1), "D7", "D8")))
    keep_beside(store, "run-2", MONDAY + WEEK, Beside(closed=closed_of(False, MONDAY + timedelta(days=1), "D8", "D9")))
    found = store.closed_deals(MONDAY - WEEK, MONDAY + WEEK)
    assert [(row["opportunity_id"], row["is_won"]) for row in found] == [("D7", True), ("D8", False), ("D9", False)]
    assert [row["opportunity_id"] for row in store.closed_deals(MONDAY, MONDAY + WEEK)] == ["D8", "D9"]
    assert store.closed_deals(MONDAY + timedelta(days=1), MONDAY + WEEK) == ()


def test_of_each_deals_story_the_newest_is_kept_and_written_anew_only_where_it_changed(store, tables):
    def keep(day: datetime, **texts: str) -> None:
        run_id = f"run {day:%d}"
        scores, beside = scores_of(run_id, day, a=0.5), Beside(timelines=pd.Series(texts, dtype=object))
        store.save_scores(run_id, scores, deals_of("a"), "3", day, beside)

    keep(MONDAY, a='{"events": [1]}', b='{"events": [1]}')
    keep(MONDAY + WEEK, a='{"events": [1]}', b='{"events": [1, 2]}')
    keep(MONDAY + WEEK / 2, a='{"events": []}', b='{"events": []}')
    assert store.timeline("a") == {"events": [1]}
    assert store.timeline("b") == {"events": [1, 2]}, "a run of an earlier date knows less"
    written = {row["opportunity_id"]: row["as_of"] for row in tables(TIMELINES)}
    assert written == {"a": naive(MONDAY), "b": naive(MONDAY + WEEK)}
    assert store.timeline("c") == {}


def test_each_run_keeps_its_curves(store):
    for number, run_id in enumerate(("one", "two")):
        curves = pd.Series({"a": f'{{"won": [0.{number}]}}'}, dtype=object)
        store.save_scores(run_id, scores_of(run_id, MONDAY, a=0.5), deals_of("a"), "3", MONDAY, Beside(curves=curves))
    assert store.win_curve("one", "a") == {"won": [0.0]}
    assert store.win_curve("two", "a") == {"won": [0.1]}
    assert store.win_curve("two", "b") == {}


def test_a_model_is_found_by_its_version(store, tmp_path):
    store.record_model("3", "0" * 64, tmp_path, "run", True, {"data": {"won": 5}})
    found = store.model("3")
    assert found == store.models()[0]
    assert found["facts"] == {"data": {"won": 5}}
    assert store.model("baseline") is None

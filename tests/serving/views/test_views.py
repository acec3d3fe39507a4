"""Each view against the tables, worked out another way; equal in every kind of database."""

from __future__ import annotations

import json
import re

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from serving.store import Store
from serving.store_tables import metadata
from serving.views.catalogue import views
from serving.views.reading import blocks
from serving.views.reference import page
from tests.serving.views.filled import DEALS_OF, MONDAY, NASTY, WEEK, fill

VIEWS = {view.name: view for view in views()}


@pytest.fixture
def store(store_url):
    return fill(store_url)


@pytest.fixture
def tables(store_url, store):
    """The store's tables, as frames of objects."""
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        frames = {
            name: pd.DataFrame(connection.execute(sa.select(table)).mappings().all(), columns=table.columns.keys())
            for name, table in metadata.tables.items()
        }
    engine.dispose()
    return frames


def read(store, name: str) -> list[dict]:
    """A view's rows in the order of its key."""
    with store.snapshot() as connection:
        found = list(blocks(connection, VIEWS[name]))
    return in_order(pa.concat_tables(found).to_pylist() if found else [], name)


def in_order(rows: list[dict], name: str) -> list[dict]:
    """Text sorts as its database likes, here as Python does."""
    return sorted(rows, key=lambda row: tuple(row[column] for column in VIEWS[name].key))


def expected(rows: list[dict], name: str) -> list[dict]:
    """Rows as a file has them: instants in UTC, every missing value None, every column there in order."""
    columns = [column.name for column in VIEWS[name].columns]
    told = [{column: plain(row.get(column)) for column in columns} for row in rows]
    assert not [extra for row in rows for extra in row if extra not in columns]
    return in_order(told, name)


def plain(value):
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp | type(MONDAY)):
        return pd.Timestamp(value).tz_localize("UTC").to_pydatetime()
    return value.item() if hasattr(value, "item") else value


def scores_with_deals(tables) -> pd.DataFrame:
    joined = tables["scores"].merge(tables["scored_deals"], on=["run_id", "opportunity_id"])
    return joined[[column.name for column in VIEWS["bi_score_history"].columns]].astype(object)


def test_what_is_shown_of_every_run_is_scores_and_how_the_deals_stood(store, tables):
    shown = read(store, "bi_score_history")
    assert shown == expected(scores_with_deals(tables).to_dict("records"), "bi_score_history")
    assert {row["opportunity_id"] for row in shown} == {"D1", "D2", "0012", "=D3", "D4"}
    assert {row["name"] for row in shown} == {NASTY}


def test_open_deals_are_those_of_the_newest_run(store, tables):
    """Of the latest date, not the run that was made last; of one date's runs the last one."""
    every = scores_with_deals(tables)
    newest = every[every["run_id"] == "score-z"].to_dict("records")
    stored = tables["scores"].query("run_id == 'score-z'").set_index("opportunity_id")
    told = [{**row, **loudest(stored.loc[row["opportunity_id"]])} for row in newest]
    assert {row["reason_against"] for row in told} == {NASTY, None}
    assert read(store, "bi_open_deals") == expected(told, "bi_open_deals")
    assert [row["opportunity_id"] for row in read(store, "bi_open_deals")] == sorted(DEALS_OF["score-z"])


def loudest(score) -> dict:
    """What speaks loudest of a deal, and the first thing to do."""
    reasons, stall, coaching = (json.loads(score[name]) for name in ("reasons", "stall_reasons", "coaching"))
    says = {"reason_for": reasons["for"], "reason_against": reasons["against"], "reason_to_stall": stall.get("for")}
    first = {name: found[0]["says"] if found else None for name, found in says.items()}
    return {**first, "next_step": coaching[0]["brief"] if coaching else None}


def test_the_newest_run_is_the_one_that_the_store_reads(store):
    newest = {row["kind"]: row["run_id"] for row in read(store, "bi_runs") if row["is_newest"]}
    assert newest["score"] == store.run_before(MONDAY + 9 * WEEK).run_id == "score-z"
    assert newest["forecast"] == store.latest_forecast()["run_id"].iloc[0]


def test_runs(store, tables):
    runs = tables["runs"].sort_values(["as_of", "started_at", "run_id"])
    newest = set(runs.groupby("kind").tail(1)["run_id"])
    last = set(runs.groupby(["kind", "as_of"]).tail(1)["run_id"])
    told = [{**row, "is_newest": row["run_id"] in newest, "is_last_of_date": row["run_id"] in last}
            for row in runs.astype(object).to_dict("records")]  # fmt: skip
    assert read(store, "bi_runs") == expected(told, "bi_runs")
    assert last == {"score-c", "score-z", "forecast-a", "forecast-c"}


def unfolded(tables, column: str, sides: dict[str, str]) -> list[dict]:
    return [
        {
            **{name: row[name] for name in ("run_id", "as_of", "opportunity_id")},
            "side": told,
            "rank": rank,
            "reason_group": reason["group"],
            **{name: value for name, value in reason.items() if name != "group"},
        }
        for row in tables["scores"].to_dict("records")
        for stored, told in sides.items()
        for rank, reason in enumerate(json.loads(row[column]).get(stored, []), start=1)
    ]


@pytest.mark.parametrize(
    ("name", "column", "sides"),
    [
        ("bi_reasons", "reasons", {"for": "for", "against": "against"}),
        ("bi_stall_reasons", "stall_reasons", {"for": "raises", "against": "lowers"}),
    ],
)
def test_reasons_of_either_kind(store, tables, name, column, sides):
    shown = read(store, name)
    assert shown == expected(unfolded(tables, column, sides), name)
    assert {row["side"] for row in shown} == set(sides.values())
    assert {row["actionable"] for row in shown} == {True, False}
    assert {row["says"] for row in shown} == {NASTY}


def test_moves(store, tables):
    told = [
        {
            **{name: row[name] for name in ("run_id", "as_of", "opportunity_id")},
            **{name: value for name, value in move.items() if name != "group"},
            "since": moved["since"],
            "rank": rank,
            "reason_group": move["group"],
        }
        for row in tables["scores"].to_dict("records")
        if (moved := json.loads(row["reasons"]).get("moved"))
        for rank, move in enumerate(moved["moves"], start=1)
    ]
    assert told
    assert read(store, "bi_score_moves") == expected(told, "bi_score_moves")


def test_coaching(store, tables):
    names = {"here": "value", "won": "won_share", "lost": "lost_share", "odds": "odds_ratio", "low": "odds_low"}
    names |= {"high": "odds_high", "from": "win_from", "to": "win_to", "practice": "name", "action": "name"}
    told = [
        {
            **{name: row[name] for name in ("run_id", "as_of", "opportunity_id")},
            "step": place,
            **{names.get(name, name): value for name, value in step.items() if name != "segment"},
        }
        for row in tables["scores"].to_dict("records")
        for place, step in enumerate(json.loads(row["coaching"]), start=1)
    ]
    assert {row["kind"] for row in told} == {"gap", "change"}
    assert read(store, "bi_coaching") == expected(told, "bi_coaching")


def test_what_a_trial_withholds_is_not_shown(store, store_url):
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE scores SET coaching = '[]' WHERE opportunity_id = 'D1'"))
    engine.dispose()
    assert {row["opportunity_id"] for row in read(store, "bi_coaching")} == {"D2", "0012", "=D3", "D4"}


def forecasts(tables) -> pd.DataFrame:
    frame = tables["forecast"].merge(tables["runs"][["run_id", "started_at", "model_version"]], on="run_id")
    frame["name"] = frame["name"].where(frame["name"].notna(), frame["key"])
    return frame.sort_values(["as_of", "started_at", "run_id"])


def test_the_forecast_now_is_the_newest(store, tables):
    newest = forecasts(tables).query("run_id == 'forecast-c'").drop(columns="started_at").astype(object)
    assert len(newest) == 3
    assert read(store, "bi_forecast_now") == expected(newest.to_dict("records"), "bi_forecast_now")


def test_the_forecast_is_held_against_the_one_before(store, tables):
    frame = forecasts(tables).drop(columns="started_at")
    before = frame.groupby(["period_start", "level", "key"])[["run_id", "mean"]].shift()
    frame = frame.assign(
        run_before=before["run_id"], mean_before=before["mean"], mean_change=frame["mean"] - before["mean"]
    )
    assert read(store, "bi_forecast_history") == expected(
        frame.astype(object).to_dict("records"), "bi_forecast_history"
    )
    assert frame["mean_change"].dropna().tolist() == [2.0] * 6


def test_people_s_numbers(store, tables):
    frame = tables["adjustments"].rename(columns={"id": "adjustment_id"})
    last = ~frame.duplicated(["author", "period_start", "level", "key"], keep="last")
    told = frame.astype(object).assign(is_last=last.astype(object)).to_dict("records")
    assert last.tolist() == [False, True, True]
    assert read(store, "bi_adjustments") == expected(told, "bi_adjustments")


def test_verdicts(store, tables):
    frame = tables["feedback"].rename(columns={"id": "verdict_id"}).drop(columns="scored_at")
    newest = ~frame.duplicated(["author", "opportunity_id"], keep="last")
    stood = tables["scored_deals"][["run_id", "opportunity_id", "name", "account", "owner", "stage"]]
    told = frame.assign(is_newest=newest).merge(stood, on=["run_id", "opportunity_id"]).astype(object)
    assert newest.tolist() == [False, True, True, True]
    assert read(store, "bi_verdicts") == expected(told.to_dict("records"), "bi_verdicts")


def test_closed_deals(store, tables):
    frame = tables["closed_deals"].merge(tables["runs"][["run_id", "as_of", "started_at"]], on="run_id")
    frame = frame.sort_values(["as_of", "started_at"])
    newest = ~frame.duplicated("opportunity_id", keep="last")
    told = frame.astype(object).assign(is_newest=newest.astype(object)).drop(columns="started_at").to_dict("records")
    assert read(store, "bi_closed_deals") == expected(told, "bi_closed_deals")
    newest = [row for row in read(store, "bi_closed_deals") if row["is_newest"]]
    (by_store,) = store.closed_deals(MONDAY - WEEK, MONDAY + WEEK)
    assert [(row["run_id"], row["is_won"]) for row in newest] == [("score-z", True)] == [(by_store["run_id"], True)]


def test_users(store, tables):
    told = tables["crm_users"].astype(object).to_dict("records")
    assert read(store, "bi_users") == expected(told, "bi_users")


def test_model_versions(store, tables):
    last = tables["promotions"].drop_duplicates("version", keep="last").set_index("version")
    told = []
    for row in tables["models"].astype(object).to_dict("records"):
        known = {name: row[name] for name in ("version", "trained_at", "gate_passed", "mlflow_run_id")}
        if row["version"] in last.index:
            by = last.loc[row["version"]]
            known |= {name: by[name] for name in ("promoted_at", "promoted_by", "reason")}
            known["promoted_how"] = by["how"] or "gate"
        told.append({**known, "is_champion": row["version"] == store.champion()["version"]})
    assert read(store, "bi_model_versions") == expected(told, "bi_model_versions")
    assert [(row["version"], row.get("promoted_how")) for row in told] == [
        ("1", "rollback"),
        ("2", "forced"),
        ("10", None),
    ]


def test_a_promotion_of_an_earlier_version_was_by_the_gate(store, store_url):
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM promotions WHERE id > 1"))
    engine.dispose()
    shown = {row["version"]: (row["promoted_how"], row["is_champion"]) for row in read(store, "bi_model_versions")}
    assert shown == {"1": ("gate", True), "2": (None, False), "10": (None, False)}


def test_a_store_in_which_nothing_was_kept_has_nothing_to_show(tmp_path):
    empty = Store.under(tmp_path)
    assert [name for name in VIEWS if read(empty, name)] == []


def test_both_kinds_of_database_answer_alike(tmp_path, postgres_url):
    one, other = fill(f"sqlite:///{tmp_path / 'store.db'}"), fill(postgres_url)
    for name in VIEWS:
        shown = read(one, name)
        assert shown, name
        assert shown == read(other, name)


def test_every_view_shows_the_columns_that_are_documented_and_no_other(store, store_url):
    engine = sa.create_engine(store_url)
    text = page()
    for name in VIEWS:
        there = [column["name"] for column in sa.inspect(engine).get_columns(name)]
        section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == there
    engine.dispose()


def test_the_queries_of_the_page_can_be_run(store):
    queries = re.findall(r"^-- .*?;$", page().split("```sql")[1].split("```")[0], re.MULTILINE | re.DOTALL)
    with store.snapshot() as connection:
        urgent, costly, moved = (connection.exec_driver_sql(query).all() for query in queries)
    assert [row[0] for row in urgent] == [NASTY] * 3
    assert [tuple(row) for row in costly] == [("pushes", -0.1, 2)]
    assert [row[-1] for row in moved] == [None, 2.0]


def test_names_of_views_cannot_meet_those_of_tables():
    assert all(re.fullmatch(r"bi_[a-z_]+", name) for name in VIEWS)
    assert not [name for name in metadata.tables if name.startswith("bi_")]

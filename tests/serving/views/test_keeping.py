"""Views come with the store, follow their declarations, and never stand in the tables' way."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from crm.errors import DealcastError
from serving.store import Store
from serving.store_tables import metadata
from serving.views.catalogue import views
from serving.views.reference import page
from tests.serving.views.filled import fill

NAMES = [view.name for view in views()]


@pytest.fixture
def run(store_url):
    """Statements at the store's database, beside the store; answers the rows of the last one."""
    engine = sa.create_engine(store_url)

    def statements(*sql: str) -> list[tuple]:
        with engine.begin() as connection:
            results = [connection.exec_driver_sql(one) for one in sql]
            return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []

    yield statements
    engine.dispose()


def columns_of(store_url: str, name: str) -> list[str]:
    engine = sa.create_engine(store_url)
    found = [column["name"] for column in sa.inspect(engine).get_columns(name)]
    engine.dispose()
    return found


def test_a_store_of_an_earlier_version_gets_them(store_url, run):
    fill(store_url)
    before = run("SELECT count(*) FROM bi_reasons")
    run(*(f"DROP VIEW {name}" for name in NAMES), "ALTER TABLE scored_deals DROP COLUMN slip_probability")
    Store(store_url)
    assert before == run("SELECT count(*) FROM bi_reasons") != [(0,)]
    assert run("SELECT count(*), count(slip_probability) FROM bi_open_deals") == [(3, 0)]


def test_a_view_that_differs_is_replaced_and_the_others_are_let_be(store_url, run):
    fill(store_url)
    right = columns_of(store_url, "bi_runs")
    run("DROP VIEW bi_runs", "CREATE VIEW bi_runs AS SELECT 1 AS something")
    Store(store_url)
    assert columns_of(store_url, "bi_runs") == right


def test_nothing_is_done_where_all_are_current(store_url, run):
    """Whoever only reads waits for no writer: nothing is locked."""
    Store(store_url)
    engine = sa.create_engine(store_url)
    with engine.connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE" if "sqlite" in store_url else "LOCK TABLE runs IN EXCLUSIVE MODE")
        assert Store(store_url).models() == ()
        writer.rollback()
    engine.dispose()


def test_two_that_open_an_older_store_at_once_both_get_them(store_url, run):
    fill(store_url)
    run(*(f"DROP VIEW {name}" for name in NAMES))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Store, [store_url] * 4))
    assert run("SELECT count(*) FROM bi_open_deals") == [(3,)]


def test_a_table_in_a_views_place_is_said_and_the_tables_are_brought_up_to_date(store_url, run):
    Store(store_url)
    run("DROP VIEW bi_runs", "CREATE TABLE bi_runs (mine INTEGER)", "INSERT INTO bi_runs VALUES (7)")
    run(*(f"DROP VIEW {name}" for name in NAMES if name != "bi_runs"), "ALTER TABLE models DROP COLUMN facts")
    with pytest.raises(DealcastError, match=r"the view bi_runs cannot be brought up to date: .*bi_runs") as raised:
        Store(store_url)
    assert "nothing else bears the name" in str(raised.value)
    assert "facts" in columns_of(store_url, "models")
    assert run("SELECT mine FROM bi_runs") == [(7,)]


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_what_was_built_on_a_view_is_not_taken_away(store_url, run):
    fill(store_url)
    run("DROP VIEW bi_runs", "CREATE VIEW bi_runs AS SELECT 1 AS something", "CREATE VIEW mine AS TABLE bi_runs")
    with pytest.raises(DealcastError, match="bi_runs cannot be brought up to date: cannot drop view bi_runs because"):
        Store(store_url)
    assert run("TABLE mine") == [(1,)]


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_view_and_its_columns_carry_their_meaning(store_url, run):
    Store(store_url)
    engine = sa.create_engine(store_url)
    told = sa.inspect(engine)
    for view in views():
        assert told.get_table_comment(view.name)["text"].startswith(view.meaning)
        assert [one["comment"] for one in told.get_columns(view.name)] == [column.meaning for column in view.columns]
    engine.dispose()


@pytest.fixture
def reader(store_url, run):
    """Statements as the user that docs/bi.md makes; gone afterwards."""
    fill(store_url)
    statements = page().split("```sql")[2].split("```")[0].replace("'…'", "'secret'")
    run(*(one for one in re.split(r";\s*\n", statements) if one.strip()))
    engine = sa.create_engine(sa.make_url(store_url).set(username="bi_reader", password="secret"))

    def statement(sql: str) -> list[tuple]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    yield statement
    engine.dispose()
    run("DROP OWNED BY bi_reader", "DROP ROLE bi_reader")


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_user_that_may_only_read_reads_the_views_and_nothing_else(reader):
    for name in NAMES:
        assert reader(f"SELECT count(*) FROM {name}")[0][0] > 0
    for table in metadata.tables:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            reader(f"SELECT 1 FROM {table}")
    with pytest.raises(sa.exc.DatabaseError, match="cannot update view"):
        reader("UPDATE bi_adjustments SET note = 'mine'")


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_who_may_read_a_view_may_read_it_in_its_new_form(store_url, run, reader):
    run("DROP VIEW bi_runs", "CREATE VIEW bi_runs AS SELECT 1 AS something")
    run("GRANT SELECT ON bi_runs TO bi_reader, PUBLIC", "COMMENT ON VIEW bi_open_deals IS 'of an earlier version'")
    Store(store_url)
    assert len(reader("SELECT is_newest FROM bi_runs")) == 7
    assert len(reader("SELECT priority FROM bi_open_deals")) == 3
    granted = run("SELECT relacl::text FROM pg_class WHERE relname = 'bi_runs'")[0][0]
    assert "bi_reader=r/" in granted
    assert re.search(r"[{,]=r/", granted), "everybody"

"""A database as a source: what is read from it is what is read from files, whichever database it is."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from crm.clock import as_of_millis
from crm.errors import DataRefused, DealcastError, WrongUse
from crm.simulator import SimulatorSettings, simulate
from crm.sources.connect import connect
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping, TableMapping
from crm.sources.mirror.sync import sync
from crm.sources.remotes import sql
from crm.sources.sql.database import ConnectionLost
from crm.tables import TABLES, Kind
from tests.databases import postgres_server

NOW = as_of_millis(datetime(2026, 11, 1, tzinfo=UTC))
TYPES = {
    Kind.ID: sa.Text(),
    Kind.TEXT: sa.Text(),
    Kind.INSTANT: sa.DateTime(timezone=True),
    Kind.DATE: sa.Date(),
    Kind.MONEY: sa.Numeric(18, 2),
    Kind.NUMBER: sa.Float(),
    Kind.FLAG: sa.Boolean(),
}


def no_secret(_name):
    return None


OPENED = []


def source(url, named=()):
    OPENED.append(connect(url, no_secret, named))
    return OPENED[-1]


def leave_all():
    """What a test left half read."""
    while OPENED:
        OPENED.pop().database.leave()


def mirrored(url, folder, **more):
    return sync(source(url, **more), folder / "mirror", NOW)


@pytest.fixture(scope="module")
def company():
    simulated = simulate(SimulatorSettings(deals=80, seed=8)).tables
    frames = {name: frame for name, frame in simulated.frames.items() if name not in ("costs", "leads")}
    frames["opportunities"] = frames["opportunities"].assign(Größe='a "b" ,c')
    frames["opportunities"].loc[0, "name"] = "it's; DROP TABLE deals"
    frames["opportunities"]["amount"] = frames["opportunities"]["amount"].round(2)
    return frames


@pytest.fixture(scope="module")
def from_files(company, tmp_path_factory):
    """The company as it is read from files."""
    into = tmp_path_factory.mktemp("files")
    for name, frame in company.items():
        frame.to_csv(into / f"{name}.csv", index=False)
    return read_folder(into)


def in_database(engine, company, schema=None):
    """The company in a database, under the column types that its contract means."""
    meta = sa.MetaData()
    for name, frame in company.items():
        kinds = {column.name: TYPES[column.kind] for column in TABLES[name].columns}
        key = TABLES[name].key
        columns = [sa.Column(c, kinds.get(c, sa.Text()), primary_key=(c,) == key) for c in frame]
        table = sa.Table(name, meta, *columns, schema=schema)
        table.create(engine)
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        for row in rows:
            row.update({c: v.date() for c, v in row.items() if v is not None and isinstance(kinds.get(c), sa.Date)})
            row.update({c: v.to_pydatetime() for c, v in row.items() if isinstance(v, pd.Timestamp)})
        with engine.begin() as connection:
            connection.execute(table.insert(), rows)


def same_as(found, expected):
    """Both readings hold the same rows; a database has no order of rows."""
    assert found.tables.frames.keys() == expected.tables.frames.keys()
    for name, frame in expected.tables.frames.items():
        ours, theirs = (f[sorted(f)].sort_values(sorted(f), ignore_index=True) for f in (found.tables[name], frame))
        pd.testing.assert_frame_equal(ours, theirs)
    assert found.report.balance == expected.report.balance


@pytest.fixture(scope="module")
def databases(postgres, company, tmp_path_factory):
    """The URLs of three databases that hold the company."""
    files = tmp_path_factory.mktemp("databases")
    with postgres.database() as url:
        engine = sa.create_engine(url)
        in_database(engine, company)
        engine.dispose()
        lite = f"sqlite:///{files}/company.sqlite"
        in_database(sa.create_engine(lite), company)
        with duckdb.connect(str(files / "company.duckdb")) as con:
            for name, frame in company.items():
                con.register("frame", frame)
                con.execute(f"CREATE TABLE {name} AS FROM frame")
        yield {"postgresql": url, "sqlite": lite, "duckdb": f"duckdb:///{files}/company.duckdb"}


@pytest.mark.parametrize("kind", ["postgresql", "sqlite", "duckdb"])
def test_a_database_reads_as_the_folder_does(databases, from_files, tmp_path, kind):
    synced = mirrored(databases[kind], tmp_path)
    found = read_folder(synced.folder, sql_zone(kind))
    same_as(found, from_files)
    assert found.shape == "native"
    again = mirrored(databases[kind], tmp_path)
    assert {name: (came.new, came.changed, came.gone) for name, came in again.came.items()} == dict.fromkeys(
        again.came, (0, 0, 0)
    )


def sql_zone(kind):
    """SQLite keeps no zone with a time."""
    return SourceMapping(time_zone="UTC") if kind == "sqlite" else SourceMapping()


# --- PostgreSQL --------------------------------------------------------------------------------------------------

WAREHOUSE = '''
CREATE SCHEMA sf;
CREATE TABLE sf.opportunity (
  id text PRIMARY KEY, stage_name text, amount numeric, close_date date, created_date timestamptz, is_closed boolean,
  is_won boolean, "100 %(s) ""x's""" text, extra jsonb, seen timestamp, _fivetran_synced timestamptz,
  _fivetran_deleted boolean);
CREATE TABLE sf.opportunity_stage (api_name text PRIMARY KEY, sort_order int, is_closed boolean, is_won boolean);
CREATE VIEW sf.task AS SELECT '00T1' AS id, 'a' AS what_id, timestamptz '2026-01-05 10:00Z' AS created_date;
INSERT INTO sf.opportunity_stage VALUES ('New', 1, false, false), ('Won', 2, true, true);
INSERT INTO sf.opportunity VALUES
  ('a', 'New', 1234.50, '2026-03-01', '2026-01-01 00:00:00.123456+02', false, false, 'y', '{"k": 1}', '2026-01-01',
   '2026-01-01 10:00Z', false),
  ('b', 'Won', 99999999999999.99, 'infinity', '2026-01-02 00:00Z', true, true, NULL, NULL, 'infinity',
   '2026-01-02 10:00Z', false);
'''


@pytest.fixture
def warehouse(postgres_url):
    """The URL of a warehouse's schema, and a way to run statements in it."""
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def run(statement):
        with engine.connect() as connection:
            connection.exec_driver_sql(statement.replace("%", "%%"))

    run(WAREHOUSE)
    yield f"{postgres_url}{'&' if '?' in postgres_url else '?'}schema=sf", run
    leave_all()


def test_values_come_exactly_and_names_are_no_sql(warehouse, tmp_path):
    reading = read_folder(mirrored(warehouse[0], tmp_path).folder)
    assert reading.shape == "salesforce warehouse"
    assert reading.report.set_aside[["row", "column", "value", "rule"]].values.tolist() == [
        [2, "close_date", "infinity", "not a day"]
    ]
    deal = reading.tables["opportunities"].iloc[0]
    assert deal["created_at"] == pd.Timestamp("2025-12-31 22:00:00.123456Z")
    assert (deal["amount"], deal["close_date"]) == (1234.5, pd.Timestamp("2026-03-01"))
    assert deal[['100 %(s) "x\'s"', "extra", "seen"]].tolist() == ["y", '{"k": 1}', "2026-01-01 00:00:00"]
    deals = pq.read_table(mirrored(warehouse[0], tmp_path).folder / "opportunity.parquet")
    assert deals["amount"].to_pylist() == [Decimal("1234.50"), Decimal("99999999999999.99")]
    assert deals["is_won"].to_pylist() == [False, True]


def test_only_what_was_written_since_is_fetched_again_and_deletions_are_seen(warehouse, tmp_path):
    url, run = warehouse
    first = mirrored(url, tmp_path)
    assert first.manifest.tables["opportunity"].cursor == "2026-01-02 10:00:00+00:00"
    assert first.manifest.tables["opportunity_stage"].cursor is None, "nothing marks what was deleted there"
    (deals,) = [table for table in source(url).tables() if table.name == "opportunity"]
    pages = list(deals.pages(first.manifest.tables["opportunity"].cursor))
    assert [page.rows["id"].to_pylist() for page in pages] == [["b"]], "what is older by more than the overlap stays"
    run("UPDATE sf.opportunity SET stage_name = 'Won', _fivetran_synced = '2026-01-02 09:30Z' WHERE id = 'a'")
    run("UPDATE sf.opportunity SET _fivetran_deleted = true, _fivetran_synced = '2026-01-03 Z' WHERE id = 'b'")
    run("INSERT INTO sf.opportunity (id, stage_name, created_date) VALUES ('c', 'New', '2026-01-03 Z')")
    run("DELETE FROM sf.opportunity_stage WHERE api_name = 'New'; INSERT INTO sf.opportunity_stage VALUES ('New', 0)")
    second = mirrored(url, tmp_path)
    assert {name: (came.new, came.changed) for name, came in second.came.items()} == {
        "opportunity": (1, 2),
        "opportunity_stage": (0, 1),
        "task": (0, 0),
    }
    held = pq.read_table(second.folder / "opportunity.parquet").to_pylist()
    assert [(row["id"], row["stage_name"], row["_fivetran_deleted"]) for row in held] == [
        ("a", "Won", False),
        ("b", "Won", True),
        ("c", "New", None),
    ]


def test_all_tables_are_of_one_moment(warehouse, tmp_path):
    url, run = warehouse
    tables = {table.name: table for table in source(url).tables()}
    list(tables["opportunity"].pages(None))
    run("INSERT INTO sf.opportunity_stage VALUES ('Late', 9, false, false)")
    (page,) = tables["opportunity_stage"].pages(None)
    assert page.rows["api_name"].to_pylist() == ["New", "Won"]
    tables = {table.name: table for table in source(url).tables()}
    (page,) = tables["opportunity_stage"].pages(None)
    assert "Late" in page.rows["api_name"].to_pylist()


def test_a_connection_that_is_lost_is_made_again(warehouse, tmp_path):
    url, run = warehouse
    tables = source(url).tables()
    run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
        "current_database()"
    )
    assert [row for page in tables[0].pages(None) for row in page.rows["id"].to_pylist()] == ["a", "b"]


def test_a_server_that_is_restarted_meanwhile_is_waited_for_and_one_that_stays_away_is_named(tmp_path, monkeypatch):
    with postgres_server() as server, server.database() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE opportunities AS SELECT 'a' AS opportunity_id, now() AS created_at, 'New' AS stage"
            )
        (table,) = source(url).tables()
        server.restart()
        assert [page.rows.num_rows for page in table.pages(None)] == [1]
        (table,) = source(url).tables()
    waits: list[float] = []
    monkeypatch.setattr(sql, "PATIENCE", replace(sql.PATIENCE, sleep=waits.append))
    OPENED.clear()
    with pytest.raises(ConnectionLost, match="does not answer") as stayed_away:
        list(table.pages(None))
    assert waits
    assert sum(waits) <= sql.PATIENCE.budget
    assert "run the command again" in stayed_away.value.remedy


def test_where_no_deals_are_the_schema_that_has_them_is_named(warehouse, postgres_url):
    url, run = warehouse
    run("CREATE TABLE public.invoices (id int)")
    with pytest.raises(DataRefused, match="invoices") as refused:
        source(postgres_url).tables()
    assert refused.value.remedy == "name the schema that has them: ?schema=sf"
    with pytest.raises(DataRefused, match="no table 'opportunty'") as refused:
        source(url, ["opportunty"]).tables()
    assert refused.value.remedy == "write 'opportunity'"


def test_tables_of_other_names_are_fetched_where_the_mapping_names_them(warehouse, tmp_path):
    url, run = warehouse
    run("CREATE TABLE sf.crm_deals AS SELECT id AS nr, stage_name AS phase, created_date AS began FROM sf.opportunity")
    asked = source(url + "&tables=crm_deals", ["opportunity_stage"]).tables()
    assert [table.name for table in asked[:2]] == ["opportunity_stage", "crm_deals"]
    columns = {"opportunity_id": "nr", "stage": "phase", "created_at": "began"}
    mapping = SourceMapping(time_zone="UTC", tables={"opportunities": TableMapping("crm_deals", columns)})
    reading = read_folder(mirrored(url, tmp_path, named=["crm_deals"]).folder, mapping)
    assert reading.tables["opportunities"]["stage"].tolist() == ["New"]


def test_a_password_is_never_told(postgres_url):
    url = sa.make_url(postgres_url)
    wrong = url.set(username="nobody", password="top-secret").render_as_string(hide_password=False)
    found = source(wrong)
    assert "top-secret" not in found.address
    with pytest.raises(DealcastError) as refused:
        found.tables()
    assert "top-secret" not in str(refused.value)
    given = connect(url.set(username="nobody").render_as_string(), lambda name: {"SQL_PASSWORD": "x"}[name])
    assert given.address == found.address, "a password tells no other source"


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////nowhere/at-all.db", "no such file"),
        ("duckdb:///nowhere.duckdb", "no such file"),
        ("sqlite://", "no file is named"),
        ("oddbase://host/x", "no database can be opened"),
        ("postgresql+nodriver://host/x", "no database can be opened"),
        ("postgresql://host:port/x", "not an address"),
    ],
)
def test_an_address_that_names_no_database_is_refused(url, told):
    with pytest.raises(WrongUse, match=told) as refused:
        source(url)
    assert refused.value.expected

"""A table as a sink: our columns and nothing else, one transaction a batch, equal when read back."""

import psycopg
import pytest
import sqlalchemy as sa

from crm.errors import DealcastError, WrongUse
from serving.sinks import sql
from serving.sinks.sink import Fate
from serving.sinks.sql import SqlSettings, SqlSink
from serving.writeback.fields import BY_NAME, NOTHING, settled_all
from serving.writeback.plan import read_all
from tests.serving.writeback.memory import answers

IDS = ["D1", "Ö'2", 'D"3', "D4;--", "D5%s"]


@pytest.fixture
def engine(store_url):
    engine = sa.create_engine(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def url(store_url, engine):
    return store_url


@pytest.fixture
def own(url, engine):
    sink = SqlSink("own", SqlSettings(url, batch=3))
    create(engine, sink.definitions())
    return sink


@pytest.fixture
def existing(url, engine):
    """Somebody else's table, with names as people give them."""
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE "The Deals" ("Deal Id" VARCHAR(40) PRIMARY KEY, "Owner" VARCHAR(40))')
        rows = [{"id": one, "owner": f"of {one}"} for one in IDS]
        connection.execute(sa.text('INSERT INTO "The Deals" VALUES (:id, :owner)'), rows)
    sink = SqlSink("theirs", SqlSettings(url, "The Deals", existing=True, id="Deal Id", batch=100))
    create(engine, sink.definitions())
    return sink


def create(engine, definitions: str) -> None:
    with engine.begin() as connection:
        for statement in definitions.split(";\n") if "ALTER" not in definitions else definitions.splitlines():
            connection.exec_driver_sql(statement)


def rows_of(engine, table: str) -> list[dict]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1")).mappings()]


def fates(outcomes) -> dict[str, Fate]:
    return {one.record_id: one.fate for one in outcomes}


@pytest.mark.parametrize("kind", ["own", "existing"])
def test_what_was_written_is_read_back_equal(kind, request, store_url):
    sink, wanted = request.getfixturevalue(kind), answers(3, IDS)
    wanted["D1"] = settled_all(
        {**wanted["D1"], "reasons": "100 % \\ \t ☕ 'a' \"b\"\nsecond", "expected_amount": 1e9 + 0.01}
    )
    assert fates(sink.write(wanted)) == dict.fromkeys(IDS, Fate.WRITTEN)
    assert read_all(sink, IDS) == wanted
    for values in sink.read(IDS).values():
        assert set(values) == set(BY_NAME)
        assert all(isinstance(value, str | float | int | None) for value in values.values())


@pytest.mark.parametrize("kind", ["own", "existing"])
def test_only_the_fields_given_for_each_record_change(kind, request, store_url):
    sink, wanted = request.getfixturevalue(kind), answers(1, IDS)
    sink.write(wanted)
    sink.write({"D1": {"grade": "Z", "reasons": None}, "D5%s": {"score": 5}})
    after = read_all(sink, IDS)
    assert after == {
        **wanted,
        "D1": {**wanted["D1"], "grade": "Z", "reasons": None},
        "D5%s": {**wanted["D5%s"], "score": 5},
    }


def test_in_our_own_table_a_deal_of_which_nothing_is_said_has_no_row(own, engine):
    assert own.read(["D1", "D2"]) == {"D1": NOTHING, "D2": NOTHING}
    own.write(answers(1, ["D1", "D2"]))
    own.write({"D1": dict.fromkeys(BY_NAME), "D3": {"grade": None}})
    assert [row["opportunity_id"] for row in rows_of(engine, "dealcast_scores")] == ["D2"]


def test_a_column_that_somebody_added_to_our_table_keeps_its_row(own, engine, url):
    own.write(answers(1, ["D1"]))
    create(engine, "ALTER TABLE dealcast_scores ADD COLUMN note VARCHAR(20)")
    create(engine, "UPDATE dealcast_scores SET note = 'theirs'")
    later = SqlSink("own", SqlSettings(url))
    later.write({"D1": dict.fromkeys(BY_NAME)})
    (row,) = rows_of(engine, "dealcast_scores")
    assert (row["opportunity_id"], row["note"], row["grade"]) == ("D1", "theirs", None)


def test_in_somebody_elses_table_no_row_is_made_and_no_other_column_changes(existing, engine):
    outcomes = existing.write({**answers(1, IDS[:3]), "new": {"grade": "A"}})
    assert fates(outcomes) == {**dict.fromkeys(IDS[:3], Fate.WRITTEN), "new": Fate.FAILED}
    assert existing.read(["new"]) == {}
    rows = rows_of(engine, '"The Deals"')
    assert sorted((row["Deal Id"], row["Owner"]) for row in rows) == sorted((one, f"of {one}") for one in IDS)


def test_ids_may_be_numbers(url, engine):
    create(engine, "CREATE TABLE deals (id INTEGER PRIMARY KEY, other VARCHAR(10))")
    create(engine, "INSERT INTO deals VALUES (1, 'a'), (2, 'b')")
    sink = SqlSink("numbers", SqlSettings(url, "deals", existing=True, id="id"))
    create(engine, sink.definitions())
    assert fates(sink.write({"1": {"grade": "A"}, "3": {"grade": "B"}})) == {"1": Fate.WRITTEN, "3": Fate.FAILED}
    assert {one: values["grade"] for one, values in sink.read(["1", "2", "3"]).items()} == {"1": "A", "2": None}


def test_a_row_that_the_database_refuses_is_told_and_the_others_are_written(existing, engine):
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            refuse = """CREATE TRIGGER no BEFORE UPDATE ON "The Deals" WHEN NEW.dealcast_grade = 'bad'
                BEGIN SELECT RAISE(ABORT, 'not with us'); END"""
        else:
            refuse = """ALTER TABLE "The Deals" ADD CONSTRAINT "not with us" CHECK (dealcast_grade <> 'bad')"""
        connection.exec_driver_sql(refuse)
    outcomes = existing.write({one: {"grade": "bad" if one == "D1" else "A"} for one in IDS})
    assert fates(outcomes) == {one: Fate.FAILED if one == "D1" else Fate.WRITTEN for one in IDS}
    assert "not with us" in next(one.said for one in outcomes if one.record_id == "D1")
    assert {one: values["grade"] for one, values in read_all(existing, IDS).items()} == {
        one: None if one == "D1" else "A" for one in IDS
    }


@pytest.mark.parametrize("lost", [sa.exc.OperationalError("x", {}, OSError("gone")), psycopg.OperationalError("gone")])
def test_where_the_connection_is_lost_it_is_not_known_what_was_written(own, monkeypatch, lost):
    def fails(*_):
        raise lost

    monkeypatch.setattr(sql, "write_batch", fails)
    assert fates(own.write(answers(1, IDS))) == dict.fromkeys(IDS, Fate.UNCLEAR)


def test_what_has_to_be_created_is_said_where_it_is_missing(url, engine):
    sink = SqlSink("warehouse", SqlSettings(url))
    with pytest.raises(DealcastError, match="there is no table 'dealcast_scores'") as missing:
        sink.read(["D1"])
    assert "dealcast writeback --sink warehouse --fields" in missing.value.remedy
    create(engine, "CREATE TABLE dealcast_scores (opportunity_id VARCHAR(20) PRIMARY KEY, grade VARCHAR(5))")
    with pytest.raises(DealcastError, match=r"the table has no column win_probability, .*scored_at"):
        sink.read(["D1"])


def test_an_id_that_stands_there_twice_is_refused(url, engine):
    create(engine, "CREATE TABLE deals (id VARCHAR(10), other VARCHAR(10))")
    sink = SqlSink("twice", SqlSettings(url, "deals", existing=True, id="id"))
    create(engine, sink.definitions())
    create(engine, "INSERT INTO deals (id) VALUES ('a'), ('b'), ('a')")
    assert list(sink.read(["b"])) == ["b"]
    with pytest.raises(DealcastError, match="'a' stands in the column 'id' more than once"):
        sink.read(["a", "b"])


@pytest.mark.parametrize("url", ["postgresql+psycopg://ada:s3cret@host/db", "postgresql://ada:s3cret@host/db"])
def test_a_password_has_no_place_in_the_configuration(url):
    with pytest.raises(WrongUse, match="a password stands in a file") as refused:
        SqlSettings(url)
    assert "s3cret" not in str(refused.value)
    assert "DEALCAST_SINK_…_PASSWORD" in refused.value.remedy


def test_a_password_that_is_given_is_used_and_never_told():
    sink = SqlSink("x", SqlSettings("postgresql+psycopg://ada@127.0.0.1:1/db?connect_timeout=1"), "s3cret")
    with pytest.raises(DealcastError, match="the database cannot be asked") as failed:
        sink.read(["D1"])
    assert sink._engine.url.password == "s3cret"
    assert "s3cret" not in f"{failed.value}{sink.address}{sink._engine!r}"


@pytest.mark.parametrize(("url", "found"), [("mysql://host/db", "cannot write to 'mysql'"), ("no", "no database's")])
def test_other_databases_are_refused(url, found):
    with pytest.raises(WrongUse, match=found):
        SqlSettings(url)

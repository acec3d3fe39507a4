"""`dealcast writeback` and `dealcast undo`: looked at, applied by hash, taken back; on PostgreSQL and in a file."""

import json
import sqlite3

import pandas as pd
import pytest
import sqlalchemy as sa

from serving.store import Store
from serving.writeback.fields import BY_NAME
from tests.acceptance.worlds import LAST_DAY, copied, dealcast, new_home


@pytest.fixture
def home(scored, tmp_path):
    return copied(scored.home, tmp_path / "home")


@pytest.fixture
def sheet(home, tmp_path):
    """A home with a file as its sink."""
    configure(home, f'[sinks.sheet]\nkind = "file"\npath = "{tmp_path / "answers.csv"}"')
    return tmp_path / "answers.csv"


@pytest.fixture
def crm(home, scored, postgres_url):
    """A home with a table of deals in PostgreSQL, somebody else's, as its sink."""
    configure(home, f'[sinks.crm]\nkind = "sql"\nurl = "{postgres_url}"\ntable = "deals"\nexisting = true\nid = "id"')
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE deals (id VARCHAR(40) PRIMARY KEY, owner TEXT, stage TEXT)")
        rows = [{"id": one, "owner": f"owner of {one}"} for one in scored.scores["opportunity_id"]]
        connection.execute(sa.text("INSERT INTO deals VALUES (:id, :owner, 'Offer')"), rows)
        fields = dealcast("writeback", "--sink", "crm", "--fields", "--home", home)
        assert fields.code == 0, fields.err
        for statement in fields.lines:
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def configure(home, text):
    path = home / "dealcast.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def writeback(home, sink, *words):
    return dealcast("writeback", "--sink", sink, "--home", home, *words)


def planned(home, sink, *words):
    told = writeback(home, sink, "--json", *words)
    assert told.code == 0, told.err
    return json.loads(told.out)


def deals(engine):
    with engine.connect() as connection:
        return {row["id"]: dict(row) for row in connection.execute(sa.text("SELECT * FROM deals")).mappings()}


def test_answers_come_into_a_crm_and_go_again(home, scored, crm):
    before = deals(crm)
    shown = writeback(home, "crm", "--top", 2)
    assert shown.code == 0, shown.err
    assert max(map(len, shown.lines)) <= 80 or all("://" in line for line in shown.lines if len(line) > 80)
    assert f"{len(scored.scores)} records would change; 0 hold the answers already." in shown.out
    assert "Nothing was written." in shown.out
    assert deals(crm) == before
    command = shown.lines[-1].split()
    assert command[:4] == ["dealcast", "writeback", "--sink", "crm"]

    applied = dealcast(*command[1:], "--home", home)
    assert applied.code == 0, applied.err
    assert f"{len(scored.scores)} records written." in applied.out
    after, scores = deals(crm), scored.scores.set_index("opportunity_id")
    assert {one: (row["owner"], row["stage"]) for one, row in after.items()} == {
        one: (row["owner"], row["stage"]) for one, row in before.items()
    }
    for one, row in after.items():
        assert float(row["dealcast_win_probability"]) == round(scores.loc[one, "win_probability"], 3)
        assert row["dealcast_expected_close_date"] == scores.loc[one, "expected_close_date"]
        assert row["dealcast_score"] == scores.loc[one, "score"]
        reasons = json.loads(scores.loc[one, "reasons"])
        assert row["dealcast_reasons"].count("\n") + 1 == len(reasons["for"]) + len(reasons["against"])
        assert "{" not in row["dealcast_reasons"]

    again = dealcast(*command[1:], "--home", home)
    assert (again.code, deals(crm)) == (0, after)
    assert "nothing was left to write" in again.out
    nothing = writeback(home, "crm")
    assert "0 records would change" in nothing.out
    assert "--apply" not in nothing.out

    run = applied.lines[-1].split()[-1]
    assert run in dealcast("undo", "--home", home).out
    back = dealcast("undo", run, "--home", home)
    assert back.code == 0, back.err
    assert deals(crm) == after, "looked at only"
    taken = dealcast(*back.lines[-1].split()[1:], "--home", home)
    assert taken.code == 0, taken.err
    assert deals(crm) == before
    assert dealcast(*back.lines[-1].split()[1:], "--home", home).code == 0
    assert deals(crm) == before


def test_undo_leaves_alone_what_a_person_has_changed_since(home, crm):
    writeback(home, "crm", "--apply", planned(home, "crm")["hash"])
    one = min(deals(crm))
    with crm.begin() as connection:
        connection.execute(sa.text("UPDATE deals SET dealcast_grade = 'my own' WHERE id = :one"), {"one": one})
    run = json.loads(dealcast("undo", "--home", home, "--json").out)[0]["run_id"]
    shown = dealcast("undo", run, "--home", home)
    assert f"left alone: {one}, Grade, holds my own" in shown.out
    assert dealcast(*shown.lines[-1].split()[1:], "--home", home).code == 0
    after = deals(crm)
    assert after[one]["dealcast_grade"] == "my own"
    assert {row[f"dealcast_{name}"] for row in after.values() for name in BY_NAME if name != "grade"} == {None}


def test_what_has_changed_since_it_was_looked_at_is_refused(home, sheet):
    older = planned(home, "sheet", "--run", runs(home)[0])
    assert older["scoring_run"] == runs(home)[0]
    for confirmed in (older["hash"], "0123456789abcdef"):
        refused = writeback(home, "sheet", "--apply", confirmed)
        assert refused.code == 3
        assert "nothing was written" in refused.err
    assert not sheet.exists()
    assert writeback(home, "sheet", "--run", runs(home)[0], "--apply", older["hash"]).code == 0


def runs(home):
    """The scoring runs, the first one first."""
    with sqlite3.connect(home / "dealcast.db") as store:
        return [row[0] for row in store.execute("SELECT run_id FROM runs WHERE kind = 'score' ORDER BY started_at")]


def test_more_records_than_usual_must_be_said(home, scored, sheet):
    number = len(scored.scores)
    configure(home, "most = 10")
    plan = planned(home, "sheet")
    assert (plan["most"], plan["records"]) == (10, number)
    shown = writeback(home, "sheet")
    assert f"--most {number}" in shown.lines[-1]
    refused = writeback(home, "sheet", "--apply", plan["hash"])
    assert refused.code == 3
    assert f"--most {number}" in refused.err
    assert not sheet.exists()
    assert writeback(home, "sheet", "--apply", plan["hash"], "--most", number).code == 0
    assert len(pd.read_csv(sheet)) == number


def test_only_what_has_changed_is_written_and_all_of_it_is_in_the_file_of_changes(home, scored, sheet, tmp_path):
    older, _newest = runs(home)
    first = planned(home, "sheet", "--run", older)
    assert writeback(home, "sheet", "--run", older, "--apply", first["hash"]).code == 0
    out = tmp_path / "changes.csv"
    told = writeback(home, "sheet", "--out", out)
    assert told.code == 0, told.err
    assert f"Every change is in {out}." in told.out
    plan = planned(home, "sheet")
    assert plan["gone"] == sorted(
        {row["opportunity_id"] for row in first["changes"]} - set(scored.scores["opportunity_id"])
    )
    table = pd.read_csv(out, dtype=str)
    assert list(table.columns) == ["opportunity_id", "field", "before", "after"]
    assert len(table) == sum(len(change["after"]) for change in plan["changes"])
    assert table.loc[table["field"] == "win_probability", "before"].notna().any()


def test_the_trial_keeps_coaching_out_of_the_crm(home, scored, sheet):
    configure(home, '[trial]\nshare = 0.5\nseed = "pilot"')
    assert dealcast("score", "--data", scored.data, "--home", home, "--as-of", LAST_DAY).code == 0
    store = Store.under(home)
    trial = store.trials()[0]["trial_id"]
    assigned = store.assigned(trial)
    held = set(assigned.loc[assigned["arm"] == "held back", "opportunity_id"])
    assert held
    first, *_, last = runs(home)
    assert held & {row["opportunity_id"] for row in store.scores_of(first) if row["coaching"] != "[]"}, (
        "before the trial"
    )
    for run in (first, last):
        changes = {row["opportunity_id"]: row["after"] for row in planned(home, "sheet", "--run", run)["changes"]}
        assert not any(changes[one].get("coaching") for one in held & set(changes))
        assert any(row.get("coaching") for row in changes.values())


def test_what_does_not_fit_is_wrong_use(home, sheet, tmp_path):
    cases = [
        (("writeback", "--home", home), "--sink"),
        (("writeback", "--sink", "no", "--home", home), "there is no sink 'no'"),
        (("writeback", "--sink", "sheet", "--run", "no", "--home", home), "there is no scoring run 'no'"),
        (("writeback", "--sink", "sheet", "--out", "x.doc", "--home", home), "cannot tell the format"),
        (("undo", "no", "--home", home), "there is no write-back 'no'"),
        (("undo", "--apply", "abc", "--home", home), "no write-back is named"),
    ]
    for words, said in cases:
        told = dealcast(*words)
        assert (told.code, said in told.err) == (2, True), told.err
    empty = new_home(tmp_path / "empty", '[sinks.sheet]\nkind = "file"\npath = "x.csv"', tracks=False)
    told = writeback(empty, "sheet")
    assert (told.code, "nothing has been scored here yet" in told.err) == (2, True)
    assert not (empty / "dealcast.db").exists()
    assert "Nothing has been written back yet." in dealcast("undo", "--home", empty).out


def test_a_sink_that_has_moved_is_not_taken_back(home, sheet, tmp_path):
    writeback(home, "sheet", "--apply", planned(home, "sheet")["hash"])
    run = json.loads(dealcast("undo", "--home", home, "--json").out)[0]["run_id"]
    path = home / "dealcast.toml"
    path.write_text(path.read_text().replace("answers.csv", "elsewhere.csv"))
    told = dealcast("undo", run, "--home", home)
    assert (told.code, "elsewhere.csv by now" in told.err) == (2, True)

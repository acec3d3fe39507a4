"""`dealcast nightly`: a night's work in one command, taken up where it was stopped, one at a time."""

import json
import sqlite3
from dataclasses import replace

import pytest

import pipelines.commands.nightly as command
from crm.errors import DataRefused
from crm.lock import held
from pipelines.night_parts import Told
from serving.store import Store
from tests.acceptance.worlds import FAST, LAST_DAY, copied, dealcast

STAGES = ["sync", "check", "score", "write back to crm", "forecast", "retrain"]


@pytest.fixture(scope="module")
def home(scored, tmp_path_factory):
    """A home with a database to write back to, in which nobody has created our table yet."""
    folder = tmp_path_factory.mktemp("night")
    home = copied(scored.home, folder / "home")
    sink = f'[sinks.crm]\nkind = "sql"\nurl = "sqlite:///{folder / "crm.db"}"\n\n[nightly]\nwrite_back = ["crm"]\n'
    (home / "dealcast.toml").write_text(f"{FAST}\n[retrain]\nmax_age_days = 1000\nworst_drift = 9.0\n\n{sink}")
    return home


def nightly(home, data, *more):
    return dealcast("nightly", "--data", data, "--as-of", LAST_DAY, "--home", home, *more)


def states(told) -> dict[str, str]:
    return {stage["name"]: stage["state"] for stage in json.loads(told.out)["stages"]}


def work_of(monkeypatch, works):
    """From now on the parts named do this work in place of their own."""
    declared = command.parts_of

    def parts_of(config):
        return tuple(replace(part, work=works.get(part.name, part.work)) for part in declared(config))

    monkeypatch.setattr(command, "parts_of", parts_of)


# The first three in this order: each goes on with the night before it.


def test_a_stage_that_fails_is_told_and_the_others_are_done(home, scored):
    told = nightly(home, scored.data)
    assert told.code == 1, told.err
    words = " ".join(told.out.split())
    assert "write back to crm failed" in words
    assert "✗ write back to crm" in told.out
    assert "dealcast writeback --sink crm --fields" in words
    for stage in ("check", "score", "forecast"):
        assert f"✓ {stage}" in told.out
    assert "Run the same command again: it goes on with what was not done." in words
    assert max(map(len, told.lines)) <= 80
    assert [line.split(": ")[1] for line in told.err.splitlines() if line[:9] == "nightly 1"] == ["sync"]


def test_the_same_command_again_does_only_what_was_not_done(home, scored):
    ddl = dealcast("writeback", "--sink", "crm", "--fields", "--home", home).out
    where = home.parent / "crm.db"
    with sqlite3.connect(where) as database:
        database.executescript(ddl)
    before = Store.under(home).scoring_run(None)
    told = nightly(home, scored.data, "--json")
    assert told.code == 0, told.err
    said = json.loads(told.out)
    assert said["resumed"] == 1
    assert states(told) == dict.fromkeys(STAGES, "done")
    assert Store.under(home).scoring_run(None) == before, "deals are not scored a second time"
    with sqlite3.connect(where) as database:
        (rows,) = database.execute("SELECT count(*) FROM dealcast_scores WHERE score IS NOT NULL").fetchone()
    assert rows == len(scored.scores) == said["stages"][3]["facts"]["written"]


def test_the_next_night_writes_back_only_what_is_no_longer_so(home, scored, monkeypatch):
    others = set(STAGES) - {"write back to crm"}
    work_of(monkeypatch, dict.fromkeys(others, lambda work: Told(("done",), {})))
    told = nightly(home, scored.data, "--json")
    assert told.code == 0, told.err
    said = json.loads(told.out)
    assert said["resumed"] == 0
    assert said["stages"][3]["says"] == [f"nothing to change, {len(scored.scores)} records hold the answers already"]


def test_data_that_are_refused_stop_what_needs_them(home, scored, tmp_path):
    told = nightly(home, tmp_path, "--json")
    assert told.code == 3
    assert states(told) == {"sync": "done", "check": "refused", **dict.fromkeys(STAGES[2:], "left out")}
    assert json.loads(told.out)["stages"][2]["says"] == ["needs what check brings"]


def test_killed_in_the_middle_it_goes_on_with_the_same_night(scored, tmp_path, monkeypatch):
    home = copied(scored.home, tmp_path / "home")
    told_of = []

    def killed(work):
        raise KeyboardInterrupt

    def noted(name, code=0):
        def work(work):
            told_of.append((name, work.as_of))
            return Told((name,), {}, code, "2026-08-14T23:59:59Z" if name == "check" else None)

        return work

    work_of(monkeypatch, {name: noted(name) for name in STAGES} | {"forecast": killed})
    assert nightly(home, scored.data).code == 1
    work_of(monkeypatch, {"forecast": noted("forecast"), "retrain": noted("retrain", 4)})
    told = nightly(home, scored.data)
    assert told.code == 4
    assert "! retrain" in told.out
    assert [name for name, _ in told_of] == ["sync", "check", "score", "forecast", "retrain"]
    assert told_of[-1][1] == "2026-08-14T23:59:59Z", "all stages look at the data as of one instant"


def test_two_nights_at_once_are_not_had(scored, tmp_path):
    home = copied(scored.home, tmp_path / "home")
    with held(home / "nightly" / "lock", "dealcast nightly by ada"):
        told = nightly(home, scored.data)
    assert told.code == 1
    assert "dealcast nightly by ada" in told.err


def test_a_sink_that_is_not_configured_is_wrong_use_before_anything_is_done(scored, tmp_path):
    home = copied(scored.home, tmp_path / "home")
    (home / "dealcast.toml").write_text('[nightly]\nwrite_back = ["crm"]\n')
    told = nightly(home, scored.data)
    assert told.code == 2
    assert "there is no sink 'crm'" in told.err
    assert not list((home / "nightly").glob("*.json"))
    (home / "dealcast.toml").write_text('[nightly]\nwrite_back = "crm"\n')
    assert 'texts in quotes, such as ["a", "b"]' in nightly(home, scored.data).err


def test_a_refusal_of_the_data_is_told_in_its_own_words(scored, tmp_path, monkeypatch):
    home = copied(scored.home, tmp_path / "home")

    def refused(work):
        raise DataRefused("it shrank", where="Opportunity", remedy="confirm it")

    work_of(monkeypatch, {"sync": refused})
    told = nightly(home, scored.data)
    assert told.code == 3
    assert "Opportunity: it shrank" in told.out
    assert "what to do: confirm it" in told.out

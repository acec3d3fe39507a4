"""`dealcast features`: training and scoring sets in files, the same wherever and however they are computed."""

import json
import os
import re
import shutil
import sys
from importlib.util import find_spec

import pandas as pd
import pytest

from features.fingerprint import fingerprint
from tests.acceptance.test_refusals import message
from tests.acceptance.worlds import FAST, LAST_DAY, WEEK_BEFORE, dealcast, everything_in, new_home, program

ON_SPARK = FAST + (
    '[spark]\n"spark.driver.memory" = "1g"\n'
    '"spark.driver.extraJavaOptions" = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"\n'
    '"spark.sql.codegen.wholeStage" = "false"\n'
)
"""A job of seconds: what makes long ones fast costs more than it gains."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return new_home(tmp_path_factory.mktemp("features") / "home", ON_SPARK)


@pytest.fixture(scope="module")
def training(few_deals, home):
    """A training set, and what the command told of it."""
    out = home.parent / "made" / "training.parquet"
    told = dealcast("features", "--data", few_deals, "--home", home, "--as-of", LAST_DAY, "--out", out)
    return told, out


def printed_fingerprint(told) -> str:
    assert told.code == 0, told.err
    return re.search(r"^Fingerprint ([0-9a-f]{64})$", told.out, re.MULTILINE)[1]


def test_a_training_set_is_written_and_told_in_a_few_lines(training):
    told, out = training
    rows = pd.read_parquet(out)
    assert printed_fingerprint(told) == fingerprint(rows)
    assert f"{out}:" in told.lines
    assert f"\n  {len(rows):,} deals and dates, with what came of each, " in told.out
    assert f" features, as of {LAST_DAY}." in " ".join(told.out.split())
    assert all(len(line) <= 80 or line == f"{out}:" for line in told.lines)
    assert "Worked off in" not in told.out
    assert [line.partition(":")[0] for line in told.err.splitlines()] == [
        *(f"features {number}/4" for number in range(1, 5)),
        "features",
    ]
    assert {"outcome", "days", "stalled", "amount_ratio"} < set(rows)


def test_within_a_gibibyte_the_set_is_the_same(few_deals, home, training, tmp_path):
    out = tmp_path / "set.parquet"
    told = dealcast(
        "features", "--data", few_deals, "--home", home, "--as-of", LAST_DAY, "--out", out, "--memory", "1GiB"
    )
    assert printed_fingerprint(told) == printed_fingerprint(training[0])
    assert pd.read_parquet(out).equals(pd.read_parquet(training[1]))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed: make spark")
@pytest.mark.skipif(
    not (shutil.which("java") or os.environ.get("JAVA_HOME")),
    reason="Spark needs Java 17: there is no java on the path, nor a JAVA_HOME",
)
def test_on_spark_the_set_is_the_same(few_deals, home, training, tmp_path):
    out = tmp_path / "set.parquet"
    words = ("--data", few_deals, "--home", home, "--as-of", LAST_DAY, "--out", out)
    told = program("features", *words, "--engine", "spark", "--master", "local[2]", cwd=tmp_path)
    assert printed_fingerprint(told) == printed_fingerprint(training[0])
    assert pd.read_parquet(out).equals(pd.read_parquet(training[1]))
    assert [path.name for path in tmp_path.iterdir()] == ["set.parquet"]
    said = [line for line in told.err.splitlines() if not line.startswith("WARNING: Using incubator modules")]
    assert [line.partition(":")[0] for line in said] == [*(f"features {n}/4" for n in range(1, 5)), "features"]


def test_a_scoring_set_has_the_open_deals_and_json_is_for_programs(few_deals, home, tmp_path):
    out = tmp_path / "set.csv"
    told = dealcast(
        *("features", "--set", "scoring", "--json"),
        *("--data", few_deals, "--home", home, "--as-of", WEEK_BEFORE, "--out", out),
    )
    assert told.code == 0, told.err
    summary, rows = json.loads(told.out), pd.read_csv(out)
    assert (summary["set"], summary["as_of"]) == ("scoring", f"{WEEK_BEFORE}T23:59:59Z")
    assert summary["rows"] == len(rows) == rows["opportunity_id"].nunique() > 0
    assert list(rows) == ["opportunity_id", "as_of", "stage", *summary["features"]]
    assert re.fullmatch(r"[0-9a-f]{64}", summary["fingerprint"])
    assert (summary["out"], summary["parts"]) == (str(out), 1)
    assert isinstance(summary["absent"], dict)
    assert isinstance(summary["notes"], list)


def test_a_set_a_day_is_kept_added_to_and_verified(few_deals, home, tmp_path):
    keep = ("features", "--data", few_deals, "--home", home, "--daily", tmp_path / "days")
    first = dealcast(*keep, "--since", "2026-08-11", "--as-of", "2026-08-12")
    assert first.code == 0, first.err
    assert "2 days added (2026-08-11 to 2026-08-12)" in first.out
    before = everything_in(tmp_path / "days")
    second = dealcast(*keep, "--as-of", "2026-08-13", "--verify", "--json")
    assert second.code == 0, second.err
    summary = json.loads(second.out)
    assert summary["added"] == ["2026-08-13"]
    assert summary["compared"] == ["2026-08-11", "2026-08-12"]
    assert summary["changed"] == []
    after = everything_in(tmp_path / "days")
    assert {name: after[name] for name in before if name != "sets.json"} == {
        name: held for name, held in before.items() if name != "sets.json"
    }
    for day, of_day in summary["days"].items():
        assert of_day["fingerprint"] == fingerprint(pd.read_parquet(tmp_path / "days" / f"{day}.parquet"))


# What cannot be done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--out", "set.csv", "--memory", "4GB"], 2, "--memory: '4GB' is no amount of memory"),
        (["--out", "set.csv", "--memory", "512MiB"], 2, "--memory: 512MiB is too little"),
        (["--out", "set.csv", "--since", WEEK_BEFORE], 2, "--since goes with --daily alone"),
        (["--out", "set.csv", "--verify"], 2, "--verify goes with --daily alone"),
        (["--daily", "days", "--set", "scoring"], 2, "--set goes with --out alone"),
        (["--out", "set.csv", "--master", "local[2]"], 2, "--master goes with --engine spark alone"),
        (["--out", "set.xlsx"], 2, "--out: cannot tell the format from 'set.xlsx'"),
        (["--out", "set.csv", "--as-of", "someday"], 2, "--as-of: 'someday' is not a date"),
        (["--daily", "days", "--as-of", LAST_DAY, "--since", "someday"], 2, "--since: 'someday' is not a date"),
        (["--daily", "days", "--as-of", WEEK_BEFORE, "--since", LAST_DAY], 2, "is after 2026-08-07, the last day"),
        (["--out", "set.csv", "--as-of", "2001-01-01"], 3, "no deal had been created by 2001-01-01"),
        (["--out", "set.csv", "--as-of", "2001-01-01", "--memory", "1GiB"], 3, "no deal had been created by"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(few_deals, home, tmp_path, monkeypatch, words, code, says):
    monkeypatch.chdir(tmp_path)
    told = dealcast("features", "--data", few_deals, "--home", home, *words)
    assert told.code == code
    assert says in message(told, "features")
    assert told.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("more", [[], ["--memory", "1GiB"]])
def test_a_folder_that_is_not_there_is_refused(home, tmp_path, more):
    told = dealcast("features", "--data", tmp_path / "nowhere", "--home", home, "--out", tmp_path / "set.csv", *more)
    assert told.code == 3
    assert "there is no folder of that name" in message(told, "features")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--out"],
        ["--out", "set.csv", "--daily", "days"],
        ["--out", "set.csv", "--set", "testing"],
        ["--out", "set.csv", "--engine", "abacus"],
    ],
    ids=" ".join,
)
def test_what_nobody_can_understand_is_wrong_use(few_deals, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    told = dealcast("features", "--data", few_deals, *words)
    assert told.code == 2
    assert "usage: dealcast features" in told.err
    assert list(tmp_path.iterdir()) == []


def test_without_pyspark_the_message_says_how_to_get_it(few_deals, home, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    for name in [name for name in sys.modules if name.startswith(("pyspark.", "features.spark"))]:
        monkeypatch.delitem(sys.modules, name)
    out = tmp_path / "set.csv"
    told = dealcast("features", "--data", few_deals, "--home", home, "--out", out, "--engine", "spark")
    assert told.code == 2
    assert "--engine spark: PySpark is not installed" in message(told, "features")
    assert "make spark" in told.err
    assert not out.exists()


def test_help_is_no_failure_and_fits_80_columns():
    told = dealcast("features", "--help")
    assert told.code == 0
    assert told.out.startswith("usage: dealcast features")
    assert max(len(line) for line in told.lines) <= 80

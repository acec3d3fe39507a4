"""What is told of written sets fits 80 columns, but for a path that is longer."""

from pathlib import Path

import pytest

from features.feature import Vocabulary
from pipelines.daily import DailyResult, Kept
from pipelines.features import FeatureSet, Written
from pipelines.reports.sets import daily_summary, set_summary
from pipelines.terminal import WIDTH

WHY = "the expected annual recurring revenue has no recorded history and is not declared fixed in dealcast.toml"
LONG = Path("/data/Sales Operations/exports of the year/2026/08/features of all open deals") / ("x" * 40)
DAYS = tuple(f"2026-08-{day:02}" for day in range(1, 15))


def a_set(out: Path) -> FeatureSet:
    absent = {f"feature {number}": WHY for number in range(1200)}
    return FeatureSet("training", 1_786_000_000_000, 1_234_567, ("a",) * 160, absent, "f" * 64, 12, out, ())


def some_days(folder: Path) -> DailyResult:
    kept = Kept(Vocabulary(), ("a",) * 160, dict.fromkeys(DAYS, Written(123_456, "f" * 64)))
    return DailyResult(folder, kept, DAYS, DAYS, DAYS, ())


@pytest.mark.parametrize("path", [Path("set.parquet"), LONG])
@pytest.mark.parametrize(
    "summary", [lambda path: set_summary(a_set(path)), lambda path: daily_summary(some_days(path))]
)
def test_a_summary_fits_80_columns_and_breaks_no_path(summary, path):
    lines = summary(path).splitlines()
    assert lines[0] == f"{path}:"
    assert max(map(len, lines[1:])) <= WIDTH


def test_a_short_summary_stands_behind_its_path():
    one = FeatureSet("scoring", 1_786_000_000_000, 3, ("a", "b"), {}, "f" * 64, 1, Path("set.csv"), ())
    assert set_summary(one).splitlines() == [
        "set.csv: 3 open deals, 2 features, as of 2026-08-06.",
        f"Fingerprint {'f' * 64}",
    ]


def test_reasons_are_counted_and_told_whole():
    told = set_summary(a_set(Path("set.csv")))
    assert WHY in " ".join(told.split())
    assert "  1200 because the expected" in told

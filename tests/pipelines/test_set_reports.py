"""What is told of written sets fits 80 columns, but for a path that is longer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from features.feature import Vocabulary
from pipelines.daily import DailyResult, Kept
from pipelines.features import FeatureSet, Written
from pipelines.reports.sets import daily_json, daily_summary, set_json, set_summary
from pipelines.terminal import WIDTH
from tests.histories import millis

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


NO_STAGE, NO_TOUCH = "the stage has no recorded history", "there are no activities"
SET = FeatureSet(
    kind="training",
    as_of=millis("2026-08-14"),
    rows=12_345,
    features=("age_days", "amount"),
    absent={"days_in_stage": NO_STAGE, "touches_7d": NO_TOUCH, "touches_30d": NO_TOUCH},
    fingerprint="0" * 64,
    parts=3,
    out=Path("set.parquet"),
    notes=("A note.",),
)
KEPT = Kept(Vocabulary(), ("age_days",), {f"2026-08-{day:02}": Written(day, f"{day:064}") for day in (12, 13, 14)})
DAILY = DailyResult(Path("days"), KEPT, ("2026-08-13", "2026-08-14"), (), (), ())


def test_a_set_is_told_with_its_fingerprint_parts_and_what_could_not_be_had():
    assert unwrapped(set_summary(SET)) == (
        "set.parquet: 12,345 deals and dates, with what came of each, 2 features, as of 2026-08-14. "
        f"Fingerprint {'0' * 64} Worked off in 3 parts. 3 features cannot be had from these tables: "
        f"2 because {NO_TOUCH} 1 because {NO_STAGE}"
    )
    told = json.loads(set_json(SET))
    assert (told["absent"], told["parts"], told["notes"]) == (SET.absent, 3, ["A note."])


def test_days_are_told_with_how_many_were_added_and_which_tell_something_else_now():
    first = "days: 2 days added (2026-08-13 to 2026-08-14), 27 open deals in them; 3 days in all, 1 features."
    assert unwrapped(daily_summary(DAILY)) == first
    nothing = unwrapped(daily_summary(replace(DAILY, added=())))
    assert nothing.startswith("days: 0 days added, 0 open deals in them; 3 days in all")
    same = replace(DAILY, compared=("2026-08-12",))
    assert "1 days computed anew: each the same, to the last bit." in unwrapped(daily_summary(same))
    changed = unwrapped(daily_summary(replace(same, changed=("2026-08-12",))))
    assert "1 of 1 days computed anew tell something else now: 2026-08-12." in changed
    assert "The files were left as they are." in changed
    assert "to the last bit" not in changed
    told = json.loads(daily_json(same))
    assert told["days"]["2026-08-12"] == {"rows": 12, "fingerprint": f"{12:064}"}
    assert (told["added"], told["compared"], told["changed"]) == (list(DAILY.added), ["2026-08-12"], [])


def unwrapped(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())

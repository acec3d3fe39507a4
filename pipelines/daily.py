"""A scoring set a day, kept: days are added, and what was known on a day that is there is not computed again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crm.clock import parse_as_of, utc_day
from crm.errors import DataRefused, WrongUse
from features.feature import Vocabulary, vocabulary_from
from features.fingerprint import Fingerprint
from features.partitions import Common, Open, known_features
from pipelines.champion import home_champion
from pipelines.config import Home, load_config
from pipelines.engines import Opened, Wanted, opened
from pipelines.features import SCORING, Written, facts_of, surveyed
from serving.sinks.files import table_writer

MANIFEST = "sets.json"
VERSION = 1
"""Of the manifest's form; another one is refused."""

AT_ONCE = 31
"""Days that are computed together: each has a file open."""


@dataclass(frozen=True)
class Kept:
    """What a folder holds: a set a day, all with the same features in the same words."""

    vocabulary: Vocabulary
    names: tuple[str, ...]
    days: dict[str, Written] = field(default_factory=dict)


@dataclass(frozen=True)
class DailyResult:
    """The days that were added, and of those computed anew the ones that tell something else now."""

    folder: Path
    kept: Kept
    added: tuple[str, ...]
    compared: tuple[str, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]


def daily(
    data: Path,
    as_of: str,
    since: str | None,
    home: Home,
    folder: Path,
    wanted: Wanted,
    step: Callable[[str], None],
    *,
    verify: bool = False,
) -> DailyResult:
    """Add the scoring sets of the days from `since` to `as_of` that the folder does not hold yet.

    A day counts once it has ended. The first run decides on the features (the champion's, where there is one);
    later runs keep to them.

    :param verify: compute the days that are there anew, and compare fingerprints.
    """
    config = load_config(home)
    before = _read(folder)
    step("reading the tables")
    with opened(data, as_of, config, wanted) as company:
        ends = _days(since, before, company, config.zone)
        missing = [day for day in ends if before is None or day not in before.days]
        there = sorted(set(before.days) & set(ends)) if before and verify else []
        step("looking at the company as a whole")
        latest = max((ends[day] for day in (*missing, *there)), default=company.as_of)
        model = home_champion(home, config) if before is None else None
        words = before.vocabulary if before else model.vocabulary if model else None
        common = surveyed(company, latest, config, words, data)
        names = before.names if before else model.names if model else known_features(common, company.parts)
        kept = before or Kept(common.vocabulary, names)
        step(f"computing {len(missing)} new days" + (f", {len(there)} anew" if there else ""))
        folder.mkdir(parents=True, exist_ok=True)
        for some in _spans(missing):
            written = _compute(company, common, names, {day: ends[day] for day in some}, folder)
            kept = replace(kept, days={**kept.days, **written})
            _write(folder, kept)
        anew: dict[str, Written] = {}
        for some in _spans(there):
            anew |= _compute(company, common, names, {day: ends[day] for day in some}, None)
        step("done")
        changed = tuple(day for day in there if anew[day] != kept.days[day])
        return DailyResult(folder, kept, tuple(missing), tuple(there), changed, company.notes)


def _days(since: str | None, before: Kept | None, company: Opened, zone: str) -> dict[str, int]:
    """The days to keep, each with the instant at which it ends; those that have not ended are left out."""
    last = _last_day(company.as_of, zone)
    first = min(map(date.fromisoformat, before.days if before else ()), default=last)
    if since is not None:
        first = _day(since, "--since")
    if first > last:
        where = "--as-of" if since is None else "--since"
        raise WrongUse(f"{first} is after {last}, the last day that had ended", where=where)
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    return {day: parse_as_of(day, zone) for day in days}


def _last_day(as_of: int, zone: str) -> date:
    """The last day that had ended by an instant."""
    day = date.fromisoformat(utc_day(as_of)) + timedelta(days=1)
    while parse_as_of(day.isoformat(), zone) > as_of:
        day -= timedelta(days=1)
    return day


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is not a date", where=where, expected="a date such as 2026-08-14") from None


def _spans(days: list[str]) -> list[list[str]]:
    return [days[start : start + AT_ONCE] for start in range(0, len(days), AT_ONCE)]


def _compute(
    company: Opened, common: Common, names: tuple[str, ...], ends: dict[str, int], folder: Path | None
) -> dict[str, Written]:
    """The sets of several days, a file each (none where there is no folder)."""
    work = Open(common, names, tuple(ends.values()))
    digests = {day: Fingerprint() for day in ends}
    rows = dict.fromkeys(ends, 0)
    with ExitStack() as stack:
        files = {}
        if folder is not None:
            files = {day: stack.enter_context(table_writer(folder / f"{day}.parquet", work.schema)) for day in ends}
        for answer in company.engine.each(company.parts, work, work.schema):
            for day, end in ends.items():
                of_day = answer.filter(pc.equal(answer["as_of"], pa.scalar(end * 1000, answer["as_of"].type)))
                digests[day].add(of_day.to_pandas())
                rows[day] += len(of_day)
                if files:
                    files[day].write(of_day)
        written = {day: Written(rows[day], digests[day].hexdigest()) for day in ends}
        for day, file in files.items():
            then = replace(common, as_of=ends[day], until=min(common.until, ends[day]))
            file.describe({**facts_of(SCORING, then), **_as_text(written[day])})
    return written


def _as_text(written: Written) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(written).items()}


def _read(folder: Path) -> Kept | None:
    path = folder / MANIFEST
    if not path.is_file():
        if folder.is_dir() and any(folder.glob("*.parquet")):
            raise WrongUse(
                f"there are Parquet files in it, but no {MANIFEST}", where=str(folder), remedy="give an empty folder"
            )
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"it has version {data['version']}")
        days = {day: Written(**of_day) for day, of_day in data["days"].items()}
        return Kept(vocabulary_from(data["vocabulary"]), tuple(data["features"]), days)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataRefused(
            f"not readable: {error}",
            where=str(path),
            expected=f"what an earlier run wrote, version {VERSION}",
            remedy="keep the sets in a new folder",
        ) from error


def _write(folder: Path, kept: Kept) -> None:
    beside = folder / f".{MANIFEST}.{os.getpid()}.tmp"
    data = {
        "version": VERSION,
        "vocabulary": asdict(kept.vocabulary),
        "features": list(kept.names),
        "days": {day: asdict(kept.days[day]) for day in sorted(kept.days)},
    }
    beside.write_text(json.dumps(data, indent=1), encoding="utf-8")
    os.replace(beside, folder / MANIFEST)

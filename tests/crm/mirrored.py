"""A source made of rows in memory, and what a mirror holds."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm.sources.mirror.sync import Wishes, current, sync
from crm.sources.remote import Page

Row = Mapping[str, Any]


@dataclass
class Log:
    """A table at its source: every write has a number, and the number is the cursor."""

    name: str = "Opportunity"
    key: str = "Id"
    page: int = 3
    has_cursor: bool = True
    writes: list[tuple[str, Row | None]] = field(default_factory=list)

    def put(self, *rows: Row) -> None:
        self.writes += [(str(row[self.key]), row) for row in rows]

    def delete(self, *keys: str) -> None:
        self.writes += [(key, None) for key in keys]

    @property
    def standing(self) -> dict[str, Row]:
        now: dict[str, Row] = {}
        for key, row in self.writes:
            now.pop(key, None)
            if row is not None:
                now[key] = row
        return now

    def pages(self, since: str | None) -> Iterator[Page]:
        if not self.has_cursor:
            rows = list(self.standing.values())
            yield from (Page(pa.Table.from_pylist(rows[i : i + self.page])) for i in range(0, len(rows), self.page))
            return
        start = max(0, int(since) - 2) if since else 0  # two writes of overlap
        for at in range(start, len(self.writes), self.page):
            part = self.writes[at : at + self.page]
            last = dict(part)
            rows = [row for row in last.values() if row is not None]
            gone = [key for key, row in last.items() if row is None]
            yield Page(pa.Table.from_pylist(rows), gone, cursor=str(at + len(part)))


@dataclass
class Source:
    """Tables under one address."""

    logs: Sequence[Log]
    address: str = "memory://company"

    def tables(self) -> Sequence[Log]:
        return self.logs


def held(folder: Path, table: str = "Opportunity") -> list[dict[str, Any]]:
    """The rows of a table as a mirror holds them."""
    now = current(folder)
    assert now is not None
    return pq.read_table(now / f"{table}.parquet").to_pylist()


def deal(number: int, **more: Any) -> Row:
    return {"Id": f"d{number:04d}", "Name": f"deal {number}", **more}


def grown(seed: int, writes: int) -> Source:
    """Two tables after so many writes each: new rows, changes and deletes, the same for the same seed."""
    logs = [Log(page=7), Log(name="Task", page=5)]
    for log in logs:
        random = Random(f"{seed} {log.name}")
        for number in range(writes):
            key = random.randrange(60)
            if number > 80 and random.random() < 0.15:
                log.delete(f"d{key:04d}")
            else:
                log.put(deal(key, Amount=str(number)))
    return Source(logs)


def sync_and_be_killed(folder: Path, seed: int, writes: int, seconds: float) -> None:
    """A sync that the system kills after so many seconds, wherever it is; to be run in a process of its own."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    sync(grown(seed, writes), folder, 1_790_000_000_000, Wishes(confirmed=("Opportunity", "Task")))

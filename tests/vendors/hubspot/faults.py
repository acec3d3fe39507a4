"""What goes wrong on the way: answers that are late, cut off, lost, or errors of the vendor's own."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

LOST_BEFORE = "lost before"  # the connection closes before anything was done
LOST_AFTER = "lost after"  # it was done, but the answer never comes
CUT = "cut"  # half of the answer comes
SILENT = "silent"  # it was done, and the connection stays open without a word


@dataclass
class Fault:
    """:param what: one of the above, or a status: 500, 502, 429; :param where: part of the path; how many times."""

    what: str | int
    where: str = ""
    times: int = 1


@dataclass
class Faults:
    """The faults to come, in order; :param rate: besides, how many calls of a hundred meet one at random."""

    planned: list[Fault] = field(default_factory=list)
    rate: float = 0
    seed: int = 0
    after: int = 0  # calls that pass before planned faults begin
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self, path: str) -> str | int | None:
        with self.lock:
            for fault in self.planned:
                if fault.times and fault.where in path:
                    if self.after:
                        self.after -= 1
                        return None
                    fault.times -= 1
                    return fault.what
            if self.rate and self._random.random() * 100 < self.rate:
                return self._random.choice((LOST_BEFORE, LOST_AFTER, CUT, 500, 502, 429))
            return None

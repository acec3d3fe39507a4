"""What goes wrong on the way."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

LOST_BEFORE = "lost before"  # the connection closes before anything was done
LOST_AFTER = "lost after"  # it was done, and the connection closes without an answer
CUT = "cut"  # it was done, and half of the answer comes
SILENT = "silent"  # it was done, and nothing comes


@dataclass
class Fault:
    """One that is planned.

    :param what: one of the above, or a status (429, 500, 503 …), or "limit" (no calls left), "concurrent".
    :param method: of which requests, "" for any; :param where: part of their path; :param times: how many of them.
    :param after: how many pass before; :param wait: seconds of Retry-After, None for no such header.
    """

    what: str | int
    where: str = ""
    method: str = ""
    times: int = 1
    after: int = 0
    wait: int | None = None


@dataclass
class Faults:
    """Those planned; :param rate: besides, how many requests of a hundred that read meet one at random."""

    planned: list[Fault] = field(default_factory=list)
    rate: float = 0
    random: random.Random = field(default_factory=lambda: random.Random(7))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.planned:
                if not fault.times or fault.where not in path or fault.method not in ("", method):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
            if self.rate and method == "GET" and self.random.random() * 100 < self.rate:
                return Fault(self.random.choice((LOST_BEFORE, LOST_AFTER, CUT, 500, 502, 429, 503)))
        return None

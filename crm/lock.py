"""One holder at a time: a lock on a file, with the holder's name in it.

The system lets go of it when its holder ends, however that may be: nobody has to clear up after the dead.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.errors import DealcastError


@contextmanager
def held(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    :param holder: who asks, as the next one will read it: "dealcast sync by ada".
    :raises DealcastError: where somebody else holds it; says who.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(path) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{holder} (process {os.getpid()} on {socket.gethostname()})\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _taken(path: Path) -> DealcastError:
    named = path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    return DealcastError(
        f"{named} is at work there",
        where=str(path.parent),
        expected="one at a time",
        remedy="wait until it has ended, and run this again",
    )

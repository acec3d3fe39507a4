"""Progress of long work: a bar on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

QUIET = 10.0  # seconds between two lines where there is no terminal


class Steps:
    """Announces steps of known number; use as a context manager."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Steps:
        """Begin."""
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, whether or not all went well."""
        if self._bar:
            self._bar.stop()
        elif kind is None:
            print(
                f"{self._title}: done in {time.monotonic() - self._started:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    def __call__(self, what: str) -> None:
        """Say what is being done now."""
        self._done += 1
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=f"{self._title}: {what}", completed=self._done - 1)
        else:
            print(f"{self._title} {self._done}/{self._total}: {what}", file=sys.stderr, flush=True)


class Going:
    """Says how far work has come whose steps nobody can count; use as a context manager."""

    def __init__(self, title: str) -> None:
        self._title, self._said_at = title, time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty():
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Going:
        """Begin."""
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=None)
        return self

    def __exit__(self, *_raised: object) -> None:
        """End, whether or not all went well."""
        if self._bar:
            self._bar.stop()

    def __call__(self, what: str) -> None:
        """Say what has been done; where there is no terminal, now and then."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=f"{self._title}: {what}")
        elif time.monotonic() - self._said_at >= QUIET:
            self._said_at = time.monotonic()
            print(f"{self._title}: {what}", file=sys.stderr, flush=True)

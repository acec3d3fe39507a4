"""Real processes that are killed at a moment of one's choice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


def killed_at(moment: int, work: Callable[[Callable[[], None]], Any]) -> bool:
    """Do it in a process that is killed at a moment: around a statement that changes something, or a commit.

    Whether it was killed; it is not where the work has fewer moments. What `work` is given makes another moment.
    """
    child = os.fork()
    if child == 0:
        try:
            left = [moment]

            def tick(_connection: Any = None, _cursor: Any = None, statement: str = "COMMIT", *_: Any) -> None:
                left[0] -= not statement.startswith(("SELECT", "PRAGMA"))
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
                sa.event.listen(sa.Engine, event, tick)
            work(tick)
        except BaseException:  # noqa: BLE001 (a child must never go on with the parent's tests)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)

"""Trying again: as long as a server asks to wait, else with growing random waits, and within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

Answer = TypeVar("Answer")


class TryAgain(Exception):
    """An attempt came to nothing and may be made again.

    :param why: what is raised once patience is at an end.
    :param after: for how many seconds the server asks to wait, None where it does not say.
    """

    def __init__(self, why: Exception, after: float | None = None) -> None:
        super().__init__(str(why))
        self.why, self.after = why, after


@dataclass(frozen=True)
class Patience:
    """How long to go on trying.

    :param budget: seconds that one call may take with all its attempts, waits included.
    :param first: the longest first wait, seconds; it doubles from one attempt to the next, up to `longest`.
    """

    budget: float = 300.0
    first: float = 0.5
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def call(self, attempt: Callable[[], Answer]) -> Answer:
        """What the first attempt answers that does not ask for another.

        :raises Exception: the last attempt's reason, once the next one would come too late.
        """
        random = wait_random_exponential(multiplier=self.first, max=self.longest)

        def wait(state: RetryCallState) -> float:
            asked = state.outcome.exception() if state.outcome else None
            after = asked.after if isinstance(asked, TryAgain) else None
            # Others were told the same: a little later than asked, so that not all come back at once.
            return random(state) if after is None else after + random(state) / 10

        def is_spent(state: RetryCallState) -> bool:
            return max(state.seconds_since_start or 0.0, state.idle_for) + state.upcoming_sleep > self.budget

        tries = Retrying(
            retry=retry_if_exception_type(TryAgain),
            wait=wait,
            stop=is_spent,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return tries(attempt)
        except TryAgain as last:
            raise last.why from None


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """What a Retry-After header says, in seconds from now; None where there is none that can be read."""
    said = headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        then = parsedate_to_datetime(said)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())

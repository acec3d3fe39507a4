"""What stands above lists and is the same for whoever sees the same: worked out once for a run and a sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from serving.news import News
from serving.visible import Sight

REMEMBERED = 1000
MOST = 5000
"""Deals up to which what changed is worked out while somebody waits; a whole company's is the forecast's to tell."""


@dataclass(frozen=True)
class Above:
    """What stands above a list.

    :param changed: what changed since a day before the run or earlier; empty where there was no run then, and of more
        deals than :data:`MOST`.
    :param stages: the stages in which deals stand, by name.
    """

    changed: str
    stages: tuple[str, ...]


class Changes:
    """What was worked out; what a run tells never changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, Sight], Above] = OrderedDict()
        self._lock = Lock()

    def above(self, news: News, sight: Sight) -> Above:
        """What stands above the list of those who see this much."""
        return self._once((news.run.run_id, sight), lambda: _above(news, sight))

    def _once(self, key: tuple[str, Sight], work: Callable[[], Above]) -> Above:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = work()
        with self._lock:
            self._known[key] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


def _above(news: News, sight: Sight) -> Above:
    then, stages = news.before(1), news.store.stages_of(news.run.run_id, sight)
    if then is None or sum(stages.values()) > MOST:
        return Above("", tuple(stages))
    found = news.since(then, news.deals(sight), sight)
    said = found.sentence(news.forms)
    since = f"Since {news.forms.day(found.since)}"
    return Above(f"{since}: {said}." if said else f"{since} nothing has changed.", tuple(stages))

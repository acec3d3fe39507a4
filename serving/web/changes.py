"""What changed since the day before, as a sentence above lists; worked out once for a run and a sight."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from serving.news import News
from serving.visible import Sight

REMEMBERED = 1000


class Changes:
    """The sentences that were worked out; what a run tells never changes."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, Sight], str] = OrderedDict()
        self._lock = Lock()

    def since_before(self, news: News, sight: Sight) -> str:
        """What changed since a day before the run or earlier; empty where there was no run then."""
        key = (news.run.run_id, sight)
        with self._lock:
            if key in self._said:
                self._said.move_to_end(key)
                return self._said[key]
        said = _sentence(news, sight)
        with self._lock:
            self._said[key] = said
            while len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
        return said


def _sentence(news: News, sight: Sight) -> str:
    then = news.before(1)
    if then is None:
        return ""
    found = news.since(then, news.deals(sight), sight)
    said = found.sentence(news.forms)
    since = f"Since {news.forms.day(found.since)}"
    return f"{since}: {said}." if said else f"{since} nothing has changed."

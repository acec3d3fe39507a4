"""What a digest says to one person on a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from serving.digest.letter import Kind, Letter, Person
from serving.digest.morning import morning
from serving.digest.news import News
from serving.digest.weekly import weekly
from serving.digest.wishes import DigestWishes
from serving.formats import HOUSE, Formats
from serving.store import Store


@dataclass
class Writer:
    """Writes the letters of a store; what all letters of a day need is read once."""

    store: Store
    wishes: DigestWishes
    forms: Formats = HOUSE
    _news: dict[date, News | None] = field(default_factory=dict)

    def news(self, day: date) -> News | None:
        """What there is to tell as of a day; None where nothing was scored by then."""
        if day not in self._news:
            self._news[day] = News.of(self.store, day, self.forms, self.wishes.links)
        return self._news[day]

    def letter_for(self, person: Person, kind: Kind, day: date) -> Letter | None:
        """The letter; None where there is nothing to say."""
        news = self.news(day)
        if news is None:
            return None
        return weekly(person, news) if kind is Kind.WEEKLY else morning(person, news, self._days_back(day))

    def _days_back(self, day: date) -> int:
        """Since how many days ago a morning tells what changed: since the day of the morning before."""
        back = range(1, 8)
        return next((n for n in back if self.wishes.is_day_of(Kind.MORNING, day - timedelta(days=n))), 1)

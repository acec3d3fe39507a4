"""What has changed between two scoring runs, deal by deal: what people want to know first in the morning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.formats import HOUSE, Formats

MOVED = 0.05
"""Probability points from which a win chance is said to have moved: what is less is mostly noise."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Moved:
    """A deal whose win chance moved, by how much."""

    opportunity_id: str
    by: float


@dataclass(frozen=True)
class Since:
    """What has changed since a day; each deal may be in several places, ids in the order of urgency.

    :param won, lost: rows of `closed_deals`. :param moved: those that moved most first.
    :param passed: deals whose close date has gone by since; :param later, earlier: deals with another close date.
    :param staged: deals that stand in another stage; :param handed: deals that came from another owner.
    """

    since: date
    won: tuple[Row, ...] = ()
    lost: tuple[Row, ...] = ()
    new: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    passed: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    staged: tuple[str, ...] = ()
    handed: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anything has changed at all."""
        return any(getattr(self, name) for name in ("won", "lost", *_SAYS))

    def sentence(self, formats: Formats = HOUSE, most: int | None = None) -> str:
        """What has changed, counted: "1 deal won (48 k), 2 moved up, 1 close date passed"; empty where nothing.

        :param most: how many counts to give, the first ones first; all of them where it is not said.
        """
        parts = [self._closed(rows, how, formats) for rows, how in ((self.won, "won"), (self.lost, "lost")) if rows]
        up = sum(one.by > 0 for one in self.moved)
        counts = {name: len(getattr(self, name)) for name in _SAYS if name != "moved"}
        counts |= {"up": up, "down": len(self.moved) - up}
        said = {**_SAYS, "up": ("moved up",) * 2, "down": ("moved down",) * 2}
        parts += [f"{formats.count(counts[n])} {said[n][counts[n] > 1]}" for n in _ORDER if counts[n]]
        return ", ".join(parts[:most])

    @staticmethod
    def _closed(rows: tuple[Row, ...], how: str, formats: Formats) -> str:
        amounts = [row["amount"] for row in rows if row["amount"] is not None]
        worth = f" ({formats.money(sum(amounts))})" if amounts else ""
        return f"{formats.count(len(rows))} {'deal' if len(rows) == 1 else 'deals'} {how}{worth}"


_SAYS = {
    "new": ("new deal", "new deals"),
    "moved": ("moved", "moved"),
    "staged": ("in another stage", "in another stage"),
    "passed": ("close date passed", "close dates passed"),
    "later": ("close date put off", "close dates put off"),
    "earlier": ("close date brought forward", "close dates brought forward"),
    "handed": ("taken over", "taken over"),
}
_ORDER = ("new", "up", "down", "staged", "passed", "later", "earlier", "handed")


def since(now: Iterable[Row], before: Mapping[str, Row], closed: Iterable[Row], days: tuple[date, date]) -> Since:
    """What has changed of deals between two runs.

    :param now: today's deals, the most urgent first; :param before: the deals of then by id, these among them.
    :param closed: the deals that have closed in between; :param days: the days of then and of today.
    """
    then, today = days
    rows, closed = list(now), list(closed)
    pairs = [(row, before[row["opportunity_id"]]) for row in rows if row["opportunity_id"] in before]
    moves = [
        Moved(row["opportunity_id"], row["win_probability"] - old["win_probability"])
        for row, old in pairs
        if round(abs(row["win_probability"] - old["win_probability"]), 6) >= MOVED
    ]
    return Since(
        since=then,
        won=tuple(row for row in closed if row["is_won"]),
        lost=tuple(row for row in closed if not row["is_won"]),
        new=tuple(row["opportunity_id"] for row in rows if row["opportunity_id"] not in before),
        moved=tuple(sorted(moves, key=lambda one: -abs(one.by))),
        passed=tuple(row["opportunity_id"] for row, old in pairs if _has_passed(row, old, then, today)),
        later=tuple(row["opportunity_id"] for row, old in pairs if _days_later(row, old) > 0),
        earlier=tuple(row["opportunity_id"] for row, old in pairs if _days_later(row, old) < 0),
        staged=tuple(row["opportunity_id"] for row, old in pairs if row["stage"] != old["stage"]),
        handed=tuple(row["opportunity_id"] for row, old in pairs if _is_handed_over(row, old)),
    )


def _has_passed(row: Row, old: Row, then: date, today: date) -> bool:
    """Whether the close date lies behind today, and did not lie behind the day of then."""
    planned = row["close_date"]
    return planned is not None and planned < today and not (old["close_date"] == planned and planned < then)


def _days_later(row: Row, old: Row) -> int:
    if row["close_date"] is None or old["close_date"] is None:
        return 0
    return int((row["close_date"] - old["close_date"]).days)


def _is_handed_over(row: Row, old: Row) -> bool:
    """Whether another owner had it; runs of before kept no owners' ids."""
    return old["owner_id"] is not None and row["owner_id"] != old["owner_id"]

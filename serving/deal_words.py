"""What is said of one deal: by when it closes, what is known of it, why its chance moved, how deals like it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.explain import LEAST_POINTS
from serving.formats import HOUSE, NOBREAK, Formats
from serving.moved import LATE, MODEL, REST

LIKE = "Closed deals most like it when they stood in this stage"


@dataclass(frozen=True)
class Part:
    """One part of a move: what it says, what was said of it before ("" where nothing), and its probability points."""

    says: str
    before: str
    points: float


@dataclass(frozen=True)
class Moved:
    """A chance that moved since a day: from what to what, and by which parts, which sum up to the move."""

    since: date
    start: float
    end: float
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """The whole move."""
        return self.end - self.start


def moved_of(told: Mapping[str, Any] | None) -> Moved | None:
    """A move as a run tells it (`moved` of its reasons); None where the chance stands where it stood.

    Parts too small to be told are left out.
    """
    if told is None or not any(abs(told[part]) >= LEAST_POINTS for part in ("facts", "late", "model")):
        return None
    parts = [Part(move["says"], move["before"], move["points"]) for move in told["moves"]]
    rests = [Part(says, "", told[part]) for part, says in (("rest", REST), ("late", LATE), ("model", MODEL))]
    parts += [part for part in rests if abs(part.points) >= LEAST_POINTS]
    if abs(told["facts"]) < LEAST_POINTS <= abs(told["model"]) and not told["moves"]:
        parts = [Part("The facts did not change, the model did.", "", told["model"])]
    return Moved(date.fromisoformat(told["since"]), told["from"], told["to"], tuple(parts))


def likely_close(score: Mapping[str, Any], form: Formats) -> str:
    """The day by which half of the wins come, if it is won, and the span of 8 of 10."""
    day, first, last = score["expected_close_date"], score.get("close_p10"), score.get("close_p90")
    if day is None:
        return "not known, if won"
    if first is None:
        return f"{form.day(day)}, if won"
    alike = {day.year} == {one.year for one in (first, last) if one is not None}
    begins, ends = (None if one is None else f"{one.day} {one:{'%b' if alike else '%b %Y'}}" for one in (first, last))
    span = f"9 of 10 after {begins}" if ends is None else f"8 of 10 between {begins} and {ends}"
    return f"{form.day(day)}, if won ({span})"


def planned_close(score: Mapping[str, Any], form: Formats) -> str:
    """The planned day, and how likely it is to slip, or by how much it has."""
    planned, slip, today = score.get("close_date"), score.get("slip_probability"), score["as_of"].date()
    if planned is None:
        return "not known"
    if slip is not None:
        return f"{form.day(planned)}: {form.percent(slip)} chance that it is still open then"
    if planned >= today:
        return f"{form.day(planned)}, today" if planned == today else form.day(planned)
    return f"{form.day(planned)}: overdue by {days((today - planned).days, form)}"


def confidence(share: float, missing: Sequence[str], form: Formats) -> str:
    """How much of what is usually known is known of a deal, and what is not."""
    return form.percent(share) + (f" (missing: {', '.join(missing)})" if missing else "")


def or_unknown(value: float | None, how: Callable[[float], str]) -> str:
    """The value in words, or "not known"."""
    return "not known" if value is None or math.isnan(value) else how(value)


def like_title(like: Mapping[str, Any]) -> str:
    """What like deals are, and how many of the nearest were won, where there are enough to tell."""
    record = like["record"]
    return LIKE + ("" if record is None else f": {record['won']} of the nearest {record['deals']} were won")


def called(deal: Mapping[str, Any]) -> str:
    """A deal's name, with its account where the name does not tell it."""
    return str(deal["name"]) + ("" if deal["account"] in deal["name"] else f" · {deal['account']}")


def ended(deal: Mapping[str, Any], formats: Formats = HOUSE) -> str:
    """How a like deal ended, how much later and when, and for how much."""
    after = "within a day" if deal["days"] < 1 else f"{days(deal['days'], formats)} later"
    worth = "" if deal["amount"] is None else f", {formats.money(deal['amount'], deal['currency'])}"
    day = formats.day(date.fromisoformat(deal["closed_on"]))
    return f"{'won' if deal['won'] else 'lost'} {after}, on {day}{worth}"


def days(count: int, formats: Formats) -> str:
    """So many days in words."""
    return f"{formats.count(count)}{NOBREAK}{'day' if count == 1 else 'days'}"

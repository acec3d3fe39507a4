"""A change of what would be done on a deal, as data and in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from serving.actions.action import Action
from serving.formats import HOUSE, Formats
from serving.like_records import Record

EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Change:
    """One deal's answers before and after, and the record of like deals that speaks for it."""

    deal: int
    done: tuple[Action, ...]
    states: tuple[tuple[int, int], ...]
    win: tuple[float, float]
    stall: tuple[float, float]
    record: Record
    of_stall: bool


def as_step(change: Change, expected: float, letters: tuple[str, ...], formats: Formats = HOUSE) -> dict[str, Any]:
    """A change as a step of coaching: plain data, with its sentences.

    :param expected: the day (since 1970) on which the model expects the deal to close; NaN = not known.
    :param letters: the grades before and after.
    """
    told = [_Told(one, *states, expected, formats) for one, states in zip(change.done, change.states, strict=True)]
    before, after = (formats.percent(one) for one in (change.stall if change.of_stall else change.win))
    came = "stalled" if change.of_stall else "won"
    (had, came_with), (had_not, came_without) = change.record.with_it, change.record.without
    return {
        "kind": "change",
        "action": "+".join(action.name for action in change.done),
        "brief": f"{_brief(told)}: {'stall risk ' if change.of_stall else ''}{after} instead of {before}",
        "says": f"{_model_says(told, change, letters, before, after)} {_record(told, change)} "
        "Association, not a promise.",
        "from": round(change.win[0], 4),
        "to": round(change.win[1], 4),
        "stall_from": _rounded(change.stall[0]),
        "stall_to": _rounded(change.stall[1]),
        "like_deals": had,
        f"like_{came}": came_with,
        "other_deals": had_not,
        f"other_{came}": came_without,
    }


def with_step(coaching: str, step: dict[str, Any] | None) -> str:
    """A deal's coaching (JSON text, a list of steps) with one step more; as it is where there is none."""
    if step is None:
        return coaching
    return json.dumps([*json.loads(coaching), step], ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class _Told:
    """The words of one action on one deal."""

    action: Action
    before: int
    after: int
    expected: float
    formats: Formats

    def words(self, template: str) -> str:
        known = not np.isnan(self.expected)
        day = self.formats.day(date.fromordinal(EPOCH + int(self.expected))) if known else ""
        return template.format(before=self.action.told(self.before), after=self.action.told(self.after), day=day)


def _brief(told: list[_Told]) -> str:
    words = [one.words(one.action.brief) for one in told]
    return " and ".join([words[0], *(word[:1].lower() + word[1:] for word in words[1:])])


def _model_says(told: list[_Told], change: Change, letters: tuple[str, ...], before: str, after: str) -> str:
    facts = " ".join(_begin(one.words(one.action.fact)) for one in told)
    change_words = told[0].words(told[0].action.change) if len(told) == 1 else "With both done"
    if change.of_stall:
        return f"{facts} {change_words}, the model would put the stall risk at {after} instead of {before}."
    grade = f" (grade {letters[1]} instead of {letters[0]})" if letters[0] != letters[1] else ""
    return f"{facts} {change_words}, the model would say {after} instead of {before}{grade}."


def _record(told: list[_Told], change: Change) -> str:
    (had, came), (had_not, came_without) = change.record.with_it, change.record.without
    verb = "stalled" if change.of_stall else "were won"
    if len(told) > 1:
        return f"Of {had} deals like it that had both, {came} {verb}; of {had_not} that had neither, {came_without}."
    (one,) = told
    return (
        f"Of {had} deals like it {one.words(one.action.had)}, {came} {verb}; "
        f"of {had_not} {one.words(one.action.had_not)}, {came_without}."
    )


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rounded(share: float) -> float | None:
    return None if np.isnan(share) else round(share, 4)

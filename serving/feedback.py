"""A person's verdict on a deal, kept beside the model's newest answer: what each must say, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from crm.errors import WrongUse
from serving.store import Store
from serving.verdicts import DISPUTE, OVERRIDE, SNOOZE

LONGEST_SNOOZE = 366
_NEEDED = {DISPUTE: "side", OVERRIDE: "probability", SNOOZE: "until"}
"""What each verdict must say."""


@dataclass(frozen=True)
class Said:
    """A verdict as a person gives it: `side` of a dispute, `probability` of an override, `until` of a snooze."""

    verdict: str
    side: str | None = None
    probability: str | None = None
    until: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Field:
    """How a person is told of what a verdict must say: what it is called, and how it is said."""

    name: str
    how: str


FORM = {
    "side": Field("the side", "too high or too low: on which side the model's chance is off"),
    "probability": Field("your own chance", 'a chance such as 0.25 or "25 %"'),
    "until": Field("the day", "the day on which the deal comes back, such as 2026-12-01"),
}
"""The fields as a form calls them."""


def kept(
    store: Store, score: Mapping[str, Any], said: Said, author: str, fields: Mapping[str, Field]
) -> dict[str, Any]:
    """Keep a verdict beside a deal's newest score: a row of FEEDBACK, with the deal's `name`.

    :param score: the deal's newest score (:meth:`Store.latest_score`).
    :raises WrongUse: where the deal is open no longer, or the verdict says too much or too little.
    """
    fitting(said, fields)
    last = store.last_as_of("score")
    if last is not None and score["as_of"] < last:
        raise WrongUse(
            f"the deal '{score['opportunity_id']}' was not open any more in the newest scoring, as of {last:%Y-%m-%d}",
            where=store.address,
            expected=f"a deal that is still open; this one was last scored as of {score['as_of']:%Y-%m-%d}",
            remedy="where it is open again, run `dealcast score --data DIR` first",
        )
    row = store.add_feedback(
        {
            "opportunity_id": score["opportunity_id"],
            "verdict": said.verdict,
            "side": said.side,
            "probability": None if said.probability is None else _chance(said.probability, fields),
            "until": None if said.until is None else _day(said.until, score["as_of"], fields),
            "note": " ".join(said.note.split()),
            "author": author,
            **{name: score[name] for name in ("run_id", "as_of", "scored_at", "win_probability", "model_version")},
        }
    )
    return {**row, "name": score["name"]}


def fitting(said: Said, fields: Mapping[str, Field]) -> None:
    """Raises WrongUse where a verdict lacks what it must say, or says what another one does."""
    for verdict, name in _NEEDED.items():
        value, field = getattr(said, name), fields[name]
        if verdict == said.verdict and value is None:
            raise WrongUse(f"{_a(verdict)} needs {field.name}", where=field.name, expected=field.how)
        if verdict != said.verdict and value is not None:
            raise WrongUse(
                f"{field.name} does not go with '{said.verdict}'",
                where=field.name,
                remedy=f"leave it out, or say '{verdict}' instead",
            )


def snooze_days(as_of: datetime) -> tuple[date, date]:
    """The first and the last day until which a deal that was scored as of a date can be snoozed."""
    return as_of.date() + timedelta(days=1), as_of.date() + timedelta(days=LONGEST_SNOOZE)


def _a(verdict: str) -> str:
    return f"an {verdict}" if verdict[0] in "ao" else f"a {verdict}"


def _chance(text: str, fields: Mapping[str, Field]) -> float:
    """0.25 of "0.25", "25 %" or "25%". Raises WrongUse."""
    bare = text.strip().removesuffix("%")
    try:
        value = float(bare.strip().replace(",", ".")) / (100 if bare != text.strip() else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        where = fields["probability"].name
        raise WrongUse(f"'{text}' is not a chance", where=where, expected='0 to 1, or percent such as "25 %"')
    return value


def _day(text: str, as_of: datetime, fields: Mapping[str, Field]) -> date:
    """A day after the date that was scored, at most a year later. Raises WrongUse."""
    first, last = snooze_days(as_of)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not first <= day <= last:
        raise WrongUse(
            f"a deal that was scored as of {as_of:%Y-%m-%d} cannot be snoozed until '{text}'",
            where=fields["until"].name,
            expected=f"a day from {first} to {last}",
        )
    return day

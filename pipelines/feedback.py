"""People's verdicts on deals beside the model's answer: kept, listed, and held against what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from crm.errors import WrongUse
from pipelines.champion import found_store
from pipelines.company import open_company
from pipelines.config import Home, caller, load_config
from pipelines.explain import newest_score
from serving.store import Store
from serving.store_people import VERDICTS
from serving.verdicts import (
    DISPUTE,
    OVERRIDE,
    SNOOZE,
    Overrides,
    Side,
    judged,
    overrides,
    sides,
    standing,
)

LONGEST_SNOOZE = 366
_NEEDED = {
    DISPUTE: ("side", "--too", "--too high or --too low: on which side the model's chance is off"),
    OVERRIDE: ("probability", "--probability", 'your own chance, such as --probability 0.25 or --probability "25 %"'),
    SNOOZE: ("until", "--until", "the day on which the deal comes back, such as --until 2026-12-01"),
}
"""What each verdict must say, the option that says it, and how."""


@dataclass(frozen=True)
class Said:
    """A verdict as a person gives it: `side` of a dispute, `probability` of an override, `until` of a snooze."""

    verdict: str
    side: str | None = None
    probability: str | None = None
    until: str | None = None
    note: str = ""
    author: str | None = None


@dataclass(frozen=True)
class Listing:
    """Verdicts, the first one first: columns of FEEDBACK, and how the deal stood.

    :param still_open: whether only those were taken that stand today, of deals in the newest scoring run.
    """

    table: pd.DataFrame
    still_open: bool


@dataclass(frozen=True)
class Record:
    """Who was right on deals that have closed since: people's own chances, and what they said of the model's."""

    given: int
    closed: int
    overrides: Overrides
    sides: Mapping[str, Side]
    notes: tuple[str, ...]


def give(opportunity_id: str, said: Said, home: Home) -> dict[str, Any]:
    """Keep a verdict beside the newest score of a deal: a row of FEEDBACK, with the deal's `name`.

    :raises WrongUse: where the deal was never scored, is open no longer, or the verdict says too much or too little.
    """
    _fitting(said)
    store = found_store(home, load_config(home))
    score = newest_score(opportunity_id, home, store)
    assert store is not None
    last = store.last_as_of("score")
    if last is not None and score["as_of"] < last:
        raise WrongUse(
            f"the deal '{opportunity_id}' was not open any more in the newest scoring, as of {last:%Y-%m-%d}",
            where=str(home.path),
            expected=f"a deal that is still open; this one was last scored as of {score['as_of']:%Y-%m-%d}",
            remedy="where it is open again, run `dealcast score --data DIR` first",
        )
    kept = store.add_feedback(
        {
            "opportunity_id": opportunity_id,
            "verdict": said.verdict,
            "side": said.side,
            "probability": None if said.probability is None else _chance(said.probability),
            "until": None if said.until is None else _day(said.until, score["as_of"]),
            "note": " ".join(said.note.split()),
            "author": said.author or caller(),
            **{name: score[name] for name in ("run_id", "as_of", "scored_at", "win_probability", "model_version")},
        }
    )
    return {**kept, "name": score["name"]}


def listing(home: Home, *, still_open: bool) -> Listing:
    """All verdicts; or what stands of them on deals that were open in the newest scoring run."""
    store = found_store(home, load_config(home))
    table = all_feedback(store)
    if still_open and store is not None:
        scored = store.scored_deals(store.last_as_of("score"))
        table = standing(table)
        table = table[table["opportunity_id"].isin(scored)]
    return Listing(table.reset_index(drop=True), still_open)


def record(home: Home, data: Path, as_of: str) -> Record:
    """Who was right, on deals that have closed by the date."""
    config = load_config(home)
    table = all_feedback(found_store(home, config))
    company = open_company(data, as_of, config)
    table = judged(table, company.histories, company.complete_until)
    closed = int(table["closed"].sum())
    return Record(len(table), closed, overrides(table), sides(table), company.notes)


def all_feedback(store: Store | None) -> pd.DataFrame:
    """Every verdict, the first one first: columns of FEEDBACK, and the deal's name, account and facts as scored."""
    return pd.DataFrame(columns=list(VERDICTS)) if store is None else store.verdicts()


def _fitting(said: Said) -> None:
    """Raises WrongUse where a verdict lacks what it must say, or says what another one does."""
    for verdict, (field, option, how) in _NEEDED.items():
        value = getattr(said, field)
        if verdict == said.verdict and value is None:
            raise WrongUse(f"{_a(verdict)} needs {option}", where=option, expected=how)
        if verdict != said.verdict and value is not None:
            raise WrongUse(
                f"{option} does not go with '{said.verdict}'",
                where=option,
                remedy=f"leave it out, or say '{verdict}' instead",
            )


def _a(verdict: str) -> str:
    return f"an {verdict}" if verdict[0] in "ao" else f"a {verdict}"


def _chance(text: str) -> float:
    """0.25 of "0.25", "25 %" or "25%". Raises WrongUse."""
    bare = text.strip().removesuffix("%")
    try:
        value = float(bare.strip().replace(",", ".")) / (100 if bare != text.strip() else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise WrongUse(f"'{text}' is not a chance", where="--probability", expected='0 to 1, or percent such as "25 %"')
    return value


def _day(text: str, as_of: datetime) -> date:
    """A day after the date that was scored, at most a year later. Raises WrongUse."""
    first, last = as_of.date() + timedelta(days=1), as_of.date() + timedelta(days=LONGEST_SNOOZE)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not first <= day <= last:
        raise WrongUse(
            f"a deal that was scored as of {as_of:%Y-%m-%d} cannot be snoozed until '{text}'",
            where="--until",
            expected=f"a day from {first} to {last}",
        )
    return day

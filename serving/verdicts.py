"""What people say of deals beside the model's answer, and who turned out to be right.

A person's newest judgement of a deal counts: that they agree with the win chance, dispute it, or override it. A snooze
is no judgement: it says that the deal needs no attention until a day, or until its facts change, and it holds while it
is the newest thing that the person has said of the deal. All verdicts are kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import as_of_millis
from features.histories import Histories
from training.models.rates import STRENGTH
from training.scores import Interval, brier_losses, log_losses, mean_interval

AGREE, DISPUTE, OVERRIDE, SNOOZE = VERDICTS = ("agree", "dispute", "override", "snooze")
JUDGEMENTS = (AGREE, DISPUTE, OVERRIDE)
HIGH, LOW = SIDES = ("high", "low")
"""On which side of the truth the model's chance is thought to be."""

FACTS = ("stage", "owner", "close_date", "amount")
"""What ends a snooze when it changes."""

LEAST_CLOSED = 20
"""Below so many deals that have closed, nothing is said of who is right: chance would speak."""

SUREST = 0.01
"""Chances are judged as they are shown, no surer than 1 % and 99 %: one slip must not outweigh all the rest."""


def newest(feedback: pd.DataFrame) -> pd.DataFrame:
    """The newest verdict of each person on each deal."""
    return feedback.drop_duplicates(["author", "opportunity_id"], keep="last")


def standing(feedback: pd.DataFrame) -> pd.DataFrame:
    """What each person says of each deal: their newest judgement, and a snooze where that is newer still."""
    last = newest(feedback)
    judgements = newest(feedback[feedback["verdict"].isin(JUDGEMENTS)])
    return feedback.loc[sorted({*judgements.index, *last.index[last["verdict"] == SNOOZE]})]


def side_of(row: Mapping[Any, Any]) -> str | None:
    """On which side of the truth a verdict puts the model's chance, if on either: said so, or by its own chance."""
    if row["verdict"] == OVERRIDE:
        own, model = (round(float(row[name]), 2) for name in ("probability", "win_probability"))
        return None if own == model else HIGH if own < model else LOW
    return row["side"] if isinstance(row["side"], str) else None


def snoozed(feedback: pd.DataFrame, now: pd.DataFrame, day: date) -> frozenset[str]:
    """The deals that somebody's newest verdict keeps out of the list on a day.

    :param feedback: every verdict, the first one first, with the deal's FACTS as they stood then.
    :param now: FACTS of today's deals by opportunity_id.
    """
    said = newest(feedback)
    said = said[(said["verdict"] == SNOOZE) & said["opportunity_id"].isin(now.index)]
    return frozenset(
        row["opportunity_id"]
        for row in said.to_dict("records")
        if row["as_of"].date() <= day < row["until"] and _facts(row) == _facts(dict(now.loc[row["opportunity_id"]]))
    )


def judged(feedback: pd.DataFrame, histories: Histories, until: int) -> pd.DataFrame:
    """The newest judgement of each person on each deal, made while the deal was open, with what came of it.

    Further columns: `closed` (whether it has by `until`, milliseconds), `won` (1, 0, NaN while open). A judgement made
    when the deal had been closed already knew the answer and is left out, and one of a deal that is no longer in the
    tables. When it was made is counted from the date that was scored: made a day after the scoring, a day after it.
    """
    made = feedback[feedback["verdict"].isin(JUDGEMENTS)]
    as_of = _millis(made["as_of"])
    said = as_of + np.maximum(_millis(made["made_at"]) - _millis(made["scored_at"]), 0)
    deal = histories.deal_rows(made["opportunity_id"].astype("str"))
    episode = np.full(len(deal), -1)
    episode[deal >= 0] = histories.episode_at(deal[deal >= 0], as_of[deal >= 0])
    spans = histories.episodes
    closed_at = spans.closed[episode] if len(spans.closed) else np.zeros(len(deal))
    table = made.assign(
        closed=closed_at <= until, won=np.where(closed_at <= until, spans.won[episode], np.nan).astype(float)
    )
    return newest(table[(episode >= 0) & (said < closed_at)])


@dataclass(frozen=True)
class Overrides:
    """People's own chances against the model's on the same deals.

    :param deals: deals that have closed; `given` of those overridden; :param judgements: overrides of closed deals.
    :param brier, log_loss: person and model, mean over the overrides of closed deals.
    :param brier_saved, log_loss_saved: model minus person (above 0: people were nearer) with the 90 % interval over
        deals; None where too few have closed.
    :param people: a row an author, by name: `author`, `given`, `closed`, `brier_saved` (drawn towards that of all
        people, as if each had given ten more like theirs).
    """

    given: int
    deals: int
    judgements: int
    brier: tuple[float, float]
    log_loss: tuple[float, float]
    brier_saved: Interval | None
    log_loss_saved: Interval | None
    people: pd.DataFrame


def overrides(table: pd.DataFrame) -> Overrides:
    """Who was nearer, of what :func:`judged` gives."""
    made = table[table["verdict"] == OVERRIDE]
    closed = made[made["closed"]]
    y, deal = closed["won"].to_numpy(float), closed["opportunity_id"].to_numpy(object).astype(str)
    person, model = (_as_shown(closed[name].to_numpy(float)) for name in ("probability", "win_probability"))
    brier, log_loss = [(f(y, person), f(y, model)) for f in (brier_losses, log_losses)]
    enough = len(np.unique(deal)) >= LEAST_CLOSED
    saved = [mean_interval(m - p, np.ones(len(y)), deal) if enough else None for p, m in (brier, log_loss)]
    return Overrides(
        given=made["opportunity_id"].nunique(),
        deals=len(np.unique(deal)),
        judgements=len(closed),
        brier=_means(*brier),
        log_loss=_means(*log_loss),
        brier_saved=saved[0],
        log_loss_saved=saved[1],
        people=_people(made, closed.assign(saved=brier[1] - brier[0])),
    )


@dataclass(frozen=True)
class Side:
    """Judgements of one kind against what came.

    :param given: how many; `closed` of deals that have closed; `borne_out`: lost where the chance was called too high,
        won where too low or, of agreed chances, won.
    :param expected: how many would be borne out on average if the model's chances were right.
    :param beyond: share borne out − share expected, its 90 % interval over deals; None where too few have closed.
    """

    given: int
    closed: int
    borne_out: int
    expected: float
    beyond: Interval | None


def sides(table: pd.DataFrame) -> dict[str, Side]:
    """Chances called too high, too low, right (:data:`AGREE`), of what :func:`judged` gives."""
    chosen = {side: (table["verdict"] == DISPUTE) & (table["side"] == side) for side in SIDES}
    return {
        name: _side(table[rows], lost=name == HIGH)
        for name, rows in {**chosen, AGREE: table["verdict"] == AGREE}.items()
    }


def _side(made: pd.DataFrame, *, lost: bool) -> Side:
    closed = made[made["closed"]]
    y, p = closed["won"].to_numpy(float), closed["win_probability"].to_numpy(float)
    y, p = (1 - y, 1 - p) if lost else (y, p)
    deal = closed["opportunity_id"].to_numpy(object).astype(str)
    enough = len(np.unique(deal)) >= LEAST_CLOSED
    beyond = mean_interval(y - p, np.ones(len(y)), deal) if enough else None
    return Side(len(made), len(closed), int(y.sum()), float(p.sum()), beyond)


def _people(made: pd.DataFrame, closed: pd.DataFrame) -> pd.DataFrame:
    overall = float(closed["saved"].mean()) if len(closed) else 0.0
    rows = []
    for author, given in made.groupby("author", sort=True):
        own = closed.loc[closed["author"] == author, "saved"]
        shrunken = (float(own.sum()) + STRENGTH * overall) / (len(own) + STRENGTH)
        rows.append({"author": author, "given": len(given), "closed": len(own), "brier_saved": shrunken})
    return pd.DataFrame(rows, columns=["author", "given", "closed", "brier_saved"])


def _as_shown(chance: np.ndarray) -> np.ndarray:
    return np.clip(chance, SUREST, 1 - SUREST)


def _means(person: np.ndarray, model: np.ndarray) -> tuple[float, float]:
    return (float(person.mean()), float(model.mean())) if len(person) else (math.nan, math.nan)


def _facts(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    """FACTS so that those of the store and those of today's tables can be compared."""
    return tuple(_plain(row[name]) for name in FACTS)


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    return round(float(value), 2) if isinstance(value, float | int | np.number) else value


def _millis(moments: pd.Series) -> np.ndarray:
    """Instants of the store (UTC, without a zone) as milliseconds; shape (n,), int64."""
    return np.array([as_of_millis(moment.tz_localize("UTC")) for moment in map(pd.Timestamp, moments)], dtype=np.int64)

"""What became of a period's pipeline between two dates, reconciled to the cent at every level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import NEVER
from crm.periods import Period
from features.families.company import CENTS
from features.histories import Histories
from features.pipeline import Closings, Standing, closings, has_plans, standing, tally

ENTRIES = ("new", "reopened", "pulled_in", "handed_in")
EXITS = ("won", "lost", "pushed_out", "handed_out")
COLUMNS = ("opening", *ENTRIES, "grown", "shrunk", *EXITS, "closing")
DEALS = "_deals"
"""How the columns end that count deals."""


@dataclass(frozen=True)
class Flow:
    """What became of a period's pipeline in (since, until], milliseconds.

    `table` has a row a level and key of the hierarchy: `level`, `key`, and :data:`COLUMNS` as money and, with
    :data:`DEALS` behind the name, as counts of deals. In every row, to the cent,

        opening + new + reopened + pulled_in + handed_in + grown − shrunk
            − won − lost − pushed_out − handed_out = closing

    and so for deals, without grown and shrunk: those count the deals whose amount changed. A level's rows sum to the
    company's in every column but those handed in and out, which a key hands to another of its level.

    :param planned: whether past close dates are known. If not, the whole open pipeline counts, and nothing is pulled
        in or pushed out.
    """

    period: Period
    since: int
    until: int
    table: pd.DataFrame
    planned: bool


def flow(histories: Histories, period: Period, since: int, until: int) -> Flow:
    """What became of a period's pipeline between two instants (milliseconds, since <= until).

    Deals that were in the pipeline and still are have grown or shrunk by the difference; those that were won have
    grown or shrunk to what they were won for; what was lost or pushed out leaves with what it stood for at first.
    Deals that came in are new, reopened (closed at first) or pulled in (open at first, planned for another time) with
    what they stand for in the end; among them are those that were won within the period meanwhile, and new ones that
    were lost meanwhile while planned for the period. A deal is booked on its owner in the end, or at its closing; if
    that is another than at first, it is handed over as the first thing that happens.
    """
    before, after = (standing(histories, period, at) for at in (since, until))
    moves = _moves(histories, period, before, after, closings(histories, period, until), since)
    parts = [_of_level(histories, level, moves) for level in histories.hierarchy.levels]
    return Flow(period, since, until, pd.concat(parts, ignore_index=True), has_plans(histories))


@dataclass(frozen=True)
class _Moves:
    """What became of each deal. `takes_part` are masks and `cents` money by column, shape (deals,) each.

    `giver` and `taker` are owner codes at first and in the end.
    """

    takes_part: Mapping[str, np.ndarray]
    cents: Mapping[str, np.ndarray]
    giver: np.ndarray
    taker: np.ndarray


def _moves(
    histories: Histories, period: Period, before: Standing, after: Standing, closing: Closings, since: int
) -> _Moves:
    closed = (closing.at > since) & (closing.at != NEVER)
    in_period = (closing.at >= period.start) & (closing.at < period.end)
    is_new = histories.created > since
    won = closed & closing.won & (before.planned | in_period)
    lost_new = closed & ~closing.won & is_new & closing.planned
    lost = (closed & ~closing.won & before.planned) | lost_new
    enters = ~before.planned & (after.planned | won | lost_new)
    value = np.select([after.planned, won], [after.cents, closing.cents], closing.cents_before)
    difference = np.where(before.planned & (after.planned | won), value - before.cents, 0)
    takes_part = {
        "opening": before.planned,
        "new": enters & is_new,
        "reopened": enters & ~is_new & ~before.open,
        "pulled_in": enters & before.open,
        "grown": difference > 0,
        "shrunk": difference < 0,
        "won": won,
        "lost": lost,
        "pushed_out": before.planned & after.open & ~after.planned,
        "closing": after.planned,
    }
    first = dict.fromkeys(("opening", "pushed_out", "handed_in", "handed_out"), before.cents)
    last = dict.fromkeys(("new", "reopened", "pulled_in", "won", "closing"), value)
    changed = {"grown": difference, "shrunk": -difference, "lost": np.where(lost_new, value, before.cents)}
    return _Moves(takes_part, first | last | changed, before.owner, np.where(closed, closing.owner, after.owner))


def _of_level(histories: Histories, level: str, moves: _Moves) -> pd.DataFrame:
    """The rows of one level. Between two owners of one key nothing is handed over."""
    place = histories.hierarchy.places[level]
    handed = moves.takes_part["opening"] & (place[moves.giver] != place[moves.taker])
    takes_part = {**moves.takes_part, "handed_in": handed, "handed_out": handed}
    owner = {name: moves.giver if name in ("opening", "handed_out") else moves.taker for name in COLUMNS}
    sums = [tally(histories, owner[name], takes_part[name], moves.cents[name]) for name in COLUMNS]
    keys, totals = histories.hierarchy.total(level, np.stack(sums, axis=-1))
    money = pd.DataFrame(totals[:, 0] / CENTS, columns=list(COLUMNS))
    counts = pd.DataFrame(totals[:, 1], columns=[name + DEALS for name in COLUMNS])
    return pd.concat([pd.DataFrame({"level": level, "key": keys}), money, counts], axis=1)

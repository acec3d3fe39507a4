"""Splits by time within what was known at the first cut: what settings are tried on, so that no judged date enters.

Each split is judged as the training itself is: fitted as of a date, calibrated on the dates behind it, judged on still
later ones, never a group on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.settings import TimeSettings
from training.evaluation import Cuts, choose_cuts, out_of_fold
from training.rows import Rows, known_at
from training.scorecard import JudgedRows, judged_stall, judged_win
from training.scores import log_losses
from training.settings import BoostingSettings

SPLITS = 3
LEAST_CLOSED, LEAST_EACH = 100, 20
"""Deals that must have closed by a split's first cut, and of each outcome."""

MOST_ROWS, MOST_LATER = 8_000, 20_000
"""Snapshots up to a split's first cut, to fit on, and behind it, to judge by: of more some are drawn."""


@dataclass(frozen=True)
class Split:
    """Rows up to the last judged date, its own cuts, outcomes as known at the end of all splits.

    :param thinned: how many snapshots stand for one that models are fitted on; 1 where none was left out.
    """

    rows: Rows
    cuts: Cuts
    thinned: float


@dataclass(frozen=True)
class Losses:
    """Log losses as shares of those of the stage's own rates; shape (n,) each, `weight` adds up to 1.

    Questions (won in the end, stalled) weigh the same within a split, and splits the same on the whole. The rows are
    the same for whatever settings.
    """

    share: np.ndarray
    weight: np.ndarray
    deal: np.ndarray
    group: np.ndarray

    @property
    def score(self) -> float:
        """What is tuned for: the weighted mean; below 1 is better than the stage's rates, lower is better."""
        return float(self.share @ self.weight)


def inner_splits(rows: Rows, cut: int, time: TimeSettings) -> list[Split]:
    """The splits, the latest first, within what was known at a date (milliseconds).

    Each is judged on the dates between its second cut and that of the split before it in the list. Where too few deals
    had closed there are fewer of them, or none.
    """
    early = known_at(rows, cut, time.stall_days)
    if not len(early):
        return []
    first = choose_cuts(early, cut, time.cycle_days)
    step = first.end - first.calibrate
    found = []
    for back in range(SPLITS):
        cuts = Cuts(first.fit - back * step, first.calibrate - back * step, cut)
        split = _split(early.where(early.as_of <= cut - back * step), cuts)
        if _enough(split, time):
            found.append(split)
    return found


def losses(split: Split, time: TimeSettings, settings: BoostingSettings) -> Losses:
    """How models with these settings do on a split that :func:`inner_splits` gave."""
    judged = out_of_fold(split.rows, split.cuts, time, _for_thinned(settings, split.thinned))
    questions = (
        (judged_win(judged, split.cuts, time.stall_days), "stage win rates"),
        (judged_stall(judged, split.cuts, time.stall_days), "stage stall rates"),
    )
    group = judged.rows.group[judged.rows.as_of > split.cuts.calibrate]
    return together([_shares(rows, stages, group) for rows, stages in questions if len(np.unique(rows.y)) == 2])


def together(parts: Sequence[Losses]) -> Losses:
    """Several as one, each weighing the same."""
    return Losses(
        np.concatenate([part.share for part in parts]),
        np.concatenate([part.weight for part in parts]) / len(parts),
        np.concatenate([part.deal for part in parts]),
        np.concatenate([part.group for part in parts]),
    )


def _shares(judged: JudgedRows, stages: str, group: np.ndarray) -> Losses:
    weight = judged.weight / judged.weight.sum()
    base = log_losses(judged.y, judged.probabilities[stages]) @ weight
    share = log_losses(judged.y, judged.probabilities["model"]) / base
    return Losses(share, weight, judged.deal, group[judged.kept])


def _split(rows: Rows, cuts: Cuts) -> Split:
    """With about MOST_ROWS rows to fit on and MOST_LATER behind them at most."""
    early = rows.as_of <= cuts.fit
    thinned = max(early.sum() / MOST_ROWS, 1.0)
    share = np.where(early, 1 / thinned, MOST_LATER / max(len(rows) - early.sum(), 1))
    return Split(rows.where(np.random.default_rng(0).random(len(rows)) < share), cuts, float(thinned))


def _for_thinned(settings: BoostingSettings, thinned: float) -> BoostingSettings:
    """What weighs against so many rows, for fewer."""
    return replace(
        settings,
        min_data_in_leaf=max(round(settings.min_data_in_leaf / thinned), 1),
        lambda_l2=settings.lambda_l2 / thinned,
    )


def _enough(split: Split, time: TimeSettings) -> bool:
    """Whether there is something to learn from and something to be judged by."""
    seen = known_at(split.rows, split.cuts.fit, time.stall_days)
    each = [len(np.unique(seen.deal[seen.outcome == value])) for value in (0, 1)]
    judged = split.rows.outcome[split.rows.as_of > split.cuts.calibrate]
    return sum(each) >= LEAST_CLOSED and min(each) >= LEAST_EACH and {0, 1} <= set(judged.tolist())

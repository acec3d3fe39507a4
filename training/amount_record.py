"""How the amount model did on later dates, beside taking the amount as it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm.clock import DAY
from training.evaluation import Cuts
from training.models.amount import LEVELS, fit_amount
from training.rows import Rows
from training.scores import Interval, mean_interval

LEAST_DEALS = 20
RANGE = (0.1, 0.9)


@dataclass(frozen=True)
class AmountRecord:
    """Of deals won behind the first cut, from what had been won by then.

    :param inside: share of final amounts within the range from 10 % to 90 %; 0.8 is promised.
    :param bias: mean of (expected - final) ÷ current amount; above 0 is too high.
    :param loss, as_it_stands: mean pinball loss of final ÷ current amount over all levels, of the model and of
        the amount as it stands; half the continuous ranked probability score (Gneiting & Raftery 2007).
    """

    rows: int
    deals: int
    inside: Interval
    bias: Interval
    loss: Interval
    as_it_stands: Interval


def amount_record(rows: Rows, ratio: np.ndarray, cuts: Cuts) -> AmountRecord | None:
    """None where too few deals were won on either side of the first cut.

    :param ratio: final ÷ current amount of each row, NaN where not won or not known; shape (n,).
    """
    known = ~np.isnan(ratio)
    before = known & (rows.as_of + rows.days * DAY <= cuts.fit)
    later = known & (rows.as_of > cuts.fit)
    if min(len(np.unique(rows.deal[part])) for part in (before, later)) < LEAST_DEALS:
        return None
    model = fit_amount(np.where(before, ratio, np.nan), rows.stage, rows.deal)
    truth, stage, deal = ratio[later], rows.stage[later], rows.deal[later]
    low, high = (model.quantile(stage, level) for level in RANGE)
    weight = np.ones(len(truth))

    def interval(values: np.ndarray) -> Interval:
        return mean_interval(values.astype(float), weight, deal)

    return AmountRecord(
        len(truth),
        len(np.unique(deal)),
        interval((truth >= low) & (truth <= high)),
        interval(model.mean(stage) - truth),
        interval(_pinball(truth, model.quantiles(stage))),
        interval(_pinball(truth, np.ones((len(truth), len(LEVELS))))),
    )


def _pinball(truth: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Mean over LEVELS of the pinball loss of each row; shape (n,)."""
    above = truth[:, None] - quantiles
    level = np.asarray(LEVELS)
    return np.maximum(level * above, (level - 1) * above).mean(axis=1)

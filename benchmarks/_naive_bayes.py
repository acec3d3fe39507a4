"""Naive Bayes in the manner of Odoo's predictive lead scoring: how often each value went with won and with lost.

A deal that closed counts once for each value that it was seen with, among them every stage that it stood in.
The chance of winning is the share of won deals times, for each field, the value's frequency among won deals, set
against the same for lost ones; frequencies begin at 0.1, so that none is 0, and no answer lies nearer than 0.01 % to
never and always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

BEGIN = 0.1
LEAST, MOST = 0.0001, 0.9999


@dataclass(frozen=True)
class NaiveBayes:
    """Won and lost deals (two of each), and the frequency of each field's values among them."""

    outcomes: np.ndarray
    frequencies: Mapping[str, Mapping[str, np.ndarray]]

    def probability(self, values: pd.DataFrame) -> np.ndarray:
        """The chance of winning of each row; a value never seen says nothing. Shape (n,)."""
        odds = np.log(self.outcomes)[None, :].repeat(len(values), axis=0)
        for field, known in self.frequencies.items():
            nothing = np.ones(2)
            odds += np.log([known.get(value, nothing) for value in values[field]])
        lost, won = odds.T
        return np.clip(1 / (1 + np.exp(lost - won)), LEAST, MOST)


def fit_naive_bayes(values: pd.DataFrame, outcome: np.ndarray, deal: np.ndarray) -> NaiveBayes:
    """From snapshots of closed deals: a column a field, outcome 1 or 0, and each row's deal; shape (n,)."""
    deals = pd.Series(outcome).groupby(deal).first()
    outcomes = np.array([(deals == 0).sum(), (deals == 1).sum()], dtype=float)
    found = {}
    for field in values:
        once = pd.DataFrame({"value": values[field].to_numpy(), "deal": deal, "outcome": outcome}).drop_duplicates()
        counts = {value: np.bincount(one["outcome"], minlength=2) for value, one in once.groupby("value")}
        found[str(field)] = {str(value): (both + BEGIN) / outcomes for value, both in counts.items()}
    return NaiveBayes(outcomes, found)

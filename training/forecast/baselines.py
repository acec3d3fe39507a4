"""What people forecast with when they have no model: a forecast has to do better than each of them.

Each answers what is still to come in every window after a moment, by owner; None where the company's tables do not
tell what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.periods import FiscalCalendar
from features.histories import Histories
from features.pipeline import has_plans
from training.forecast.ledger import Ledger, counts_deals
from training.forecast.moments import Moment
from training.forecast.outside import run_rate, same_weekdays, year_before
from training.models.baseline import Baseline

View = Callable[[Ledger, Moment, FiscalCalendar | None, int], np.ndarray | None]

COMMITTED = ("commit", "closed")


@dataclass(frozen=True)
class Known:
    """What a baseline may look at.

    :param facts: the ledger as known at the moment; :param histories: all of it, asked for what stood at the moment.
    :param calendar: None where windows are spans of days, not fiscal periods.
    :param rates: stage rates as known when the model was fitted.
    :param deal, stage: (n,) the open deals, and the stage of each as text or None.
    """

    histories: Histories
    facts: Ledger
    moment: Moment
    calendar: FiscalCalendar | None
    rates: Baseline
    deal: np.ndarray
    stage: np.ndarray

    @property
    def owners(self) -> int:
        """How many owner codes there are."""
        return len(self.histories.hierarchy.owners) + 1

    def worth(self) -> tuple[np.ndarray, np.ndarray]:
        """Each open deal's owner and amount (0 where not known; 1 where deals are counted)."""
        at = np.full(len(self.deal), self.moment.at + 1, dtype=np.int64)
        owner = self.histories.owner_before(self.deal, at)
        if counts_deals(self.histories):
            return owner, np.ones(len(owner))
        return owner, np.nan_to_num(self.histories.value_before("amount", self.deal, at))

    def planned(self, number: int) -> np.ndarray:
        """Whether each open deal is planned to close within a window, by its close date then; (n,)."""
        begin, end = self.moment.window(number)
        at = np.full(len(self.deal), self.moment.at + 1, dtype=np.int64)
        day = self.histories.value_before("close_date", self.deal, at) * DAY
        return (day <= end) & ((day > begin) | (number == 0))


def stage_weighted(known: Known) -> np.ndarray | None:
    """Each deal planned for the window, its amount times its stage's win rate; without close dates each open deal,
    times the share of its stage's deals that were won as soon as that."""
    owner, amount = known.worth()
    answers = known.rates.answer(known.stage)
    if has_plans(known.histories):
        chance = [answers.win * known.planned(number) for number in _windows(known)]
    else:
        within = [answers.win_within(known.moment.days_to(number)) for number in _windows(known)]
        chance = list(np.diff(np.stack(within), axis=0, prepend=0.0))
    return _summed(owner, [amount * one for one in chance], known.owners)


def crm_probability(known: Known) -> np.ndarray | None:
    """Each deal planned for the window, its amount times the CRM's own probability: the deal's, else its stage's."""
    histories = known.histories
    if not has_plans(histories):
        return None
    at = np.full(len(known.deal), known.moment.at + 1, dtype=np.int64)
    if histories.is_known("probability"):
        percent = histories.value_before("probability", known.deal, at)
    elif histories.gives("stages", "probability"):
        of_stage = histories.tables["stages"].set_index("stage")["probability"]
        percent = pd.Series(known.stage, dtype=object).map(of_stage).to_numpy(float)
    else:
        return None
    owner, amount = known.worth()
    chance = np.nan_to_num(percent) / 100
    return _summed(owner, [amount * chance * known.planned(number) for number in _windows(known)], known.owners)


def commit(known: Known) -> np.ndarray | None:
    """The amounts of the deals planned for the window that their owners have committed to."""
    histories = known.histories
    if not (has_plans(histories) and histories.is_known("forecast_category")):
        return None
    at = np.full(len(known.deal), known.moment.at + 1, dtype=np.int64)
    levels = histories.coded("forecast_category").levels
    says = np.array([str(name).strip().casefold() in COMMITTED for name in levels] + [False])
    committed = says[histories.code_before("forecast_category", known.deal, at)]
    owner, amount = known.worth()
    return _summed(owner, [amount * committed * known.planned(number) for number in _windows(known)], known.owners)


def _from_outside(view: View) -> Callable[[Known], np.ndarray | None]:
    return lambda known: view(known.facts, known.moment, known.calendar, known.owners)


BASELINES: Mapping[str, Callable[[Known], np.ndarray | None]] = {
    "stage-weighted pipeline": stage_weighted,
    "CRM-probability-weighted pipeline": crm_probability,
    "commit category": commit,
    "run rate": _from_outside(run_rate),
    "same period last year": _from_outside(year_before),
    "same weekdays": _from_outside(same_weekdays),
}


def _windows(known: Known) -> range:
    return range(len(known.moment.ends))


def _summed(owner: np.ndarray, windows: list[np.ndarray], owners: int) -> np.ndarray:
    return np.stack([np.bincount(owner, each, minlength=owners) for each in windows], axis=1)

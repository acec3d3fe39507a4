"""Boosting settings found by trying them on inner splits by time; the same data, settings and seed find the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import optuna

from crm.clock import utc_text
from features.dataset import TrainingSet
from features.settings import TimeSettings
from training.evaluation import choose_cuts
from training.inner_splits import Losses, Split, inner_splits, losses, together
from training.rows import all_rows
from training.scores import Interval, mean_interval
from training.settings import BoostingSettings

PARTS = 3
"""Parts of the deals: how the best settings of the other parts do on each says what choosing them has gained. With more
parts the choices are more alike than an interval over deals takes them to be."""

Value = int | float


@dataclass(frozen=True)
class Range:
    """Values that a setting is tried with, on a logarithmic scale where `log`."""

    low: Value
    high: Value
    log: bool = True

    def drawn(self, trial: optuna.Trial, name: str) -> Value:
        """The trial's value; three digits of it, as it may be written into a configuration."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.3g}")


SPACE: Mapping[str, Range] = {
    "learning_rate": Range(0.02, 0.2),
    "num_leaves": Range(4, 63),
    "min_data_in_leaf": Range(20, 400),
    "feature_fraction": Range(0.1, 1.0, log=False),
    "lambda_l2": Range(0.1, 100.0),
    "line_strength": Range(0.001, 1.0),
}


@dataclass(frozen=True)
class Trial:
    """Settings that were tried and their score (lower is better), over fewer `splits` where they were given up."""

    number: int
    values: Mapping[str, Any]
    score: float
    splits: int


@dataclass(frozen=True)
class Tuning:
    """What was found.

    :param best: the settings of the trial with the lowest score.
    :param until: the date (milliseconds) behind which nothing was looked at.
    :param splits: how many there were to try settings on; 0 where the history is too short.
    :param gain: share of the stage rates' log loss that is saved against the start; what is counted of a deal was
        saved by settings that were chosen without it. None where there was nothing to choose from.
    """

    start: BoostingSettings
    searched: tuple[str, ...]
    until: int
    splits: int
    trials: tuple[Trial, ...] = ()
    best: BoostingSettings | None = None
    gain: Interval | None = None

    @property
    def accepted(self) -> bool:
        """Whether other settings than those of the start gain beyond chance."""
        return self.gain is not None and self.gain.low > 0 and self.best != self.start

    @property
    def settings(self) -> BoostingSettings:
        """Those to train with."""
        return self.best if self.accepted and self.best is not None else self.start

    def facts(self) -> dict[str, Any]:
        """What a model keeps of it, JSON-able; `carried` where a later training goes on with its settings."""
        return {
            "carried": False,
            "accepted": self.accepted,
            "settings": self._values(self.settings),
            "start": self._values(self.start),
            "best": self._values(self.best or self.start),
            "known_until": utc_text(self.until),
            "splits": self.splits,
            "tried": len(self.trials),
            "given_up": sum(trial.splits < self.splits for trial in self.trials),
            "gain": None if self.gain is None else asdict(self.gain),
            "trials": [asdict(trial) for trial in self.trials],
        }

    def _values(self, settings: BoostingSettings) -> dict[str, Value]:
        return {name: getattr(settings, name) for name in self.searched}


class _Search:
    """Trials one after the other, with what each lost on every row."""

    def __init__(self, splits: Sequence[Split], time: TimeSettings, start: BoostingSettings, searched: Sequence[str]):
        self.splits, self.time, self.start, self.searched = splits, time, start, searched
        self.trials: list[Trial] = []
        self.whole: dict[int, Losses] = {}

    def __call__(self, trial: optuna.Trial) -> float:
        """The score of a trial; raises TrialPruned where it does worse than the trials before it did so far."""
        values: dict[str, Any] = {name: SPACE[name].drawn(trial, name) for name in self.searched}
        settings = replace(self.start, **values)
        found: list[Losses] = []
        for split in self.splits:
            found.append(losses(split, self.time, settings))
            score = together(found).score
            trial.report(score, len(found))
            if len(found) < len(self.splits) and trial.should_prune():
                self.trials.append(Trial(trial.number, values, score, len(found)))
                raise optuna.TrialPruned
        self.trials.append(Trial(trial.number, values, score, len(found)))
        self.whole[trial.number] = together(found)
        return score

    def best(self) -> BoostingSettings:
        """The settings of the trial with the lowest score, of equal ones the first."""
        number = min(self.whole, key=lambda number: self.whole[number].score)
        return replace(self.start, **self.trials[number].values)


def tune(
    training: TrainingSet,
    start: BoostingSettings,
    trials: int,
    fixed: Collection[str] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> Tuning:
    """Search so many trials, the first with the settings of the start; those in `fixed` are left as they are."""
    rows, time = all_rows(training), training.time
    until = choose_cuts(rows, training.until, time.cycle_days).fit
    splits = inner_splits(rows, until, time)
    searched = tuple(name for name in SPACE if name not in fixed)
    if not (splits and searched):
        return Tuning(start, searched, until, len(splits))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=start.seed), pruner=optuna.pruners.MedianPruner(n_startup_trials=5)
    )
    study.enqueue_trial({name: getattr(start, name) for name in searched})
    search = _Search(splits, time, start, searched)
    for number in range(trials):
        progress(f"tuning, trial {number + 1} of {trials}")
        study.optimize(search, n_trials=1)
    gain = gained(list(search.whole.values())) if len(search.whole) > 1 else None
    return Tuning(start, searched, until, len(splits), tuple(search.trials), search.best(), gain)


def gained(whole: Sequence[Losses]) -> Interval:
    """What choosing from trials saves against the first of them, with its 90 % interval over deals.

    For each part of the groups the trial is chosen that does best on the other parts: the best of many looks better
    on what it was chosen by than it is (Tsamardinos et al. 2018).
    """
    first = whole[0]
    shares = np.array([one.share for one in whole])
    part = first.group % PARTS
    saved = np.zeros(len(first.share))
    for inside in (part == number for number in np.unique(part)):
        best = np.argmin(shares[:, ~inside] @ first.weight[~inside])
        saved[inside] = first.share[inside] - shares[best, inside]
    return mean_interval(saved, first.weight, first.deal)

"""Whether a challenger may become champion: every check in `training.checks` has to pass or not apply."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module

import numpy as np

import training.checks
from training.scorecard import Card, JudgedRows
from training.segments import Segment
from training.settings import Thresholds


class Outcome(Enum):
    """What a check can say."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """What a check found, in a sentence with its figures."""

    check: str
    outcome: Outcome
    says: str


@dataclass(frozen=True)
class Evidence:
    """What the checks look at.

    :param won, lost: closed deals of each outcome in the training data.
    :param win, stall: scores on later dates (None where they cannot be judged).
    :param judged: the rows behind `win`.
    :param single_auc: for each feature, how well it alone sorts won from lost, max(AUC, 1 - AUC).
    :param champion: the champion's probabilities for those of `judged` that lie behind its own training;
        NaN elsewhere; None without a champion.
    :param challenger_then: for the same rows, what the challenger would have said, had it been trained when the
        champion was; None where that could not be.
    :param segments: kinds of deals among `judged`, promised against kept.
    """

    won: int
    lost: int
    win: Card | None
    stall: Card | None
    judged: JudgedRows | None
    single_auc: dict[str, float]
    champion: np.ndarray | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    segments: tuple[Segment, ...] = ()
    challenger_then: np.ndarray | None = None


@dataclass(frozen=True)
class Verdict:
    """All findings; the gate is passed when none failed."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may become champion."""
        return all(finding.outcome is not Outcome.FAILED for finding in self.findings)


def checks() -> dict[str, Callable[[Evidence], Finding]]:
    """All checks by file name."""
    names = sorted(module.name for module in pkgutil.iter_modules(training.checks.__path__))
    return {name: import_module(f"training.checks.{name}").check for name in names}


def judge(evidence: Evidence) -> Verdict:
    """Run every check."""
    return Verdict(tuple(check(evidence) for check in checks().values()))

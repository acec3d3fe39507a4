"""Whether a difference could be told yet, and when: from how much outcomes vary, never from how the arms differ.

As the arms are not looked at, waiting for enough does not favour either answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

WORTH_KNOWING = 0.05
"""The difference between the arms that is to show: 5 points."""

POWER = 0.8
"""How often it is to show."""

NEEDED_ERROR = WORTH_KNOWING / float(norm.ppf(0.975) + norm.ppf(POWER))

LEAST_UNITS, LEAST_OF_EACH = 20, 10
"""So many units in each arm, and so many deals of each outcome, below which errors are too rough themselves."""

_EXPECTED = 20
"""What outcomes should vary by weighs as much as so many deals."""


@dataclass(frozen=True)
class Information:
    """What is there, and what is needed for a difference of 5 points to show 8 times of 10.

    :param followed: deals whose outcome is known; :param coached, held_back: units among them, by arm.
    :param needed: so many deals are needed; None where more deals of the same units would never do.
    :param needed_units: so many units, with as many deals each as now.
    :param detectable: the difference that would show 8 times of 10 today.
    """

    followed: int
    coached: int
    held_back: int
    needed: int | None
    needed_units: int
    detectable: float
    enough: bool


def information(
    y: np.ndarray, coached: np.ndarray, x: np.ndarray, unit: np.ndarray, expected: float, *, share: float, fixed: bool
) -> Information:
    """What outcomes in [0, 1] can tell; shape (n,), x (n, k), of the deals followed.

    :param expected: variance of an outcome as foreseen; it counts while few deals are followed.
    :param share: of units that were to be held back.
    :param fixed: whether further deals belong to the same units (owners), so that they do not make more of these.
    """
    n, code = len(y), np.unique(unit, return_inverse=True)[1]
    units = int(code.max(initial=-1)) + 1
    alone, together = _variation(y, x, code, units, expected)
    held = _share_held(coached, share)
    scale = n**2 * held * (1 - held)
    target = NEEDED_ERROR**2
    error_square = (alone + together) / scale if n else np.inf
    needed: int | None
    if not n:
        needed = needed_units = int(np.ceil(expected / (held * (1 - held) * target)))
    else:
        times = alone / (target * scale - together) if fixed else (alone + together) / (target * scale)
        needed = None if fixed and target * scale <= together else int(np.ceil(n * times))
        needed_units = int(np.ceil(units * (alone + together) / (target * scale)))
    counts = [len(np.unique(code[arm])) for arm in (coached, ~coached)]
    yes = float(y.sum())
    enough = error_square <= target and min(counts) >= LEAST_UNITS and min(yes, n - yes) >= LEAST_OF_EACH
    detectable = float(np.sqrt(error_square) / NEEDED_ERROR * WORTH_KNOWING)
    return Information(n, counts[0], counts[1], needed, needed_units, detectable, bool(enough))


def _variation(y: np.ndarray, x: np.ndarray, code: np.ndarray, units: int, expected: float) -> tuple[float, float]:
    """Of what remains when the covariates are allowed for: squares of deals, and what units add by going together.

    Their sum is that of the units' squared sums, to which the squared error of a difference is proportional.
    """
    n = len(y)
    columns = np.column_stack([np.ones(n), x])
    residual = y - columns @ (np.linalg.pinv(columns) @ y) if n else y
    squares = float((residual**2).sum())
    pairs = float((np.bincount(code, minlength=units) ** 2).sum() - n)
    shared = max(float((np.bincount(code, residual, units) ** 2).sum()) - squares, 0.0) if pairs > 0 else 0.0
    each = (squares + _EXPECTED * expected) / (n + _EXPECTED)
    between = shared / pairs if pairs > 0 else 0.0
    return n * max(each - between, 0.0), between * (pairs + n)


def _share_held(coached: np.ndarray, share: float) -> float:
    """The share held back as it is; as it was to be, while an arm is empty."""
    found = float((~coached).mean()) if len(coached) else share
    return found if 0 < found < 1 else share

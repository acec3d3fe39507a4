"""The difference between two arms drawn by chance, allowing for what was known when they were drawn.

Regression of the outcome on the arm, the covariates and their products (Lin 2013): right on average whether or not the
regression is, and narrower the more the covariates tell. Errors are those of Bell & McCaffrey (2002) over the units
that were drawn, which are HC2 where each deal is a unit of its own; quantiles are Student's with their degrees of
freedom. The p value is one of the draw itself: how often arms drawn anew would lie as far apart (studentised, as in
Zhao & Ding 2021), which needs no distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

CONFIDENCE = 0.95
DRAWS = 1999
"""Arms drawn anew for the p value; at most so many, none below 1 in 2,000."""

_BLOCK = 4_000_000
_NONE_LEFT = 1e-9


@dataclass(frozen=True)
class Difference:
    """Coached minus held back, with its 95 % interval.

    :param error: standard error; :param freedom: its degrees of freedom.
    :param chance: p value of the draw (see above), NaN where nothing was drawn anew.
    """

    value: float
    low: float
    high: float
    error: float
    freedom: float
    chance: float

    @property
    def is_proven(self) -> bool:
        """Whether the interval leaves no difference out."""
        return self.low > 0 or self.high < 0


def difference(
    y: np.ndarray, coached: np.ndarray, x: np.ndarray, unit: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The mean difference of an outcome between the arms.

    :param y: outcomes, shape (n,); :param coached: the arm, bool, with both arms among them.
    :param x: covariates known when the arms were drawn, shape (n, k), no NaN; those that do not vary tell nothing.
    :param unit: what was drawn as one, shape (n,).
    """
    x, unit = _telling(x), np.unique(unit, return_inverse=True)[1]
    treated = coached.astype(float)
    design = np.column_stack([np.ones(len(y)), treated, x, x * treated[:, None]])
    bread = np.linalg.pinv(design.T @ design)
    beta = bread @ (design.T @ y)
    error, freedom = _error(design, bread, y - design @ beta, unit, contrast=1)
    reach = float(student.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    value = float(beta[1])
    chance = _chance(y, coached, x, unit, draws, seed) if draws else float("nan")
    return Difference(value, value - reach, value + reach, error, freedom, chance)


def _telling(x: np.ndarray) -> np.ndarray:
    """Covariates that vary, centred, of standard deviation 1."""
    spread = x.std(axis=0)
    varies = spread > _NONE_LEFT * np.maximum(np.abs(x).max(axis=0, initial=0), 1)
    return (x[:, varies] - x[:, varies].mean(axis=0)) / spread[varies]


def _error(
    design: np.ndarray, bread: np.ndarray, residual: np.ndarray, unit: np.ndarray, contrast: int
) -> tuple[float, float]:
    """CR2 standard error of a coefficient and its Satterthwaite degrees of freedom (Bell & McCaffrey 2002).

    With a_g = (I − H_gg)^(-1/2) X_g B e the error² is Σ (a_g · r_g)², and the degrees of freedom are those of the
    quadratic form whose Gram matrix is diag(a_g · a_g) − (X_g' a_g)' B (X_h' a_h).
    """
    adjusted = _adjusted(design, bread, unit, design @ bread[:, contrast])
    units = int(unit.max()) + 1
    score = np.bincount(unit, adjusted * residual, units)
    size = np.bincount(unit, adjusted**2, units)
    inner = np.column_stack([np.bincount(unit, column * adjusted, units) for column in design.T])
    shared = inner.T @ inner @ bread
    trace = size.sum() - np.trace(shared)
    squares = (size**2).sum() - 2 * (size * np.einsum("gi,ij,gj->g", inner, bread, inner)).sum()
    squares += np.trace(shared @ shared)
    return float(np.sqrt((score**2).sum())), float(trace**2 / max(squares, np.finfo(float).tiny))


def _adjusted(design: np.ndarray, bread: np.ndarray, unit: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(I − H_gg)^(-1/2) times each unit's values, in the order of rows; a direction that a unit fits alone counts 0.

    H_gg has the rank of the design, so that a singular value decomposition of X_g B^(1/2) suffices.
    """
    level, turned = np.linalg.eigh(bread)
    root = design @ (turned * np.sqrt(np.maximum(level, 0)))
    count = np.bincount(unit)
    order = np.argsort(unit, kind="stable")
    adjusted = values.copy()
    for size in np.unique(count):  # units of one size are worked off together
        rows = order[count[unit[order]] == size].reshape(-1, size)
        sides, length, _ = np.linalg.svd(root[rows], full_matrices=False)
        along = np.einsum("gri,gr->gi", sides, values[rows])
        adjusted[rows] += np.einsum("gri,gi->gr", sides, (_inverse_root(1 - length**2) - 1) * along)
    return adjusted


def _inverse_root(left: np.ndarray) -> np.ndarray:
    found = np.zeros(left.shape)
    return np.divide(1.0, np.sqrt(left, where=left > _NONE_LEFT, out=np.ones(left.shape)), out=found,
                     where=left > _NONE_LEFT)  # fmt: skip


def _chance(y: np.ndarray, coached: np.ndarray, x: np.ndarray, unit: np.ndarray, draws: int, seed: int) -> float:
    """Share of draws of as many units whose studentised difference is as large; the one that came is one of them."""
    units = int(unit.max()) + 1
    columns = np.column_stack([np.ones(len(y)), x])
    of_arm = np.zeros(units, dtype=bool)
    of_arm[unit[coached]] = True
    sums = _Sums(y, columns, unit, units)
    came = abs(float(sums.studentised(of_arm[None, :])[0]))
    rng = np.random.default_rng(seed)
    beyond = 0
    for block in _blocks(draws, units):
        drawn = rng.permuted(np.broadcast_to(of_arm, (block, units)), axis=1)
        beyond += int((np.abs(sums.studentised(drawn)) >= came * (1 - _NONE_LEFT)).sum())
    return (1 + beyond) / (1 + draws)


def _blocks(draws: int, units: int) -> Iterator[int]:
    most = max(1, _BLOCK // units)
    for start in range(0, draws, most):
        yield min(most, draws - start)


class _Sums:
    """What a regression in each arm needs of each unit, so that arms can be drawn anew without their deals."""

    def __init__(self, y: np.ndarray, columns: np.ndarray, unit: np.ndarray, units: int) -> None:
        width = columns.shape[1]
        self._width = width
        self._x = np.column_stack([np.bincount(unit, column, units) for column in columns.T])
        self._y = np.bincount(unit, y, units)
        products = [columns[:, i] * columns[:, j] for i in range(width) for j in range(width)]
        self._xx = np.column_stack([np.bincount(unit, product, units) for product in products])
        self._xy = np.column_stack([np.bincount(unit, column * y, units) for column in columns.T])

    def studentised(self, coached: np.ndarray) -> np.ndarray:
        """The difference ÷ its error over units, of arms of shape (draws, units); shape (draws,)."""
        one, one_square = self._mean(coached)
        other, other_square = self._mean(~coached)
        error = np.sqrt(one_square + other_square)
        return np.divide(one - other, error, out=np.zeros(len(error)), where=error > 0)

    def _mean(self, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An arm's mean at the covariates' overall mean (0, as they are centred), and its squared error."""
        weight = arm.astype(float)
        matrix = (weight @ self._xx).reshape(-1, self._width, self._width)
        inverse = np.linalg.pinv(matrix, hermitian=True)
        beta = np.einsum("dij,dj->di", inverse, weight @ self._xy)
        residual = weight * (self._y - beta @ self._x.T)  # of each unit, summed over its deals
        count = matrix[:, 0, 0]
        return beta[:, 0], (residual**2).sum(axis=1) / count**2

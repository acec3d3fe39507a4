"""How much each snapshot weighs: those of one deal are not independent."""

from __future__ import annotations

import numpy as np


def per_deal(deal: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Weights (number of the deal's rows) ** -power; shape (n,).

    With 1 each deal's rows weigh 1 together, with 0 each row does; 0.5 lies between.
    """
    _, code, rows = np.unique(deal, return_inverse=True, return_counts=True)
    return np.asarray(rows[code] ** -power, dtype=float)

"""Letters for scores; the cut-offs are the company's to choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grades:
    """Least scores of the grades A, B and C; anything lower is D."""

    a: int = 60
    b: int = 35
    c: int = 15

    def of(self, score: np.ndarray) -> np.ndarray:
        """The grade of each score; shape (n,), object."""
        return np.select([score >= self.a, score >= self.b, score >= self.c], ["A", "B", "C"], "D").astype(object)

"""Letters for scores; the cut-offs are the company's to choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_SCORE, LEAST_SCORE = 99, 1


def score_of(win: np.ndarray) -> np.ndarray:
    """The score of win probabilities: in hundredths, from 1 to 99. Shape (n,), int64."""
    return np.clip(np.round(win * 100), LEAST_SCORE, MOST_SCORE).astype(int)


@dataclass(frozen=True)
class Grades:
    """Least scores of the grades A, B and C; anything lower is D."""

    a: int = 60
    b: int = 35
    c: int = 15

    def of(self, score: np.ndarray) -> np.ndarray:
        """The grade of each score; shape (n,), object."""
        return np.select([score >= self.a, score >= self.b, score >= self.c], ["A", "B", "C"], "D").astype(object)

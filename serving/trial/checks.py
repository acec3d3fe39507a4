"""Whether a trial is what it claims to be: arms that chance made, and deals held back that nobody was coached on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest, fisher_exact

from serving.trial.assignment import HELD_BACK, arm_of
from serving.trial.estimate import DRAWS
from serving.trial.outcomes import Outcomes
from serving.wording import percent

BROKEN = 0.001
"""Shares so unlikely under the draw mean that something else than the draw has decided."""

UNEVEN = 0.01
"""Arms so unlike each other are worth a warning; chance alone makes them so once in a hundred trials."""


@dataclass(frozen=True)
class Finding:
    """What is off, in a sentence; `serious`: no effect is told until its cause is found."""

    name: str
    serious: bool
    says: str


@dataclass(frozen=True)
class Balance:
    """How alike the arms were when the deals came in.

    :param gaps: coached − held back by covariate, in standard deviations.
    :param chance: how often a draw makes them as unlike, all covariates together.
    """

    gaps: dict[str, float]
    chance: float


def findings(assigned: pd.DataFrame, found: Outcomes, shown: pd.DataFrame, alike: Balance) -> tuple[Finding, ...]:
    """Everything that is off in a trial, the serious first.

    :param assigned: columns of TRIAL, one row a deal; :param found: what came of these deals, in the same order.
    :param shown: how often coaching was shown (:meth:`serving.store_trial.TrialStore.shown_coaching`).
    """
    held = (assigned["arm"] == HELD_BACK).to_numpy()
    made = [
        _altered(assigned),
        _share(assigned),
        _lost(found.gone, held, "gone", "are no longer in the tables; they count as not won"),
        _lost(found.closed_before, held, "closed before", "had been closed by the day they came in; they are left out"),
        _shown(assigned, held, shown),
        _uneven(alike),
    ]
    return tuple(sorted((one for one in made if one is not None), key=lambda one: not one.serious))


def _altered(assigned: pd.DataFrame) -> Finding | None:
    count = altered(assigned)
    says = f"{_deals(count)} recorded in another arm than the draw gives: the record was altered."
    return Finding("altered", True, says) if count else None


def _share(assigned: pd.DataFrame) -> Finding | None:
    chance = share_chance(assigned)
    if chance >= BROKEN:
        return None
    arms, share = assigned.drop_duplicates("unit")["arm"], float(assigned["share"].iloc[0])
    says = (
        f"{percent(float((arms == HELD_BACK).mean()))} of {len(arms):,} are held back and {percent(share)} should be; "
        "chance does that less than once in 1,000 trials. Something has kept deals out of one arm."
    )
    return Finding("share", True, says)


def _lost(which: np.ndarray, held: np.ndarray, name: str, says: str) -> Finding | None:
    """Deals of which nothing can be asked any more: serious where one arm has lost more than chance would make it."""
    if not which.any():
        return None
    table = [[int((which & arm).sum()), int((~which & arm).sum())] for arm in (held, ~held)]
    serious = float(fisher_exact(table).pvalue) < BROKEN
    more = " That is more of one arm than chance makes it." if serious else ""
    counts = f"({table[0][0]:,} of {held.sum():,} held back, {table[1][0]:,} of {(~held).sum():,} coached)"
    return Finding(name, serious, f"{int(which.sum()):,} {counts} {says}.{more}")


def _shown(assigned: pd.DataFrame, held: np.ndarray, shown: pd.DataFrame) -> Finding | None:
    count = int((shown["since"].reindex(assigned["opportunity_id"][held]) > 0).sum())
    says = (
        f"{count:,} of {held.sum():,} deals held back have been shown coaching since they came in (was the trial "
        "switched off for a while?); the effect is told too small."
    )
    return Finding("shown", False, says) if count else None


def _uneven(alike: Balance) -> Finding | None:
    if alike.chance >= UNEVEN:
        return None
    gaps = ", ".join(f"{name} {gap:+.2f}".replace("-", "−") for name, gap in alike.gaps.items())
    says = (
        "When they came in, the arms were less alike than 99 of 100 draws make them (coached − held back, in standard "
        f"deviations: {gaps}). The win chance is allowed for; look for a cause all the same."
    )
    return Finding("uneven", False, says)


def _deals(count: int) -> str:
    return f"{count:,} deal is" if count == 1 else f"{count:,} deals are"


def altered(assigned: pd.DataFrame) -> int:
    """How many deals are recorded in another arm than the draw gives them."""
    columns = (assigned[name] for name in ("seed", "share", "unit", "arm"))
    return sum(arm_of(seed, share, unit) != arm for seed, share, unit, arm in zip(*columns, strict=True))


def share_chance(assigned: pd.DataFrame) -> float:
    """How often chance alone makes the share of units held back as unlike the share that was set (exact binomial)."""
    arms = assigned.drop_duplicates("unit")["arm"]
    return float(binomtest(int((arms == HELD_BACK).sum()), len(arms), float(assigned["share"].iloc[0])).pvalue)


def balance(assigned: pd.DataFrame, seed: int = 0, draws: int = DRAWS) -> Balance:
    """Win chance, amount and stage of the two arms, compared at once (Hansen & Bowers 2008) over the units drawn."""
    facts, unit = _facts(assigned), np.unique(assigned["unit"], return_inverse=True)[1]
    held = (assigned["arm"] == HELD_BACK).to_numpy()
    spread = facts.std(axis=0)
    facts = facts[:, spread > 0] / spread[spread > 0]
    facts = facts - facts.mean(axis=0)
    sums = np.column_stack([np.bincount(unit, column) for column in facts.T]) if facts.size else np.zeros((0, 0))
    size, units = np.bincount(unit), int(unit.max()) + 1
    names = np.array(["win chance", "amount"])[spread[:2] > 0]
    if not sums.size or held.all() or not held.any():
        return Balance({}, 1.0)
    weight = np.linalg.pinv(sums.T @ sums)
    of_arm = np.zeros(units, dtype=bool)
    of_arm[unit[held]] = True

    def gaps(arms: np.ndarray) -> np.ndarray:
        inside = arms @ size
        return (~arms @ sums) / (len(unit) - inside)[:, None] - (arms @ sums) / inside[:, None]

    def distance(arms: np.ndarray) -> np.ndarray:
        gap = gaps(arms)
        return np.einsum("di,ij,dj->d", gap, weight, gap)

    rng = np.random.default_rng(seed)
    drawn = np.concatenate([distance(rng.permuted(of_arm)[None, :]) for _ in range(draws)])
    chance = (1 + (drawn >= distance(of_arm[None, :]) * (1 - 1e-9)).sum()) / (1 + draws)
    return Balance(dict(zip(names, map(float, gaps(of_arm[None, :])[0]), strict=False)), float(chance))


def _facts(assigned: pd.DataFrame) -> np.ndarray:
    """What was known when deals came in, as numbers: win chance, logarithm of the amount, stages; shape (n, k)."""
    amount = np.log1p(np.maximum(assigned["amount"].astype(float).to_numpy(), 0))
    known = ~np.isnan(amount)
    amount = np.where(known, amount, amount[known].mean() if known.any() else 0.0)
    chance = assigned["win_probability"].astype(float).to_numpy()
    stages = pd.get_dummies(assigned["stage"].fillna("")).to_numpy(float)
    return np.column_stack([chance, amount, stages])

"""Who is held back: a share of deals, accounts or owners, drawn by a salted hash.

The draw needs no state: it is the same on every machine and in every order. What was drawn is kept all the same,
because a deal stays in the arm that it came into, whoever owns it later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import numpy as np
import pandas as pd

from crm.errors import WrongUse

HELD_BACK, COACHED = "held back", "coached"
DEAL, ACCOUNT, OWNER = UNITS = ("deal", "account", "owner")
UNIT_COLUMNS = {DEAL: "opportunity_id", ACCOUNT: "account_id", OWNER: "owner_id"}


@dataclass(frozen=True)
class TrialWishes:
    """The section [trial]: whether coaching is held back from a share of the deals, so that it can be measured.

    :param share: of units that are scored and not shown coaching; 0 = no trial.
    :param seed: any text; another one draws anew.
    :param until: the last day on which deals come into the trial; None = for as long as it stands in the settings.
    :param unit: what is drawn: "deal", "account" (all of its deals alike) or "owner".
    """

    share: float = 0.0
    seed: str = ""
    until: date | None = None
    unit: str = DEAL

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise WrongUse(f"{self.share!r} does not fit", where="[trial] share", expected="a number from 0 to below 1")
        if self.unit not in UNITS:
            raise WrongUse(f"there is no unit '{self.unit}'", where="[trial] unit", expected=" or ".join(UNITS))

    @property
    def is_on(self) -> bool:
        """Whether there is a trial at all."""
        return self.share > 0

    @property
    def trial_id(self) -> str:
        """What tells trials apart: another seed, share or unit is another trial."""
        return sha256(_bytes(self.seed, self.share, self.unit)).hexdigest()[:12]

    def takes_in(self, day: date) -> bool:
        """Whether deals still come into the trial on a day."""
        return self.is_on and (self.until is None or day <= self.until)


def arm_of(seed: str, share: float, unit: str) -> str:
    """The arm of a unit: held back where its hash, read as a number in [0, 1), lies below the share."""
    number = int.from_bytes(sha256(_bytes(seed, unit)).digest()[:8], "big")
    return HELD_BACK if number < share * 2**64 else COACHED


def units(deals: pd.DataFrame, kind: str) -> np.ndarray:
    """The unit of each row of opportunities: "account A-17"; the deal itself where it has none. Shape (n,), object."""
    alone = DEAL + " " + deals["opportunity_id"]
    return (f"{kind} " + deals[UNIT_COLUMNS[kind]]).fillna(alone).to_numpy(object)


@dataclass(frozen=True)
class Drawn:
    """The arms of a run's deals.

    :param held_back: whether each deal is shown no coaching; shape (n,), bool.
    :param new: the rows of deals that come into the trial with this run; shape (m,).
    :param units: the unit of each deal; shape (n,).
    """

    held_back: np.ndarray
    new: np.ndarray
    units: np.ndarray

    def arms(self) -> np.ndarray:
        """The arm of each deal that comes in; shape (m,), object."""
        return np.where(self.held_back[self.new], HELD_BACK, COACHED).astype(object)


def draw(deals: pd.DataFrame, wishes: TrialWishes, recorded: Mapping[str, str], day: date, enters: np.ndarray) -> Drawn:
    """The arms of a run's deals: as recorded, else drawn.

    :param deals: rows of opportunities; `recorded`: the arm of each deal that is in the trial, by its id.
    :param day: of the run. Who is not in by the trial's last day stays outside, and is coached.
    :param enters: whether each deal may come in with this run; shape (n,), bool. The others are drawn all the same.
    """
    unit, takes_in = units(deals, wishes.unit), wishes.takes_in(day)
    known = deals["opportunity_id"].map(recorded)
    fresh = known.isna().to_numpy()
    drawn = {one: arm_of(wishes.seed, wishes.share, one) for one in set(unit[fresh])}
    arm = np.array([drawn[one] if new else kept for one, new, kept in zip(unit, fresh, known, strict=True)], object)
    held_back = (arm == HELD_BACK) & (~fresh | takes_in)
    return Drawn(held_back, np.flatnonzero(fresh & takes_in & enters), unit)


def _bytes(*parts: object) -> bytes:
    return json.dumps(parts, ensure_ascii=False).encode()

"""What the tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm.simulator.clock import Clocks
from crm.simulator.company import Accounts, People
from crm.simulator.deals import Deals
from crm.simulator.lives import Paths
from crm.simulator.settings import SimulatorSettings
from crm.simulator.typed import ids


@dataclass(frozen=True)
class Company:
    """Everything that the tables are made of, before it becomes tables."""

    settings: SimulatorSettings
    people: People
    accounts: Accounts
    clocks: Clocks
    deals: Deals
    paths: Paths

    def utc(self, second: np.ndarray, offset: np.ndarray | int = 0) -> np.ndarray:
        """Seconds on a wall clock that is ahead of UTC by `offset`, as datetime64[us] in UTC."""
        first = np.datetime64(self.settings.start, "s").astype(np.int64)
        return (first + second - offset).astype("datetime64[s]").astype("datetime64[us]")

    def deal_time(self, deal: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Seconds on each deal's wall clock as datetime64[us] in UTC."""
        return self.utc(second, self.deals.utc_offset[deal])


@dataclass(frozen=True)
class Ids:
    """The ids of the rows of deals, users, accounts and contacts."""

    deal: pa.Array
    user: pa.Array
    account: pa.Array
    contact: pa.Array

    @classmethod
    def of(cls, company: Company) -> Ids:
        """Ids for everyone and everything in the company."""
        return cls(
            deal=ids("D", len(company.deals)),
            user=ids("U", len(company.people.team)),
            account=ids("A", len(company.accounts)),
            contact=ids("C", int(company.accounts.contacts.sum())),
        )

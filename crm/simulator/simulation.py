"""The simulated company as a whole, with what only its maker knows: each deal's true chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from crm.errors import WrongUse
from crm.simulator.assembly import assemble
from crm.simulator.clock import clocks_of
from crm.simulator.company import found_accounts, hire
from crm.simulator.deals import merit_of
from crm.simulator.dirt import Dirt, soiled
from crm.simulator.dynamics import MOODS, win_probability, win_probability_within
from crm.simulator.files import write_tables
from crm.simulator.lives import live_all, state_at
from crm.simulator.parts import Company
from crm.simulator.settings import DAY, SimulatorSettings
from crm.simulator.vocabulary import OPEN_STAGES
from crm.tables import CrmTables

FIXED = frozenset({"type", "lead_source", "product", "region"})
"""Fields that never change after a deal's creation; a demo's configuration declares them so."""

_LONGEST = 400  # days ahead that the clocks know


@dataclass(frozen=True)
class Simulation:
    """A simulated company: its clean tables, and the truth behind them.

    `company` holds what no CRM shows: people's skill, deals' merit and hidden quality, their paths.
    `chances` is the probability of being won in the end, by deal and state, shape (deals, states).
    """

    settings: SimulatorSettings
    tables: CrmTables
    company: Company
    chances: np.ndarray

    def true_win_probability(self, opportunity_ids: object, as_of: object) -> np.ndarray:
        """The probability, given all there is to know at the instant, that the deal's episode ends in a win.

        :param opportunity_ids: n ids.
        :param as_of: an instant, or n of them: datetimes (without a zone they are UTC), or whole milliseconds
            since 1970 (UTC).
        :returns: shape (n,), 0 to 1; NaN where the deal is not open then, or the instant lies after the end.
        :raises WrongUse: where an id is not one of this company's.
        """
        deal, second = self._deals(opportunity_ids), self._seconds(as_of)
        second = np.broadcast_to(second, deal.shape) + self.company.deals.utc_offset[deal]
        state = state_at(self.company.paths, deal, second)
        return np.where(state >= 0, self.chances[deal, state], np.nan)

    def true_win_probability_if(
        self, opportunity_ids: object, as_of: object, *, further: int = 0, mood: int | None = None, **facts: float
    ) -> np.ndarray:
        """The same probability, had each deal been another: what a fact does to it.

        :param further: so many stages further on; a deal that would go past the last or first one has NaN.
        :param mood: HOT, WARM or QUIET of :mod:`crm.simulator.dynamics`.
        :param facts: columns of :class:`crm.simulator.deals.Deals` that had been so from the beginning: codes of
            `type`, `source`, `product`, or `size`.

        Other parameters, what is returned and errors as in :meth:`true_win_probability`.
        """
        deal, second = self._deals(opportunity_ids), self._seconds(as_of)
        company, deals = self.company, self.company.deals
        second = np.broadcast_to(second, deal.shape) + deals.utc_offset[deal]
        state = state_at(company.paths, deal, second)
        stage = np.where(state >= 0, state // MOODS + further, -1)
        state = stage * MOODS + (state % MOODS if mood is None else mood)
        other = replace(deals, **{name: np.full(len(deals), value) for name, value in facts.items()})
        merits = [merit_of(company.settings, company.people, company.accounts, one) for one in (other, deals)]
        rates = replace(deals.rates(self.settings.signal), merit=deals.merit + merits[0] - merits[1]).take(deal)
        there = (stage >= 0) & (stage < OPEN_STAGES)
        chances = win_probability(rates)[np.arange(len(deal)), np.where(there, state, 0)]
        return np.where(there, chances, np.nan)

    def true_win_probability_within(self, opportunity_ids: object, as_of: object, days: float) -> np.ndarray:
        """The probability that the deal's episode ends in a win no later than so many days after the instant.

        Parameters and errors as in :meth:`true_win_probability`; `days` is at most 400.
        """
        if not 0 <= days <= _LONGEST:
            raise WrongUse(f"days = {days}", expected=f"0 to {_LONGEST}")
        deal, second = self._deals(opportunity_ids), self._seconds(as_of)
        second = np.broadcast_to(second, deal.shape) + self.company.deals.utc_offset[deal]
        state = state_at(self.company.paths, deal, second)
        clock, result = self.company.clocks.work, np.full(deal.shape, np.nan)
        busy = clock.at(second + days * DAY) - clock.at(second)
        rates = self.company.deals.rates(self.settings.signal)
        is_open = np.flatnonzero(state >= 0)
        for rows in np.array_split(is_open, len(is_open) // 4096 + 1):
            result[rows] = win_probability_within(rates.take(deal[rows]), state[rows], busy[rows])
        return result

    def write(self, folder: Path) -> Dirt:
        """Write the tables as CSV files with some dirt in them, and a README.md; says what was dirtied.

        Existing files of the same names are replaced. What is in memory stays clean.
        """
        texts, dirt = soiled(self.settings, self.tables)
        write_tables(folder, texts, self.settings)
        return dirt

    def _deals(self, opportunity_ids: object) -> np.ndarray:
        wanted = pd.Index(np.atleast_1d(np.asarray(opportunity_ids, dtype=object)))
        rows = pd.Index(self.tables["opportunities"]["opportunity_id"].astype(object)).get_indexer(wanted)
        if (rows < 0).any():
            raise WrongUse(
                f"there is no deal {wanted[rows < 0][0]!r} in the simulated company",
                expected="ids of its table opportunities",
            )
        return rows.astype(np.int64)

    def _seconds(self, as_of: object) -> np.ndarray:
        """Seconds since the history's first midnight (UTC), rounded down, cut to what a key can hold."""
        values = pd.Series(as_of)
        if pd.api.types.is_integer_dtype(values):
            micros = values.to_numpy(np.int64) * 1000
        else:
            instants = pd.to_datetime(values, utc=True).dt.tz_localize(None)
            micros = instants.to_numpy("datetime64[us]").astype(np.int64)
        first = np.datetime64(self.settings.start, "s").astype(np.int64)
        return np.clip(micros // 1_000_000 - first, -DAY, self.settings.horizon + DAY)


def simulate(settings: SimulatorSettings = SimulatorSettings()) -> Simulation:  # noqa: B008 (frozen)
    """A company as the settings have it; equal settings give equal companies."""
    people, clocks = hire(settings), clocks_of(settings)
    accounts = found_accounts(settings, people)
    deals, paths = live_all(settings, people, accounts, clocks)
    company = Company(settings, people, accounts, clocks, deals, paths)
    tables = CrmTables(assemble(company), FIXED)
    return Simulation(settings, tables, company, win_probability(deals.rates(settings.signal)))

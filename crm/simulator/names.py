"""Names of people and companies, made up from words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm.simulator.company import OPERATIONS, Accounts, People
from crm.simulator.settings import SimulatorSettings
from crm.simulator.typed import joined, whole_numbers, words
from crm.simulator.vocabulary import (
    COMPANY_TRADES,
    COMPANY_WORDS,
    FIRST_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    REGIONS,
)


def people_names(settings: SimulatorSettings, people: People) -> pa.Array:
    """A name for each user, all different as long as there are enough; shape (users,)."""
    count, pairs = len(people.team), len(FIRST_NAMES) * len(LAST_NAMES)
    random = settings.random("names of people")
    pair = np.concatenate([random.permutation(pairs) for _ in range(count // pairs + 1)])[:count]
    first, last = pair % len(FIRST_NAMES), pair // len(FIRST_NAMES)
    names = joined(words(first, FIRST_NAMES), " ", words(last, LAST_NAMES))
    names = pa.concat_arrays([names, pa.array(["Sales Operations"], pa.large_string())])
    number = np.arange(count)
    return words(np.where(number == OPERATIONS, count, number), names)


def addresses(settings: SimulatorSettings, people: People) -> pa.Array:
    """An e-mail address for each user, all different; shape (users,)."""
    plain = pc.utf8_lower(pc.replace_substring(people_names(settings, people), " ", "."))
    own = [re.sub(r"[^a-z.]", "", unicodedata.normalize("NFKD", name)) for name in plain.to_pylist()]
    earlier: Counter[str] = Counter()
    for place, name in enumerate(own):
        earlier[name] += 1
        own[place] = f"{name}{earlier[name] if earlier[name] > 1 else ''}@example.com"
    return pa.array(own, pa.large_string())


def account_names(settings: SimulatorSettings, accounts: Accounts) -> pa.Array:
    """A name for each account that sounds of its trade and its country; shape (accounts,)."""
    random = settings.random("names of accounts")
    count = len(accounts)
    trades = [trade for industry in INDUSTRIES for trade in COMPANY_TRADES[industry]]
    per_industry = len(trades) // len(INDUSTRIES)
    trade = accounts.industry * per_industry + random.integers(0, per_industry, count)
    endings = [ending for region in REGIONS for _, ending in region.countries]
    ending = accounts.region * len(REGIONS[0].countries) + accounts.country
    first = words(random.integers(0, len(COMPANY_WORDS), count), COMPANY_WORDS)
    return joined(first, " ", words(trade, trades), " ", words(ending, endings))


def team_names(people: People) -> pa.Array:
    """A name for each team: its region and a number; shape (teams,)."""
    number = whole_numbers(np.arange(people.teams) // len(REGIONS) + 1)
    return joined(words(people.team_region, [region.name for region in REGIONS]), " ", number)

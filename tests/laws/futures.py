"""Random dates in the life of a random company, and other futures after them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import event_millis
from crm.tables import CrmTables
from tests.histories import DAY_US, EPOCH, Ledger, Life, cut, grow

END = EPOCH + Life().days * DAY_US
seeds = given(seed=st.integers(0, 2**32 - 1))


def examples(count: int) -> settings:
    """So many companies; a seed does not shrink."""
    return settings(max_examples=count, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def a_date(rng: np.random.Generator) -> int:
    """A millisecond within the life of a random company, often the very one of an event."""
    return int(rng.integers(EPOCH + 20 * DAY_US, END - DAY_US)) // 1000


def date_of_an_event(rng: np.random.Generator, tables: CrmTables) -> int:
    """A random date, or one at which something happened, or the millisecond before it."""
    times = event_millis(pd.concat([tables["changes"]["changed_at"], tables["opportunities"]["created_at"]]))
    inside = times[(times > EPOCH // 1000 + 1) & (times < END // 1000 - 1)]
    if not len(inside) or rng.random() < 0.3:
        return a_date(rng)
    return int(rng.choice(inside) - rng.integers(2))


def recorded_from(ledger: Ledger, as_of: int) -> None:
    """Deals that nobody had closed by the date get their stage moves recorded after all."""
    open_then = {each.name for each in cut(ledger, as_of).deals if not each.is_closed}
    for each in ledger.deals:
        each.silent = each.silent and each.name not in open_then


def another_future(rng: np.random.Generator, ledger: Ledger, as_of: int) -> Ledger:
    """The same company up to the date; after it everything may go differently."""
    other = cut(ledger, as_of)
    if rng.random() < 0.8:
        grow(rng, other, as_of * 1000, END)
    return other

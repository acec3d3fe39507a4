"""What was known then: nothing that came to be known after a date changes a feature at or before it."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import event_millis
from crm.history import known_by
from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import Snapshots, compute, prepare
from features.histories import Histories
from features.snapshots import grid, open_deals
from tests.histories import DAY_US, EPOCH, EVERYTHING, Ledger, Life, company, cut, grow, show

END = EPOCH + Life().days * DAY_US
seeds = given(seed=st.integers(0, 2**32 - 1))
GRID_DAYS = 9


def examples(count: int) -> settings:
    """So many companies; a seed does not shrink."""
    return settings(max_examples=count, phases=(Phase.explicit, Phase.reuse, Phase.generate))


class Seen(NamedTuple):
    """Features by (deal, as-of date) at dates up to one, and why those that are missing are."""

    features: pd.DataFrame
    absent: dict[str, str | None]


def seen_by(tables: CrmTables, as_of: int) -> Seen:
    """Every feature of every deal while open, on a grid up to the date and at the date itself."""
    histories = Histories(tables)
    prepared = prepare(histories, catalogue(EVERYTHING), EVERYTHING.calendar)
    parts = [grid(histories, GRID_DAYS, as_of), open_deals(histories, as_of)]
    deal = np.concatenate([part.deal for part in parts])
    snapshots = Snapshots(deal, np.concatenate([part.as_of for part in parts]))
    absent = {f.name: prepared.why_absent(f) for f in prepared.catalogue.features}
    features = compute(prepared, snapshots, tuple(absent))
    ids = histories.deals["opportunity_id"].to_numpy(object)[deal]
    features.index = pd.MultiIndex.from_arrays([ids, snapshots.as_of])
    once = features[~features.index.duplicated()].sort_index()
    return Seen(once, {name: why for name, why in absent.items() if why is not None})


def assert_same(before: Seen, after: Seen) -> None:
    """The same deals at the same dates, and every feature that both can have equal to the last bit."""
    assert list(before.features.index) == list(after.features.index)
    both = [name for name in before.features if name not in before.absent and name not in after.absent]
    pd.testing.assert_frame_equal(before.features[both], after.features[both], check_exact=True)


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


@examples(60)
@seeds
def test_whatever_happens_after_a_date_changes_no_feature_up_to_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng, complete=bool(rng.random() < 0.6))
    as_of = date_of_an_event(rng, show(ledger))
    recorded_from(ledger, as_of)
    before = seen_by(show(ledger), as_of)
    after = seen_by(show(another_future(rng, ledger, as_of)), as_of)
    assert_same(before, after)


@examples(60)
@seeds
def test_what_was_known_by_a_date_gives_the_same_features_as_all_that_is_known_today(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng, complete=bool(rng.random() < 0.4)))
    as_of = date_of_an_event(rng, tables)
    assert_same(seen_by(tables, as_of), seen_by(known_by(tables, as_of), as_of))

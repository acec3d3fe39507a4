"""What was known then: nothing that came to be known after a date changes a feature at or before it."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import example

from crm.clock import DAY, event_millis
from crm.history import data_through, known_by
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from crm.tables import CrmTables
from features.catalogue import catalogue
from features.engines import Snapshots, compute, prepare
from features.families.segment import SEGMENT_FIELDS
from features.histories import Histories
from features.snapshots import grid, open_deals
from tests.histories import EVERYTHING, OWN_LEVELS, Life, company, cut, show
from tests.laws.futures import END, a_date, another_future, date_of_an_event, examples, recorded_from, seeds

GRID_DAYS = 9
NOT_YET = {
    *(f"{field} has no recorded history and is not declared fixed" for field in (*SEGMENT_FIELDS, *OWN_LEVELS)),
    *(f"no deal has a value of {field}" for field in OWN_LEVELS),
    *(f"the {what} has no recorded history and is not declared fixed" for what in ("amount", "close date", "owner")),
    *(f"the {what} has no recorded history" for what in ("stage", "forecast category", "next step")),
    *("the CRM's probability has no recorded history", "no field has a recorded history"),
    *("there are no activities", "no activity says who wrote to whom", "no activity names a contact"),
    *("no activity says when it was recorded", "no contact role says when it was added"),
    *("no account has its industry given", "no account has its country given"),
    *("no deal has an account", "there is no table of accounts", "no user says when they started"),
    *("no activity says how long it took", "no activity says who logged it", "no activity has a subject"),
    *("no contact role says what the person does", "there is no table of quotas"),
    *("no lead says when it became a deal", "no lead says which deal it became"),
}
"""Every reason for which a feature is left out, up to the column that it names."""


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


@examples(25)
@example(seed=844419)  # a stage that goes and comes back within one instant, before which nothing is recorded
@seeds
def test_whatever_happens_after_a_date_changes_no_feature_up_to_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng, complete=bool(rng.random() < 0.6))
    as_of = date_of_an_event(rng, show(ledger))
    recorded_from(ledger, as_of)
    before = seen_by(show(ledger), as_of)
    after = seen_by(show(another_future(rng, ledger, as_of)), as_of)
    assert_same(before, after)


@examples(18)
@example(seed=627402)  # a lead that was entered after it had become a deal
@seeds
def test_what_was_known_by_a_date_gives_the_same_features_as_all_that_is_known_today(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng, complete=bool(rng.random() < 0.4)))
    as_of = date_of_an_event(rng, tables)
    today, then = seen_by(tables, as_of), seen_by(known_by(tables, as_of), as_of)
    assert_same(today, then)
    # What began to be recorded only later is left out as a whole, and that is said.
    assert today.absent.keys() <= then.absent.keys()
    assert all(str(why).partition(" (")[0] in NOT_YET for why in then.absent.values())


@pytest.mark.parametrize("days_before_the_end", [30, 400])
def test_in_the_demo_company_too_what_was_known_gives_the_same_features(days_before_the_end: int) -> None:
    tables = simulate(SimulatorSettings(deals=400)).tables
    as_of = data_through(tables) - days_before_the_end * DAY
    assert_same(seen_by(tables, as_of), seen_by(known_by(tables, as_of), as_of))


@examples(12)
@seeds
def test_what_was_known_by_a_date_is_what_the_crm_showed_then(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng, Life(silent=False), complete=True)
    as_of = date_of_an_event(rng, show(ledger))
    assert_same_tables(known_by(show(ledger), as_of), show(cut(ledger, as_of)))


@examples(10)
@seeds
def test_what_was_known_by_now_is_all_that_is_known(seed: int) -> None:
    tables = show(company(np.random.default_rng(seed)))
    assert_same_tables(known_by(tables, END // 1000), tables)


@examples(10)
@seeds
def test_what_was_known_first_is_part_of_what_was_known_later(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng))
    first, second = sorted([date_of_an_event(rng, tables), date_of_an_event(rng, tables)])
    assert_same_tables(known_by(known_by(tables, second), first), known_by(tables, first))


def assert_same_tables(left: CrmTables, right: CrmTables) -> None:
    """The same rows in every table; closings to the millisecond."""
    assert left.frames.keys() == right.frames.keys()
    for name in left.frames:
        ours, theirs = left[name], right[name]
        if name == "opportunities":
            ours, theirs = (f.assign(closed_at=event_millis(f["closed_at"])) for f in (ours, theirs))
        pd.testing.assert_frame_equal(ours, theirs)


OF_AN_UNKNOWN_STAGE = {
    *("stage_position", "stage_win_rate", "stage_time_ratio", "stage_visits", "stages_behind_furthest", "entry_stage"),
    *("close_date_against_stage", "crm_probability_against_stage"),
    *("stage_time_against_type", "stage_time_against_product"),
}


@examples(5)
@seeds
def test_a_closing_that_nobody_recorded_hides_the_stage_before_it_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    as_of = a_date(rng)
    past = cut(company(rng, Life(silent=False), complete=True), as_of)
    deal = copy.deepcopy(past.deals[0])
    deal.name, deal.ended, deal.values["stage"] = "still", None, deal.values["stage"][:1]  # it never moved
    past.deals.append(deal)
    open_still = seen_by(show(past), as_of)
    deal.silent = True
    deal.values["stage"].append((as_of * 1000 + 5, "Closed Won"))
    closed_since = seen_by(show(past), as_of)
    changed = ~(
        open_still.features.eq(closed_since.features) | open_still.features.isna() & closed_since.features.isna()
    )
    assert set(changed.columns[changed.any()]) <= OF_AN_UNKNOWN_STAGE
    assert set(changed.index.get_level_values(0)[changed.any(axis=1)]) == {"still"}

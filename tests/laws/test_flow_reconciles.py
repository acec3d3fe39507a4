"""The flow of the pipeline reconciles to the cent, and tells what the CRM held at both of its dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm.clock import DAY, event_millis
from crm.hierarchy import NOBODY
from crm.history import data_through, known_by
from crm.periods import KINDS, FiscalCalendar, Period
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from crm.tables import CrmTables
from features.histories import Histories
from features.pipeline import has_plans
from serving.flow import COLUMNS, DEALS, ENTRIES, EXITS, Flow, flow
from tests.histories import Life, company, show, with_managers
from tests.laws.futures import another_future, date_of_an_event, examples, recorded_from, seeds

HANDED = ("handed_in", "handed_out")
MONEY, NUMBERS = list(COLUMNS), [name + DEALS for name in COLUMNS]


def in_cents(table: pd.DataFrame) -> pd.DataFrame:
    """The table in whole cents and deals, by level and key."""
    made = table.set_index(["level", "key"])
    money = (made[MONEY] * 100).round()
    np.testing.assert_allclose(made[MONEY], money / 100, rtol=0, atol=0)
    return pd.concat([money.astype("int64"), made[NUMBERS]], axis=1)


def assert_reconciles(found: Flow) -> None:
    """In every row all that came in less all that went out is what is left; the levels agree."""
    table = in_cents(found.table)
    assert (table >= 0).all(axis=None)
    for suffix in ("", DEALS):
        came = sum(table[name + suffix] for name in ("opening", *ENTRIES))
        went = sum(table[name + suffix] for name in EXITS)
        changed = 0 if suffix else table["grown"] - table["shrunk"]
        pd.testing.assert_series_equal(came + changed - went, table["closing" + suffix], check_names=False)
    sums = table.groupby(level="level").sum()
    for level in sums.index:
        for name in table:
            if name.startswith("handed"):
                assert (
                    sums.loc[level, f"handed_in{DEALS if name.endswith(DEALS) else ''}"]
                    == sums.loc[level, f"handed_out{DEALS if name.endswith(DEALS) else ''}"]
                )
            else:
                assert sums.loc[level, name] == sums.loc["company", name], (level, name)
    assert not sums.loc["company", [*HANDED, *(name + DEALS for name in HANDED)]].any()


def held(tables: CrmTables, found: Flow, at: int) -> dict[str, tuple[int, int]]:
    """What the tables of a date show in the period's pipeline: cents and deals by owner, those that have any."""
    deals = known_by(tables, at)["opportunities"]
    deals = deals[deals["closed_at"].isna()]
    if found.planned:
        day = deals["close_date"].to_numpy("datetime64[ms]")
        day = np.where(np.isnat(day), found.period.end, day.astype(np.int64))
        overdue = (day < found.period.start) & (found.period.start <= at < found.period.end)
        deals = deals[((day >= found.period.start) & (day < found.period.end)) | overdue]
    cents = (deals["amount"].fillna(0) * 100).round().astype("int64")
    by_owner = cents.groupby(deals["owner_id"].astype(object).fillna(NOBODY)).agg(["sum", "size"])
    return {str(owner): (int(row["sum"]), int(row["size"])) for owner, row in by_owner.iterrows()}


def stands(found: Flow, column: str) -> dict[str, tuple[int, int]]:
    """A column's cents and deals by owner, those that have any."""
    table = in_cents(found.table).reset_index()
    level = "owner" if (table["level"] == "owner").any() else "company"
    rows = table[(table["level"] == level) & (table[column + DEALS] > 0)]
    return {
        NOBODY if level == "company" else str(row["key"]): (int(row[column]), int(row[column + DEALS]))
        for _, row in rows.iterrows()
    }


def a_period(rng: np.random.Generator, at: int) -> Period:
    """One around a date, or next to it."""
    weeks = rng.choice([None, "4-4-5"])
    calendar = FiscalCalendar(str(rng.choice(KINDS)), int(rng.integers(1, 13)), weeks and str(weeks))
    return calendar.period_at(at + int(rng.choice([0, 0, 0, -40, 40])) * DAY)


def three_dates(rng: np.random.Generator, tables: CrmTables) -> list[int]:
    """Three that lie near each other."""
    return sorted(date_of_an_event(rng, tables) for _ in range(9))[3:6]


@examples(20)
@seeds
def test_it_reconciles_and_begins_and_ends_with_what_the_crm_held(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = with_managers(rng, show(company(rng, Life(deals=40), complete=bool(rng.random() < 0.5)), rng))
    first, second, third = three_dates(rng, tables)
    period, histories = a_period(rng, second), Histories(tables)
    found, later = flow(histories, period, first, second), flow(histories, period, second, third)
    for one in (found, later):
        assert_reconciles(one)
        assert stands(one, "opening") == held(tables, one, one.since)
        assert stands(one, "closing") == held(tables, one, one.until)
    assert found.planned == has_plans(histories)
    ends, begins = in_cents(found.table), in_cents(later.table)
    for suffix in ("", DEALS):
        assert ends["closing" + suffix].to_dict() == begins["opening" + suffix].to_dict()


@examples(15)
@seeds
def test_between_a_date_and_itself_nothing_happens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng, Life(deals=40)))
    at = date_of_an_event(rng, tables)
    table = flow(Histories(tables), a_period(rng, at), at, at).table
    moves = [name for name in (*MONEY, *NUMBERS) if not name.startswith(("opening", "closing"))]
    assert not table[moves].any(axis=None)


@examples(30)
@seeds
def test_what_happens_afterwards_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng, Life(deals=30), complete=True)
    first, second, _ = three_dates(rng, show(ledger))
    recorded_from(ledger, second)
    period, users = a_period(rng, second), int(rng.integers(2**32))

    def seen(tables: CrmTables) -> pd.DataFrame:
        tables = with_managers(np.random.default_rng(users), tables, everyone=True)
        table = in_cents(flow(Histories(tables), period, first, second).table)
        return table[table.any(axis=1)]

    pd.testing.assert_frame_equal(seen(show(ledger)), seen(show(another_future(rng, ledger, second))))


@pytest.mark.parametrize("seed", [1, 2])
def test_in_the_demo_company_every_quarter_reconciles_week_by_week(seed: int) -> None:
    tables = simulate(SimulatorSettings(deals=600, seed=seed)).tables
    histories, calendar = Histories(tables), FiscalCalendar("quarter", 1 + 3 * seed)
    period = calendar.preceding(calendar.period_at(data_through(tables)), 2)
    told: set[str] = set()
    dates = np.arange(period.start - 1, period.end, 7 * DAY)
    before: Flow | None = None
    for since, until in zip(dates[:-1].tolist(), dates[1:].tolist(), strict=True):
        found = flow(histories, period, since, until)
        assert_reconciles(found)
        assert stands(found, "closing") == held(tables, found, until)
        if before is not None:
            assert in_cents(before.table)["closing"].to_dict() == in_cents(found.table)["opening"].to_dict()
        before = found
        told |= {str(name) for name in MONEY if found.table[name].any()}
    assert set(MONEY) - told <= {"reopened"}
    assert event_millis(tables["opportunities"]["created_at"]).min() < period.start

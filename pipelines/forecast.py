"""Forecast: revenue of this period and the next at every level, into the store and a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from crm.clock import parse_as_of, utc_day
from crm.errors import WrongUse
from crm.hierarchy import COMPANY, Hierarchy
from crm.periods import FiscalCalendar, Period
from features.histories import Histories
from features.pipeline import has_plans
from features.settings import propose
from pipelines.answers import Answered, answer
from pipelines.champion import open_store
from pipelines.company import Company, open_company
from pipelines.config import Home, load_config
from serving.adjustments import last_of_each
from serving.flow import Flow, flow
from serving.forecasting import forecast_table, names_of, periods_of
from serving.scoring import amount_model
from serving.sinks.files import check_target, write_table
from serving.slippage import coverage, slippage
from serving.store import Store, new_run_id
from serving.store_tables import ADJUSTMENTS
from serving.wording import money
from training.forecast import forecaster
from training.forecast.ledger import counts_deals, ledger
from training.forecast.moments import Moment, in_periods
from training.forecast.ranges import Ranges
from training.forecast.record import Lessons, lessons_of, of_calendar
from training.forecast.summary import Score, summary

STEPS = 4


@dataclass(frozen=True)
class ForecastResult:
    """The forecast in the columns of the contract, and what is told beside it.

    :param names: what people call each row's key.
    :param periods: this period and the next.
    :param levels: those below the company that are to be told.
    :param counts: whether deals are counted, because the tables have no amounts.
    :param currency: the one in which most deals were entered; empty where none is given.
    :param coverage: how far the pipeline of this period covers its quota (:func:`serving.slippage.coverage`).
    :param slippage: what became of the pipeline of past periods (:func:`serving.slippage.slippage`).
    :param planned: whether past close dates are known; if not, the whole open pipeline counts as this period's.
    :param scores: how the company's forecasts of past periods did, by weeks to the end; empty without a record.
    :param flow: of this period since a date, where one was asked for.
    :param adjustments: people's own numbers for these periods, the last that each has kept for a level and key.
    """

    company: Company
    table: pd.DataFrame
    names: tuple[str, ...]
    run_id: str
    model_version: str
    periods: tuple[Period, ...]
    calendar: FiscalCalendar
    levels: tuple[str, ...]
    counts: bool
    currency: str
    coverage: pd.DataFrame
    slippage: pd.DataFrame
    planned: bool
    scores: tuple[Score, ...]
    flow: Flow | None
    adjustments: pd.DataFrame
    notes: tuple[str, ...]


def forecast(
    data: Path,
    as_of: str,
    home: Home,
    out: Path | None,
    since: str | None,
    level: str | None,
    step: Callable[[str], None],
) -> ForecastResult:
    """Forecast this period and the next. Without a champion, from shrunken rates, and say so.

    :param since: a date; what became of this period's pipeline since then is told as well.
    :param level: how far down it is to be told; None: everything.
    """
    if out is not None:
        check_target(out)
    config = load_config(home)
    begin = None if since is None else parse_as_of(since, config.zone, "--since")
    step("reading the tables")
    company = open_company(data, as_of, config)
    _in_order(begin, company.as_of)
    levels = levels_down_to(company.histories.hierarchy, level)
    store = open_store(home, config)
    step("answering for every open deal")
    answered = answer(company, store, home, config)
    step("drawing what the periods may bring")
    histories = company.histories
    calendar = propose(histories, config.time).calendar
    record = of_calendar(_record(home), calendar)
    lessons = lessons_of(record, company.as_of)
    drawn = _drawn(histories, answered, in_periods(calendar, company.as_of), calendar, lessons)
    run_id = new_run_id("forecast")
    table = forecast_table(run_id, drawn, histories, calendar, lessons.ranges)
    names = names_of(table, histories.hierarchy)
    step("keeping the forecast")
    moment = datetime.fromtimestamp(company.as_of / 1000, UTC)
    store.save_forecast(run_id, table.assign(name=names), answered.version, moment)
    if out is not None:
        write_table(table, out)
    periods = periods_of(calendar, drawn.moment)
    return ForecastResult(
        company,
        table,
        tuple(names),
        run_id,
        answered.version,
        periods,
        calendar,
        levels,
        counts_deals(histories),
        usual_currency(histories),
        coverage(histories, periods[0], company.as_of),
        slippage(histories, calendar, company.complete_until),
        has_plans(histories),
        _scores(record),
        None if begin is None else flow(histories, periods[0], begin, company.as_of),
        _last_kept(store, table),
        (*company.notes, *answered.notes, *_notes(answered, table, periods, lessons.ranges)),
    )


def _record(home: Home) -> pd.DataFrame:
    """The record of the last backtest; empty where there is none."""
    return pd.read_parquet(home.record) if home.record.is_file() else pd.DataFrame()


def _scores(record: pd.DataFrame) -> tuple[Score, ...]:
    if not len(record):
        return ()
    return tuple(summary(record[(record["level"] == COMPANY) & (record["window"] == 0)]))


def usual_currency(histories: Histories) -> str:
    """The currency in which most deals were entered; empty where none is given."""
    counts = histories.deals["currency"].value_counts()
    return str(counts.index[0]) if len(counts) else ""


def levels_down_to(hierarchy: Hierarchy, wanted: str | None) -> tuple[str, ...]:
    """The levels below the company, down to the one wanted, or all. Raises WrongUse where there is none such."""
    there = hierarchy.levels
    if wanted is not None and wanted not in there:
        found = f"the tables do not say to which {wanted} a deal belongs"
        raise WrongUse(found, where="--level", expected=" or ".join(there))
    return there[1:] if wanted is None else there[1 : there.index(wanted) + 1]


def _drawn(
    histories: Histories, answered: Answered, moment: Moment, calendar: FiscalCalendar, lessons: Lessons
) -> forecaster.Forecast:
    facts = ledger(histories).known_by(moment.at)
    scoring, amounts = answered.scoring, amount_model(answered.reference)
    book = forecaster.book_of(histories, scoring.snapshots, answered.answers, scoring.stage, amounts, moment)
    owners = len(histories.hierarchy.owners) + 1
    return forecaster.forecast(facts, book, moment, calendar, owners, forecaster.Drawing(), lessons.corrections)


def _last_kept(store: Store, table: pd.DataFrame) -> pd.DataFrame:
    """People's own numbers for the forecast's periods, the last of each person, period, level and key."""
    kept = pd.DataFrame(store.adjustments(), columns=[column.name for column in ADJUSTMENTS.columns])
    kept = kept[kept["period_start"].isin(table["period_start"])]
    return last_of_each(kept)


def _in_order(since: int | None, as_of: int) -> None:
    if since is not None and since > as_of:
        found = f"{utc_day(since)} is after {utc_day(as_of)}, as of which the data are looked at"
        raise WrongUse(found, where="--since", expected="a date before --as-of")


def _notes(answered: Answered, table: pd.DataFrame, periods: tuple[Period, ...], ranges: Ranges) -> Iterator[str]:
    """What a reader of the forecast should know of the data that it rests on."""
    histories, snapshots = answered.scoring.prepared.histories, answered.scoring.snapshots
    if counts_deals(histories):
        yield "No deal has an amount, so the forecast counts deals. Quotas are money and are left out."
    else:
        amount = histories.value_before("amount", snapshots.deal, snapshots.as_of + 1)
        yield from _about_amounts(amount)
        yield from _about_currencies(histories.deals["currency"].iloc[snapshots.deal], usual_currency(histories))
    company = table[table["level"] == "company"]
    without = [period.name for period, brings in zip(periods, company["new_business"], strict=True) if not brings]
    if without:
        yield (
            f"No deals to come are counted for {' and '.join(without)}: the history has no earlier period like it "
            "in which deals were won that had not been entered at this point of it."
        )
    if not ranges.tried:
        yield "These ranges have not been held against past periods yet. `dealcast backtest` does so."


def _about_amounts(amount: np.ndarray) -> Iterator[str]:
    lacking = np.isnan(amount)
    if lacking.any():
        worth = money(float(np.median(amount[~lacking]))) if not lacking.all() else "nothing"
        found = f"{lacking.sum():,} of {len(amount):,} open deals have no amount"
        yield f"{found}. Each counts as {worth}, the median of the others."


def _about_currencies(currency: pd.Series, usual: str) -> Iterator[str]:
    foreign = currency[currency.notna() & (currency != usual)]
    if len(foreign):
        others = ", ".join(sorted(foreign.unique()))
        yield (
            f"{len(foreign):,} of {len(currency):,} open deals were entered in {others}, most deals in {usual}. "
            "Amounts are taken as the tables give them, which should be in one currency."
        )

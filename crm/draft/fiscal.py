"""When the company's periods begin: what quotas and the clustering of wins tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.periods import WEEKDAYS
from crm.tables import CrmTables

LAST_DAYS = 7  # of a month: when a period's end presses
LEAST_WINS, LEAST_YEARS = 100, 1.5
SURE, LIKELY = 5.0, 3.0  # standard errors
RUSH = 1.3  # so many times the wins of other months' ends
QUARTERS = 4
MONTHS = tuple(pd.Timestamp(2024, month, 1).strftime("%B") for month in range(1, 13))


@dataclass(frozen=True)
class FiscalDraft:
    """The fiscal calendar that the data tell of; None = they do not say.

    :param week_starts_on: the weekday on which periods begin that are cut by weeks.
    """

    period: str | None = None
    year_starts_in: int | None = None
    week_starts_on: str | None = None
    why_period: str = ""
    why_year: str = ""


def draft_fiscal(tables: CrmTables) -> FiscalDraft:
    """The calendar of the quotas where there are any, else of the rush at periods' ends."""
    if tables["quotas"]["period_start"].notna().any():
        return _from_quotas(tables["quotas"])
    return _from_wins(tables["opportunities"])


def _from_quotas(quotas: pd.DataFrame) -> FiscalDraft:
    starts = pd.DatetimeIndex(sorted(quotas["period_start"].dropna().unique()))
    shown = ", ".join(f"{start:%Y-%m-%d}" for start in starts[:3])
    months = sorted({int(month) for month in starts.month})
    why = f"{len(starts)} quota periods, which begin on {shown}" + (" …" if len(starts) > len(shown.split()) else "")
    if (starts.day != 1).any():
        gap = float(np.median(np.diff(starts.to_numpy()) / np.timedelta64(1, "D"))) if len(starts) > 1 else 91.0
        period = "week" if gap <= 7 else "month" if gap <= 35 else "quarter"
        weekday = WEEKDAYS[int(pd.Series(starts.day_of_week).mode().iloc[0])]
        return FiscalDraft(period, None, weekday, f"{why}, not on the first of a month: periods are cut by weeks")
    if len(months) > QUARTERS:
        return FiscalDraft(
            "month", None, None, why, "quotas begin each month, so they do not tell when the year begins"
        )
    if len(months) == 1:
        return FiscalDraft(None, months[0], None, why, f"each begins in {MONTHS[months[0] - 1]}")
    first = 1 if 1 in months else months[0]
    names = ", ".join(MONTHS[month - 1] for month in months)
    taken = "the calendar year is taken" if first == 1 else f"{MONTHS[first - 1]} is a guess"
    said = f"quarters begin in {names}; nothing tells which of them begins the year, {taken}"
    return FiscalDraft("quarter", first, None, why, said)


def _from_wins(deals: pd.DataFrame) -> FiscalDraft:
    """Where people hurry, more is won in the last days of a period than of other months."""
    won = deals.loc[deals["is_won"].fillna(False).astype(bool), "closed_at"].dropna()
    years = (won.max() - won.min()).days / 365.25 if len(won) else 0.0
    if len(won) < LEAST_WINS or years < LEAST_YEARS:
        return FiscalDraft(why_period=f"no quotas, and {len(won):,} wins over {years:.1f} years are too little to tell")
    late = won.dt.days_in_month - won.dt.day < LAST_DAYS
    usual = LAST_DAYS * 12 / 365.25
    share = float(late.mean())
    told = f"{share:.0%} of {len(won):,} wins lie in the last {LAST_DAYS} days of a month, {usual:.0%} of all days do"
    if (share - usual) / np.sqrt(usual * (1 - usual) / len(won)) < LIKELY or share < RUSH * usual:
        return FiscalDraft(why_period=f"no quotas, and no rush at periods' ends: {told}")
    by_phase = np.array([int((late & (won.dt.month % 3 == phase)).sum()) for phase in range(3)])
    top, mean = int(by_phase.argmax()), by_phase.sum() / 3
    excess = float((by_phase[top] - mean) / np.sqrt(mean * 2 / 3))
    if excess < LIKELY or by_phase[top] < RUSH * mean:
        return FiscalDraft("month", None, None, f"no quotas; {told}, at quarters' ends no more than at others")
    begins = [month for month in range(1, 13) if (month - 1) % 3 == top]
    names = ", ".join(MONTHS[month - 1] for month in begins)
    how_sure = f"{'clear' if excess >= SURE else 'likely'}: {excess:.1f} standard errors"
    said = f"the rush is strongest before {names} ({how_sure})"
    return FiscalDraft("quarter", begins[0], None, told, f"{said}; nothing tells which of them begins the year")

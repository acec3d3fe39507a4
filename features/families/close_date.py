"""When the owner expects the deal to close, and how that fits in with what is usual."""

from __future__ import annotations

import numpy as np

from crm.clock import DAY
from features.families.company import usual_days
from features.families.stage_time import USUAL_DAYS_TO_WIN
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import AsOf, DaysToPeriodEnd, First, Last, Question, Since, Static
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    features = (*_PLAN, *_against_period(vocabulary.calendar.period))
    return Family("close_date", {"close_dates": StreamSource("deal", close_date_entries)}, features)


_DAYS_LEFT: Question = Last("close_dates", "day") - AsOf()

_PLAN = (
    Feature(
        "days_to_close_date",
        _DAYS_LEFT,
        Unit.DAYS,
        group="close_date",
        meaning="Days from the date to the close date; negative once it has passed.",
        wording=Wording(
            "The close date is {value} away.",
            peers="deals whose close date is {bin}",
            zero="The close date is today.",
            negative="The close date passed {value} ago.",
            missing="No close date has been entered.",
        ),
        actionable=True,
        bins=(-9999, -30, -7, 0, 7, 30, 60, 90),
        bin_names=(
            "more than 30 days past",
            "7 to 30 days past",
            "less than 7 days past",
            "less than 7 days away",
            "7 to 30 days away",
            "30 to 60 days away",
            "60 to 90 days away",
            "90 days or more away",
        ),
    ),
    Feature(
        "planned_days",
        First("close_dates", "day", "given") - Static("created_day"),
        Unit.DAYS,
        group="plan",
        meaning="Days from the deal's entry to the close date that was planned first.",
        wording=Wording(
            "Was first planned to close {value} after it was entered.",
            peers="deals first planned to close {bin}",
            zero="Was first planned to close on the day on which it was entered.",
            negative="The close date first planned lay {value} before the deal was entered.",
            missing="No close date has been entered.",
        ),
        bins=(-9999, 0, 15, 31, 61, 91, 181),
        bin_names=(
            "before they were entered",
            "within two weeks",
            "in two to four weeks",
            "in one to two months",
            "in two to three months",
            "in three to six months",
            "after more than six months",
        ),
    ),
    Feature(
        "plan_against_won_cycle",
        (Last("close_dates", "day") - Static("created_day")) / usual_days("company_closings"),
        Unit.RATIO,
        group="plan",
        meaning="Days from the deal's entry to its close date ÷ the mean days that won deals took.",
        wording=Wording(
            "Is planned to take {value} as long as won deals usually took.",
            peers="deals planned to take {bin}",
            negative="The close date lies before the day on which the deal was entered.",
            missing="No close date has been entered, or no deal has been won yet to hold it against.",
        ),
        bins=(-1e9, 0, 0.5, 1, 1.5, 2, 3),
        bin_names=(
            "less than no time",
            "less than half as long as won deals",
            "0.5 to 1 times as long as won deals",
            "1 to 1.5 times as long as won deals",
            "1.5 to 2 times as long as won deals",
            "2 to 3 times as long as won deals",
            "3 times as long as won deals or longer",
        ),
    ),
    Feature(
        "close_date_against_stage",
        (_DAYS_LEFT + Since("stages", "entered")) / USUAL_DAYS_TO_WIN,
        Unit.RATIO,
        group="plan",
        meaning="Days from entering the stage to the close date ÷ the mean days that won deals took from there.",
        wording=Wording(
            "The close date leaves {value} the time that won deals took from {stage}.",
            peers="deals whose close date left {bin}",
            negative="The close date had passed when the deal came to {stage}.",
            missing="No close date has been entered, or no deal has been won from {stage} yet to hold it against.",
        ),
        actionable=True,
        bins=(-1e9, 0, 0.5, 1, 2, 4),
        bin_names=(
            "no time at all",
            "less than half the time that won deals took",
            "0.5 to 1 times the time that won deals took",
            "1 to 2 times the time that won deals took",
            "2 to 4 times the time that won deals took",
            "4 times the time that won deals took, or more",
        ),
    ),
    Feature(
        "close_date_month_end",
        Last("close_dates", "month_end"),
        Unit.FLAG,
        group="close_date_month_end",
        meaning="1 where the close date is the last day of a month, else 0.",
        wording=Wording(
            "The close date is the last day of a month.",
            peers="deals whose close date {bin} the last day of a month",
            zero="The close date is not the last day of a month.",
            missing="No close date has been entered.",
        ),
        bins=(0, 1),
        bin_names=("is not", "is"),
    ),
)


def _against_period(period: str) -> tuple[Feature, ...]:
    return (
        Feature(
            "close_date_to_period_end",
            DaysToPeriodEnd() - _DAYS_LEFT - 1,
            Unit.DAYS,
            group="close_date",
            meaning=f"Days from the close date to the last day of the {period}; negative where it lies beyond.",
            wording=Wording(
                f"The close date lies {{value}} before the end of the {period}.",
                peers=f"deals whose close date lies {{bin}} the end of the {period}",
                zero=f"The close date is the last day of the {period}.",
                negative=f"The close date lies {{value}} after the end of the {period}.",
                missing="No close date has been entered.",
            ),
            bins=(-9999, -90, -30, 0, 8, 31),
            bin_names=(
                "more than 90 days after",
                "30 to 90 days after",
                "up to 30 days after",
                "up to a week before",
                "one to four weeks before",
                "more than four weeks before",
            ),
        ),
    )


def close_date_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal's close date is set (its first included); days since 1970."""
    if not histories.is_known("close_date"):
        return Absent("the close date has no recorded history and is not declared fixed")
    history = histories.values("close_date")
    before = np.where(history.first, np.nan, np.roll(history.value, 1))
    step = history.value - before
    passed = before + 1 <= history.at / DAY
    return Events(
        history.deal,
        history.at,
        {
            "day": history.value,
            "given": ~np.isnan(history.value),
            "pushed": step > 0,
            "pulled": step < 0,
            "pushed_late": (step > 0) & passed,
            "pushed_days": np.where(step > 0, step, 0).astype(np.int64),
            "month_end": _is_last_of_month(history.value),
        },
    )


def _is_last_of_month(day: np.ndarray) -> np.ndarray:
    """1 where a day (since 1970) is the last of its month, else 0; NaN of none. Shape (n,), float64."""
    date = np.nan_to_num(day).astype(np.int64).astype("datetime64[D]")
    last = date.astype("datetime64[M]") != (date + 1).astype("datetime64[M]")
    return np.where(np.isnan(day), np.nan, last)

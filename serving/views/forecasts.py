"""The forecast: as it is now, and how each period's has moved from run to run; and people's own numbers beside it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from serving.store_tables import ADJUSTMENTS, FORECASTS, RUNS
from serving.views.scores import newest_run
from serving.views.view import Column, Kind, View, of

_F, _A = FORECASTS.c, ADJUSTMENTS.c
_MONEY = "money, or deals where these have no amounts"

_COLUMNS = (
    of(_F.run_id, "The forecasting run."),
    of(_F.as_of, "As of when the data were looked at."),
    of(_F.period_start, "First day of the period."),
    of(_F.period_end, "Last day of the period."),
    of(_F.level, "`company`, `region`, `manager` or `owner`."),
    Column("key", Kind.ID, "Whose row it is on that level: a region's name, a user's id.", _F.key),
    Column("name", Kind.TEXT, "What people call the key.", sa.func.coalesce(_F.name, _F.key)),
    of(_F.already_won, "What was won in the period by then.", _MONEY),
    of(_F.open_pipeline, "What open deals bring on the average.", _MONEY),
    of(_F.new_business, "What deals bring on the average that nobody has entered yet.", _MONEY),
    of(_F.mean, "The three together. It adds up from owners to the company.", _MONEY),
    of(_F.p10, "The period ends below it 1 time in 10.", _MONEY),
    of(_F.p50, "It ends below it 5 times in 10.", _MONEY),
    of(_F.p90, "It ends below it 9 times in 10. Ranges do not add up.", _MONEY),
    of(_F.quota, "The quota; missing where none is set.", _MONEY),
    of(_F.quota_probability, "Chance to reach it.", "0 to 1"),
    Column("model_version", Kind.TEXT, "The model that has answered.", RUNS.c.model_version),
)
_MADE = FORECASTS.join(RUNS, _F.run_id == RUNS.c.run_id)


def _before(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """What the run before said of the same period, level and key."""
    order = [RUNS.c.as_of, RUNS.c.started_at, RUNS.c.run_id]
    return sa.func.lag(column).over(partition_by=[_F.period_start, _F.level, _F.key], order_by=order)


def _is_last() -> sa.ColumnElement[bool]:
    within = [_A.author, _A.period_start, _A.level, _A.key]
    return sa.func.row_number().over(partition_by=within, order_by=_A.id.desc()) == 1


VIEWS = (
    View(
        "bi_forecast_now",
        "A period, level and key of the newest forecast: this period and the next.",
        ("run_id", "period_start", "level", "key"),
        _COLUMNS,
        _MADE,
        _F.run_id == newest_run("forecast"),
    ),
    View(
        "bi_forecast_history",
        "A period, level and key in a forecast, beside the one before: how each period's forecast has moved.",
        ("period_start", "level", "key", "run_id"),
        (
            *_COLUMNS,
            Column("run_before", Kind.ID, "The forecast before; missing where there is none.", _before(_F.run_id)),
            Column("mean_before", Kind.NUMBER, "Its `mean`.", _before(_F.mean), _MONEY),
            Column("mean_change", Kind.NUMBER, "By how much `mean` has moved.", _F.mean - _before(_F.mean), _MONEY),
        ),
        _MADE,
        dated_by="as_of",
    ),
    View(
        "bi_adjustments",
        "A number that a person has kept for a period beside the forecast's.",
        ("adjustment_id",),
        (
            Column("adjustment_id", Kind.COUNT, "Counts them.", _A.id),
            of(_A.made_at, "When it was kept."),
            of(_A.as_of, "As of when the data were looked at."),
            of(_A.period_start, "First day of the period."),
            of(_A.period_end, "Last day of the period."),
            of(_A.level, "`company`, `region`, `manager` or `owner`."),
            Column("key", Kind.ID, "Whose number it is on that level.", _A.key),
            of(_A.name, "What people call the key."),
            of(_A.amount, "The person's number.", _MONEY),
            of(_A.note, "Why."),
            of(_A.author, "Who has kept it."),
            of(_A.run_id, "The forecast beside which it was kept; missing where there was none."),
            of(_A.model_mean, "What that forecast said.", _MONEY),
            of(_A.model_p10, "The lower end of its range.", _MONEY),
            of(_A.model_p90, "The upper end of its range.", _MONEY),
            Column("is_last", Kind.FLAG, "Whether it is its author's last for the period, level and key.", _is_last()),
        ),
        ADJUSTMENTS,
        dated_by="made_at",
    ),
)

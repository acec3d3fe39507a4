"""The forecast of this period and the next, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from crm.clock import DAY
from crm.hierarchy import COMPANY
from crm.periods import Period
from pipelines.forecast import ForecastResult
from pipelines.reports.flow import MOST_KEYS, flow_facts, flow_text
from pipelines.reports.record import record_sentence
from pipelines.terminal import cut, more_than, notes, or_dash, spoken_day, wrapped, wrapped_all
from serving.forecasting import day_of, last_day
from serving.formats import NOBREAK
from serving.slippage import OUTCOMES
from serving.wording import money, number, percent

MOST_TIMES = 20
"""Of a quota that is nearly reached little is left to be covered."""

_COLUMNS = ("already_won", "open_pipeline", "new_business", "p10", "p50", "p90")
_LEGEND = (
    "won: in the period so far. open: what open deals bring on the average. to come: what deals bring that are not "
    "entered yet. Between low and high the period should end 8 of 10 times, above the middle as often as below it. %: "
    "chance to reach the quota, ✓ reached. Won, open and to come add up from owners to the company; low, middle and "
    "high do not.",
)


def usually_told(result: ForecastResult) -> ForecastResult:
    """Down to managers where the tables name them, else to owners."""
    levels = result.levels
    return replace(result, levels=levels[: levels.index("manager") + 1]) if "manager" in levels else result


def forecast_text(result: ForecastResult) -> str:
    """The company's range of both periods, what is known of the pipeline, and a table a level."""
    this, following = result.periods
    unit = "Deals won" if result.counts else f"Revenue{f', in {result.currency}' if result.currency else ''}"
    lines = [f"{unit}, as of {spoken_day(result.company.as_of)}", ""]
    lines += _headline(result, this, f"{this.name}, {_left(this, result.company.as_of)}")
    lines += [*_pipeline(result), "", *_headline(result, following, f"{following.name}, {_span(following)}")]
    for level in result.levels:
        lines += ["", *_level(result, level)]
    if result.levels:
        lines += ["", *wrapped_all(_LEGEND)]
    lines += _own(result)
    if result.flow is not None:
        lines += ["", flow_text(result.flow, result.company.histories.hierarchy, result.levels, counts=result.counts)]
    said = notes(result.notes)
    return "\n".join(line.rstrip() for line in ([said, ""] if said else []) + lines)


def forecast_json(result: ForecastResult) -> str:
    """A machine's summary."""
    shown = result.table.assign(name=list(result.names)).drop(columns=["run_id", "as_of"])
    shown = shown[shown["level"].isin((COMPANY, *result.levels))]
    covered = result.coverage[result.coverage["level"] == COMPANY]
    slipped = result.slippage[result.slippage["level"] == COMPANY]
    return json.dumps(
        {
            "run_id": result.run_id,
            "as_of": result.table["as_of"].iloc[0].isoformat(),
            "model_version": result.model_version,
            "unit": "deals" if result.counts else "money",
            "currency": result.currency or None,
            "periods": [
                {"name": one.name, "start": str(day_of(one.start)), "end": str(last_day(one))} for one in result.periods
            ],
            "forecast": records(shown),
            "coverage": None if result.counts else records(covered.drop(columns=["level", "key"]))[0],
            "slippage": records(slipped[["period", "planned", "planned_deals", *OUTCOMES, *map(_deals, OUTCOMES)]]),
            "adjustments": records(result.adjustments.drop(columns="made_at")),
            "flow": None if result.flow is None else flow_facts(result.flow, result.levels),
            "notes": list(result.notes),
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON takes them: dates as text, nothing where a number is not known."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def amounts(counts: bool) -> Callable[[float], str]:
    """How amounts are written: as short money, or as numbers of deals."""
    return _some_deals if counts else money


def _some_deals(deals: float) -> str:
    return number(round(deals, 1) if deals < 10 else round(deals))


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and math.isnan(value) else value


def _headline(result: ForecastResult, period: Period, title: str) -> list[str]:
    row = _rows(result, period, COMPANY).iloc[0]
    say = amounts(result.counts)
    without = "" if row["new_business"] else "without deals to come "
    lines = wrapped(f"{title}: {without}between {say(row['p10'])} and {say(row['p90'])}, middle {say(row['p50'])}", "")
    won, is_open, to_come, mean = (say(row[name]) for name in ("already_won", "open_pipeline", "new_business", "mean"))
    to_come = to_come if row["new_business"] else "not counted"
    begun = f"already won {won} + " if period.start <= result.company.as_of else ""
    lines += _said("on the average", f"{begun}open deals {is_open} + deals to come {to_come} = {mean}")
    if not result.counts:
        lines += _said(
            "quota", "none is given" if math.isnan(row["quota"]) else f"{money(row['quota'])}, {_chance(row)}"
        )
    return lines


def _chance(row: pd.Series) -> str:
    """How likely the quota is reached; what comes in all draws, or in none, is no more than very likely or unlikely."""
    if row["already_won"] >= row["quota"]:
        return "which is reached"
    words = {"<": f"under{NOBREAK}", ">": f"over{NOBREAK}"}
    chance = _percents(row["quota_probability"])
    return f"chance to reach it {words.get(chance[0], chance[0])}{chance[1:]}{NOBREAK}%"


def _percents(chance: float) -> str:
    """A chance in a hundred as a table has it: "<1", "41", ">99"."""
    rounded = round(chance * 100)
    return "<1" if rounded < 1 else ">99" if rounded > 99 else f"{rounded}"


def _pipeline(result: ForecastResult) -> list[str]:
    """How far the open pipeline covers the quota, and what became of pipelines before; where known."""
    lines, kind = [], result.calendar.period
    row = result.coverage[result.coverage["level"] == COMPANY].iloc[0]
    if not result.counts:
        which = f" planned for the {kind}" if result.planned else "; when it is to close is not known"
        times = f"{row['coverage']:.1f}" if row["coverage"] < MOST_TIMES else f"over {MOST_TIMES}"
        covers = "" if math.isnan(row["coverage"]) else f", {times} times what is left of the quota"
        lines += _said("open pipeline", f"{money(row['pipeline'])}{which}{covers}")
    past = result.slippage[result.slippage["level"] == COMPANY]
    planned, ending = ("planned_deals", "_deals") if result.counts else ("planned", "")
    total = float(past[planned].sum()) if len(past) else 0.0
    if total:
        won, lost, pushed = (percent(float((past[planned] * past[name + ending]).sum()) / total) for name in OUTCOMES)
        spans = f"the last {len(past)} {kind}s" if len(past) > 1 else f"one {kind}"
        which = f"planned for a {kind} at its start" if result.planned else f"open as a {kind} began"
        lines += _said("before", f"of what was {which} {won} was won in it, {lost} lost, {pushed} neither ({spans})")
    weeks = (result.periods[0].end - 1 - result.company.as_of) / DAY / 7
    record = record_sentence(result.scores, weeks, kind)
    return [*lines, *(_said("record", record) if record else [])]


def _said(what: str, text: str) -> list[str]:
    return wrapped(text, f"  {what:15} ")


def _level(result: ForecastResult, level: str) -> list[str]:
    this, following = (_rows(result, period, level).set_index("key") for period in result.periods)
    this = this.sort_values("mean", ascending=False, kind="stable")
    say = amounts(result.counts)
    counted, name = f"By {level}, {len(this):,}", result.periods[0].name
    lines = [
        f"{cut(counted, 18):18} {name:^41} {'':11} {'next':>6}",
        f"{'':18}    won   open to come    low middle   high  quota    % middle",
    ]
    for key, row in this.head(MOST_KEYS).iterrows():
        cells = [f"{say(row[column]):>{7 if column == 'new_business' else 6}}" for column in _COLUMNS]
        chance = "" if math.isnan(row["quota"]) else _percents(row["quota_probability"])
        if row["already_won"] >= row["quota"]:
            chance = "✓"
        lines.append(
            f"{cut(row['name'], 18):18} {' '.join(cells)} {or_dash(row['quota'], money):>6} {chance:>4} "
            f"{say(following['p50'].get(key, math.nan)):>6}"
        )
    return lines + more_than(MOST_KEYS, len(this))


def _own(result: ForecastResult) -> list[str]:
    """What people have kept beside the model's number."""
    shown = result.adjustments[result.adjustments["level"].isin((COMPANY, *result.levels))]
    names = {day_of(period.start): period.name for period in result.periods}
    say = amounts(result.counts)
    lines = []
    for row in shown.to_dict("records"):
        said = f"{row['name']}, {names[row['period_start']]}: {say(row['amount'])} by {row['author']}, as of "
        note = f" ({row['note']})" if row["note"] else ""
        lines += wrapped(f"{said}{row['as_of']:%Y-%m-%d}, when the model said {say(row['model_mean'])}{note}", "  ")
    return ["", "People's own numbers", *lines] if lines else []


def _rows(result: ForecastResult, period: Period, level: str) -> pd.DataFrame:
    table = result.table.assign(name=list(result.names))
    return table[(table["period_start"] == day_of(period.start)) & (table["level"] == level)]


def _left(period: Period, as_of: int) -> str:
    days = (period.end - 1 - as_of) // DAY
    return f"{days} {'day' if days == 1 else 'days'} left"


def _span(period: Period) -> str:
    return f"{spoken_day(period.start)} to {spoken_day(period.end - 1)}"


def _deals(name: str) -> str:
    return f"{name}_deals"

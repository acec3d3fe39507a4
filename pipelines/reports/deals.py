"""The prioritised list of open deals, as text and as JSON."""

from __future__ import annotations

import json
import math
from datetime import date

import pandas as pd

from pipelines.score import ScoreResult
from pipelines.terminal import WIDTH, cut, or_dash, wrap, wrapped, wrapped_all
from serving.formats import NOBREAK, Formats
from serving.headline import next_step, reason_line, top_reason
from serving.verdict_words import said
from serving.verdicts import OVERRIDE

FAR_DAYS = 300
LEGEND = (
    "win: chance to be won. Δ: change since the last run, in points. stall: chance to stay put for the "
    "stall period. at stake: amount × stall risk × what a stall costs deals like it.",
)


def deal_list(result: ScoreResult, most: int = 10) -> str:
    """The prioritised list without what is snoozed: figures, words and people's own chances of each deal."""
    listed = result.scores[~result.scores["opportunity_id"].isin(result.snoozed)]
    scores, total, form = listed.head(most), len(result.scores), result.formats
    period, own = result.time.calendar.period, _own_chances(result)
    lines = [
        f"Open deals by what is at stake, {len(scores)} of {form.count(total)}",
        "",
        f"{'':3} {'deal':27} {'stage':13} {'win':>5} {'Δ':>4} {'stall':>5} {'at stake':>8} {'closes':>7}",
    ]
    for position in range(len(scores)):
        row = scores.iloc[position]
        lines += _deal(row, result.shown.loc[row["opportunity_id"]], form)
        lines += own.get(row["opportunity_id"], [])
    lines += _snoozed(len(result.snoozed))
    revenue = column_sum(result.scores, "expected_revenue_this_period")
    if revenue is not None:
        deals = form.count(total)
        lines += ["", wrap(f"Expected from these {deals} open deals this {period}: {form.money(revenue)}.")]
    lines += ["", *wrapped_all(LEGEND)]
    return "\n".join(lines)


def column_sum(scores: pd.DataFrame, column: str) -> float | None:
    """The column's sum; None where no deal has a value."""
    return None if scores[column].isna().all() else float(scores[column].sum())


def score_json(result: ScoreResult) -> str:
    """A machine's summary of a scoring run."""
    return json.dumps(
        {
            "run_id": result.scores["run_id"].iloc[0] if len(result.scores) else None,
            "deals": len(result.scores),
            "model_version": result.model_version,
            "expected_revenue_this_period": column_sum(result.scores, "expected_revenue_this_period"),
            "snoozed": sorted(result.snoozed),
            "trial": result.trial,
            "notes": list(result.notes),
        },
        ensure_ascii=False,
    )


def _deal(row: pd.Series, shown: pd.Series, form: Formats) -> list[str]:
    change = row["win_probability_change"]
    moved = "" if math.isnan(change) or round(change * 100) == 0 else f"{change * 100:+.0f}".replace("-", "−")
    name = shown["name"] if shown["name"] != row["opportunity_id"] else row["opportunity_id"]
    line = (
        f"{row['priority']:3} {cut(name, 27):27} {cut(shown['stage'], 13):13} "
        f"{_short(row['win_probability'], form):>5} {moved:>4} "
        f"{or_dash(row['stall_risk'], lambda share: _short(share, form)):>5} "
        f"{or_dash(row['revenue_at_stake'], form.money):>8} {_day(row['expected_close_date'], row['as_of']):>7}"
    )
    return [line, *_headline(row)]


def _own_chances(result: ScoreResult) -> dict[str, list[str]]:
    """People's own chances by deal, a line each."""
    lines: dict[str, list[str]] = {}
    for row in result.verdicts[result.verdicts["verdict"] == OVERRIDE].to_dict("records"):
        lines.setdefault(row["opportunity_id"], []).append(cut(f"✎ {said(row)}", WIDTH, "    "))
    return lines


def _snoozed(count: int) -> list[str]:
    if not count:
        return []
    are = "1 deal is" if count == 1 else f"{count:,} deals are"
    return ["", *wrapped(f"{are} snoozed and left out here: dealcast feedback --list --open names them.", "")]


def _short(share: float, form: Formats) -> str:
    """A percentage that fits its column."""
    return form.percent(share).replace(f"under{NOBREAK}", "<")


def _day(day: date, as_of: pd.Timestamp) -> str:
    """A day of the coming months; month and year of a later one, which would look like this year's."""
    return f"{day:%d %b}" if (day - as_of.date()).days < FAR_DAYS else f"{day:%b ’%y}"


def _headline(row: pd.Series) -> list[str]:
    """The reason that matters most and the next step."""
    reason, step = top_reason(json.loads(row["reasons"])), next_step(json.loads(row["coaching"]))
    said = [*([] if reason is None else [reason_line(reason)]), *([] if step is None else [f"→ {step}"])]
    return [cut(line, WIDTH, "    ") for line in said]

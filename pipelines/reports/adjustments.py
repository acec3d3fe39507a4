"""People's own numbers beside the forecast, as text and as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from crm.hierarchy import COMPANY
from pipelines.adjustments import Adjusted, Adjustments
from pipelines.reports.forecast import records
from pipelines.terminal import cut, notes, or_dash, wrapped, wrapped_all
from serving.adjustments import MODEL, PERSON
from serving.wording import money

FEW = 10
"""So many numbers or fewer tell little of who is nearer."""


def adjusted_text(made: Adjusted) -> str:
    """What was kept, and the model's number beside it."""
    row = made.row
    whose = "the company" if row["level"] == COMPANY else row["name"]
    said = f"Kept for {whose}, {made.period}: {money(row['amount'])}, by {row['author']}."
    low, high = money(row["model_p10"]), money(row["model_p90"])
    return "\n".join(
        [
            *wrapped(said, ""),
            *wrapped(f"The model's as of {row['as_of']:%Y-%m-%d}: {money(row['model_mean'])}, {low} to {high}.", ""),
            *wrapped("Once the period is over: dealcast forecast adjustments --data DIR shows who was nearer.", ""),
        ]
    )


def adjusted_json(made: Adjusted) -> str:
    """A machine's summary."""
    return _dumped({**made.row, "period": made.period})


def listing_text(kept: Adjustments) -> str:
    """A line a number, with what came where the period is over; then by author."""
    table = kept.table
    if not len(table):
        return "Nobody has kept a number yet: dealcast forecast adjust --level manager --key ID --amount N does."
    came = kept.authors is not None
    ending = f" {'came':>7} {'nearer':7}" if came else ""
    lines = [f"  {'made':10} {'period':11} {'whose':17} {'own':>7} {'model':>7}{ending} by"]
    for row in table.to_dict("records"):
        last = f" {or_dash(row['actual'], money):>7} {row['nearer'] or '–':7}" if came else ""
        lines.append(
            f"  {row['made_at']:%Y-%m-%d} {cut(row['period'], 11):11} {cut(row['name'], 17):17} "
            f"{money(row['amount']):>7} {or_dash(_number(row['model_mean']), money):>7}{last} {cut(row['author'], 12)}"
        )
        lines += wrapped(row["note"], "    ") if row["note"] else []
    lines += ["", *_summary(kept)]
    said = notes(kept.notes)
    return "\n".join(line.rstrip() for line in ([said, ""] if said else []) + lines)


def listing_json(kept: Adjustments) -> str:
    """A machine's listing."""
    authors = None if kept.authors is None else records(kept.authors)
    return _dumped({"adjustments": records(kept.table), "authors": authors, "notes": list(kept.notes)})


def _summary(kept: Adjustments) -> list[str]:
    if kept.authors is None:
        return wrapped("Give --data DIR to see what came of the periods that are over.", "")
    if not len(kept.authors):
        return wrapped("None of these periods is over by the date of the data.", "")
    lines = ["Of periods that are over, the last number for each"]
    for row in kept.authors.to_dict("records"):
        alike = f", {row['alike']:,} alike" if row["alike"] else ""
        counted = f"{row['numbers']:,} {'number' if row['numbers'] == 1 else 'numbers'}"
        lines += wrapped(
            f"{row['author']}: {counted}, {row[PERSON]:,} nearer than the model, {row[MODEL]:,} farther{alike}; off by "
            f"{money(row['mean_error'])} on the average, the model by {money(row['mean_model_error'])}"
            f"{_few(row['numbers'])}",
            "  ",
        )
    return [*lines, "", *wrapped_all(["The model's number is the mean as it stood when the person's was kept."])]


def _few(numbers: int) -> str:
    return "; too few to tell who is nearer" if numbers <= FEW else ""


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)


def _dumped(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, default=str)

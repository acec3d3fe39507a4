"""What became of a period's pipeline since a date, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crm.clock import utc_text
from crm.hierarchy import COMPANY, Hierarchy
from pipelines.terminal import cut, more_than, spoken_day, wrapped
from serving.flow import COLUMNS, DEALS, Flow
from serving.wording import money

_LINES: Mapping[str, str] = {
    "opening": "  open at first",
    "new": "+ new",
    "reopened": "+ opened again",
    "pulled_in": "+ pulled in from later",
    "grown": "+ grown",
    "shrunk": "− shrunk",
    "won": "− won",
    "lost": "− lost",
    "pushed_out": "− pushed out to later",
    "closing": "= open in the end",
}
_PARTS: Mapping[str, Mapping[str, int]] = {
    "at first": {"opening": 1},
    "came in": {"new": 1, "reopened": 1, "pulled_in": 1},
    "handed": {"handed_in": 1, "handed_out": -1},
    "changed": {"grown": 1, "shrunk": -1},
    "won": {"won": -1},
    "lost": {"lost": -1},
    "pushed": {"pushed_out": -1},
    "in end": {"closing": 1},
}
"""What a key's line has: sums that lead from what was open at first to what is open in the end."""

_PLANNED = ("pulled_in", "pushed_out")
_MONEY = ("grown", "shrunk")
"""What tells nothing where past close dates, or amounts, are not known."""

MOST_KEYS = 40
_STANDS = ("at first", "in end")


def flow_text(found: Flow, hierarchy: Hierarchy, levels: tuple[str, ...], *, counts: bool) -> str:
    """The company's flow line by line, then a line a key of each level."""
    pipeline = f"the pipeline of {found.period.name}" if found.planned else "the open pipeline"
    lines = wrapped(f"What became of {pipeline} from {spoken_day(found.since)} to {spoken_day(found.until)}", "")
    lines += ["", f"  {'':24} {'' if counts else 'money':>8} {'deals':>6}"]
    idle = (*(() if found.planned else _PLANNED), *(_MONEY if counts else ()))
    company = found.table[found.table["level"] == COMPANY].iloc[0]
    lines += [
        f"  {says:24} {'' if counts else money(company[name]):>8} {company[name + DEALS]:6,.0f}"
        for name, says in _LINES.items()
        if name not in idle
    ]
    for level in levels:
        lines += ["", *_keys(found.table[found.table["level"] == level], level, hierarchy, counts=counts)]
    return "\n".join(lines)


def flow_facts(found: Flow, levels: tuple[str, ...]) -> dict[str, Any]:
    """A machine's summary."""
    table = found.table[found.table["level"].isin((COMPANY, *levels))]
    return {
        "period": found.period.name,
        "since": utc_text(found.since),
        "until": utc_text(found.until),
        "planned": found.planned,
        "rows": table.to_dict("records"),
    }


def _keys(table: pd.DataFrame, level: str, hierarchy: Hierarchy, *, counts: bool) -> list[str]:
    """Keys through which anything went, those with the largest pipeline first."""
    ending = DEALS if counts else ""
    table = table[(table[[name + DEALS for name in COLUMNS]] != 0).any(axis=1)]
    table = table.sort_values(f"opening{ending}", ascending=False, kind="stable")
    parts = {name: columns for name, columns in _PARTS.items() if not (counts and name == "changed")}
    lines = [" ".join([f"{'By ' + level:15}", *(f"{name:>7}" for name in parts)])]
    for _, row in table.head(MOST_KEYS).iterrows():
        sums = {name: sum(sign * row[one + ending] for one, sign in of.items()) for name, of in parts.items()}
        cells = [f"{_signed(value, counts, plain=name in _STANDS):>7}" for name, value in sums.items()]
        lines.append(" ".join([f"{cut(hierarchy.name(level, row['key']), 15):15}", *cells]))
    return lines + more_than(MOST_KEYS, len(table))


def _signed(value: float, counts: bool, *, plain: bool) -> str:
    size = f"{abs(value):,.0f}" if counts else money(abs(value))
    if plain:
        return f"−{size}" if value < 0 else size
    return "" if round(value, 2) == 0 else f"{'+' if value > 0 else '−'}{size}"

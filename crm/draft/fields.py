"""Which fields of a deal are fixed at its creation, and which columns of the company's own could have features."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from crm.sources.banned import OURS, PROTECTED
from crm.sources.salesforce_cells import is_own
from crm.tables import OPPORTUNITIES, CrmTables
from crm.values import tracked_fields

USUALLY_FIXED = ("type", "lead_source", "product", "region")
# What a deal is expected to bring changes by its nature, and the rest is no feature.
NEVER_ASKED = ("name", "currency", "next_step", "stage", "close_date", "probability", "forecast_category")
ALIKE = 0.1  # closed and open deals have it filled about as often: it is not filled in at closing
MOST_LEVELS, LEAST_DEALS_A_LEVEL, MOST_OWN = 50, 4, 30
FLAGS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n", "0", "1"})
LOOKS = 5_000  # values that are looked at to tell a column's kind


@dataclass(frozen=True)
class FixedDraft:
    """A field without recorded changes. :param proposed: whether it is proposed as fixed. :param why: the evidence."""

    field: str
    proposed: bool
    why: str


@dataclass(frozen=True)
class OwnDraft:
    """A column of the company's own. :param known: whether its changes are recorded.

    :param protected: the word by which it looks like a protected attribute, "" where it does not.
    """

    column: str
    kind: str
    known: bool
    why: str
    protected: str = ""


def draft_fixed(tables: CrmTables) -> list[FixedDraft]:
    """The known columns of deals that have values and whose changes are not recorded."""
    deals, tracked = tables["opportunities"], tracked_fields(tables)
    asked = [c.name for c in OPPORTUNITIES.columns if c.history and c.name not in NEVER_ASKED]
    return [_fixed(deals, field) for field in asked if field not in tracked and deals[field].notna().any()]


def _fixed(deals: pd.DataFrame, field: str) -> FixedDraft:
    closed, given = deals["closed_at"].notna(), deals[field].notna()
    if closed.all() or not closed.any():
        return FixedDraft(field, False, f"filled on {given.mean():.0%} of deals, no change of it recorded")
    of_closed, of_open = float(given[closed].mean()), float(given[~closed].mean())
    told = f"filled on {of_closed:.0%} of closed and {of_open:.0%} of open deals, no change of it recorded"
    if abs(of_closed - of_open) > ALIKE:
        return FixedDraft(field, False, f"{told}: filled in on the way")
    return FixedDraft(field, field in USUALLY_FIXED, told)


def draft_own(tables: CrmTables, shape: str) -> list[OwnDraft]:
    """The columns that the contract does not know and that could tell something, at most 30.

    :param shape: that the tables were read in; of a CRM's columns only what the company added is its own.
    """
    deals, tracked = tables["opportunities"], tracked_fields(tables)
    known = {column.name for column in OPPORTUNITIES.columns}
    others = [str(column) for column in deals.columns if column not in known]
    own = [c for c in others if _is_companys(c, shape) and not re.match(OURS, c, re.IGNORECASE)]
    return [draft for column in own[: 10 * MOST_OWN] for draft in _own(deals[column], column in tracked)][:MOST_OWN]


def _is_companys(column: str, shape: str) -> bool:
    if shape.startswith("salesforce"):
        return is_own(column)
    return not (shape.startswith("hubspot") and column.removeprefix("property_").startswith("hs_"))


def _own(values: pd.Series, known: bool) -> Iterator[OwnDraft]:
    given = values.dropna().astype(str).str.strip()
    given = given[given != ""]
    distinct = given.nunique()
    if distinct < 2 or distinct == len(given):
        return
    column = str(values.name)
    examples = ", ".join(text[:30] for text in given.value_counts().index[:3])
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    protected = next((word for word in words if word in PROTECTED), "")
    why = f"{distinct:,} different on {len(given):,} deals: {examples}"
    yield OwnDraft(column, _kind(given.head(LOOKS), distinct, len(given)), known, why, protected)


def _kind(values: pd.Series, distinct: int, count: int) -> str:
    if set(values.str.lower().unique()) <= FLAGS:
        return "flag"
    if pd.to_numeric(values, errors="coerce").notna().all():
        return "number"
    if values.str.fullmatch(r"\d{4}-\d\d-\d\d([T ].*)?").all():
        return "date"
    if distinct <= MOST_LEVELS and distinct * LEAST_DEALS_A_LEVEL <= count:
        return "category"
    return "text"

"""What the declarations need to know of a company, read from its tables once, at training."""

from __future__ import annotations

import numpy as np

from crm.clock import DAY
from crm.periods import FiscalCalendar
from crm.tables import CrmTables, OwnColumn
from features.families.account import ACCOUNT_FACTS
from features.families.confidence import KEY_FIELDS
from features.families.engagement import KNOWN_KINDS
from features.families.segment import SEGMENT_FIELDS
from features.feature import OwnField, Vocabulary
from features.histories import Histories

MOST_KINDS = 20
LEAST_SHARE_OF_DEALS = 0.05
MOST_LEVELS = 500
LEAST_PERIODS = 4
LEAST_YEARS = 2
COMMON_LEVELS = 8
LEAST_SHARE_OF_A_LEVEL = 0.02


def learn(histories: Histories, calendar: FiscalCalendar) -> Vocabulary:
    """The company's own activity kinds and columns, segment fields and account facts.

    A kind gets features of its own when it occurs on at least 5 % of the deals, the 20 commonest at most, or when
    the configuration names it. A segment field needs at least two levels. Of a category of the company's own, a
    level gets a feature when at least 2 % of the deals have had it, the 8 commonest at most.
    """
    return Vocabulary(
        kinds=_own_kinds(histories.tables),
        segments=tuple(field for field in SEGMENT_FIELDS if _is_segment(histories, field)),
        account_fields=tuple(name for name in ACCOUNT_FACTS if _is_account_fact(histories.tables, name)),
        calendar=calendar,
        seasoned=_spans_periods(histories, calendar),
        fields=tuple(_own_field(histories, column) for column in histories.tables.wishes.columns),
        key_fields=tuple(field for field in KEY_FIELDS if histories.is_known(field)),
        yearly=_spans_years(histories),
    )


def _spans_periods(histories: Histories, calendar: FiscalCalendar) -> bool:
    """Whether deals were opened over at least LEAST_PERIODS whole periods."""
    opened = histories.episodes.opened
    if not len(opened):
        return False
    begin, end = calendar.bounds(np.array([opened.min(), opened.max()]))
    return bool((end[1] - begin[0]) / (end[0] - begin[0]) > LEAST_PERIODS + 1)


def _spans_years(histories: Histories) -> bool:
    """Whether deals were opened over at least LEAST_YEARS years, so that a season is more than one time."""
    opened = histories.episodes.opened
    return bool(len(opened) and opened.max() - opened.min() >= LEAST_YEARS * 365 * DAY)


def _own_kinds(tables: CrmTables) -> tuple[str, ...]:
    activities = tables["activities"]
    own = activities[~activities["kind"].str.lower().isin(KNOWN_KINDS)]
    deals = own.groupby("kind")["opportunity_id"].nunique().sort_index().sort_values(ascending=False, kind="stable")
    common = deals[deals >= LEAST_SHARE_OF_DEALS * max(len(tables["opportunities"]), 1)]
    wanted = tables.wishes.activity_kinds
    return (*wanted, *(kind for kind in map(str, common.index[:MOST_KINDS]) if kind not in wanted))


def _own_field(histories: Histories, column: OwnColumn) -> OwnField:
    is_category = column.meant == "category" and histories.is_known(column.name)
    levels = _common_levels(histories, column.name) if is_category else ()
    return OwnField(column.name, column.meant, column.label, column.actionable, levels)


def _common_levels(histories: Histories, field: str) -> tuple[str, ...]:
    """The levels that many deals have had, the commonest first."""
    coded = histories.coded(field)
    given, levels = coded.code >= 0, max(len(coded.levels), 1)
    had = np.unique(coded.history.deal[given] * levels + coded.code[given]) % levels
    deals = np.bincount(had, minlength=len(coded.levels))
    ranked = sorted((-count, str(level)) for count, level in zip(deals.tolist(), coded.levels, strict=True))
    least = max(LEAST_SHARE_OF_A_LEVEL * len(histories), 1)
    return tuple(level for count, level in ranked[:COMMON_LEVELS] if -count >= least)


def _is_segment(histories: Histories, field: str) -> bool:
    return histories.is_known(field) and 2 <= len(histories.coded(field).levels) <= MOST_LEVELS


def _is_account_fact(tables: CrmTables, name: str) -> bool:
    declared = name == "created_at" or f"accounts.{name}" in tables.fixed
    return declared and bool(tables["accounts"][name].notna().any())

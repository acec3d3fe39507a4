"""What the declarations need to know of a company, read from its tables once, at training."""

from __future__ import annotations

import numpy as np

from crm.periods import FiscalCalendar
from crm.tables import CrmTables
from features.families.account import ACCOUNT_FACTS
from features.families.engagement import KNOWN_KINDS
from features.families.segment import SEGMENT_FIELDS
from features.feature import Vocabulary
from features.histories import Histories

MOST_KINDS = 20
LEAST_SHARE_OF_DEALS = 0.05
MOST_LEVELS = 500
LEAST_PERIODS = 4


def learn(histories: Histories, calendar: FiscalCalendar) -> Vocabulary:
    """The company's own activity kinds, segment fields and account facts.

    A kind gets features of its own when it occurs on at least 5 % of the deals, the 20 commonest at most.
    A segment field needs at least two levels.
    """
    return Vocabulary(
        kinds=_own_kinds(histories.tables),
        segments=tuple(field for field in SEGMENT_FIELDS if _is_segment(histories, field)),
        account_fields=tuple(name for name in ACCOUNT_FACTS if _is_account_fact(histories.tables, name)),
        calendar=calendar,
        seasoned=_spans_periods(histories, calendar),
    )


def _spans_periods(histories: Histories, calendar: FiscalCalendar) -> bool:
    """Whether deals were opened over at least LEAST_PERIODS whole periods."""
    opened = histories.episodes.opened
    if not len(opened):
        return False
    begin, end = calendar.bounds(np.array([opened.min(), opened.max()]))
    return bool((end[1] - begin[0]) / (end[0] - begin[0]) > LEAST_PERIODS + 1)


def _own_kinds(tables: CrmTables) -> tuple[str, ...]:
    activities = tables["activities"]
    own = activities[~activities["kind"].str.lower().isin(KNOWN_KINDS)]
    deals = own.groupby("kind")["opportunity_id"].nunique().sort_index().sort_values(ascending=False, kind="stable")
    common = deals[deals >= LEAST_SHARE_OF_DEALS * max(len(tables["opportunities"]), 1)]
    return tuple(str(kind) for kind in common.index[:MOST_KINDS])


def _is_segment(histories: Histories, field: str) -> bool:
    return histories.is_known(field) and 2 <= len(histories.coded(field).levels) <= MOST_LEVELS


def _is_account_fact(tables: CrmTables, name: str) -> bool:
    declared = name == "created_at" or f"accounts.{name}" in tables.fixed
    return declared and bool(tables["accounts"][name].notna().any())

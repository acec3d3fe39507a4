"""What the declarations need to know of a company, read from its tables once, at training."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.history import can_be_known
from crm.periods import FiscalCalendar
from crm.tables import CrmTables, OwnColumn
from features.families.account_segments import ACCOUNT_FIELDS, ACCOUNT_SEGMENTS
from features.families.confidence import KEY_FIELDS
from features.families.engagement import KNOWN_KINDS
from features.families.segment import SEGMENT_FIELDS
from features.feature import OwnField, Vocabulary
from features.glimpse import Glimpse, glimpse
from features.histories import OF_ACCOUNTS, Histories

MOST_KINDS = 20
LEAST_SHARE_OF_DEALS = 0.05
MOST_LEVELS = 500
LEAST_PERIODS = 4
LEAST_YEARS = 2
COMMON_LEVELS = 8
LEAST_SHARE_OF_A_LEVEL = 0.02


def learn(histories: Histories, calendar: FiscalCalendar) -> Vocabulary:
    """What the tables tell of the company's own words."""
    return learn_from(glimpse(histories), histories.tables, calendar)


def learn_from(seen: Glimpse, tables: CrmTables, calendar: FiscalCalendar) -> Vocabulary:
    """The company's own activity kinds and columns, segment fields and account facts.

    A kind gets features of its own when it occurs on at least 5 % of the deals, the 20 commonest at most, or when
    the configuration names it. A segment field, of deals or of accounts, needs at least two levels. Of a category of
    the company's own, a level gets a feature when at least 2 % of the deals have had it, the 8 commonest at most.

    :param tables: any part of the company; what is declared of its columns is asked, not its rows.
    """
    fixed = tables.fixed
    kinds = _own_kinds(seen, tables.wishes.activity_kinds)
    return Vocabulary(
        kinds=kinds,
        segments=tuple(field for field in SEGMENT_FIELDS if _is_segment(seen, fixed, field)),
        account_fields=tuple(name for name in ACCOUNT_FIELDS if _is_account_fact(seen, fixed, name)),
        calendar=calendar,
        seasoned=_spans_periods(seen, calendar),
        fields=tuple(_own_field(seen, fixed, column) for column in tables.wishes.columns),
        key_fields=tuple(field for field in KEY_FIELDS if can_be_known(seen.facts, fixed, field)),
        yearly=_spans_years(seen),
        deeds=tuple(kind for kind in kinds if _is_deed(seen, kind, tables)),
    )


def _spans_periods(seen: Glimpse, calendar: FiscalCalendar) -> bool:
    """Whether deals were opened over at least LEAST_PERIODS whole periods."""
    opened = seen.spans.opened
    if not len(opened):
        return False
    begin, end = calendar.bounds(np.array([opened.min(), opened.max()]))
    return bool((end[1] - begin[0]) / (end[0] - begin[0]) > LEAST_PERIODS + 1)


def _spans_years(seen: Glimpse) -> bool:
    """Whether deals were opened over at least LEAST_YEARS years, so that a season is more than one time."""
    opened = seen.spans.opened
    return bool(len(opened) and opened.max() - opened.min() >= LEAST_YEARS * 365 * DAY)


def _own_kinds(seen: Glimpse, wanted: tuple[str, ...]) -> tuple[str, ...]:
    own = seen.kinds[~seen.kinds.index.str.lower().isin(KNOWN_KINDS)]
    common = _commonest(own, LEAST_SHARE_OF_DEALS * seen.deals, MOST_KINDS)
    return (*wanted, *(kind for kind in common if kind not in wanted))


def _is_deed(seen: Glimpse, kind: str, tables: CrmTables) -> bool:
    """Whether it is a step that the company's people take: on most deals that have it once, and not by the buyer.

    What is logged again and again is volume; what goes by a stage's name is that stage being entered.
    """
    once = 2 * seen.deeds.get(kind, 0) > seen.kinds.get(kind, 0)
    return bool(once and kind not in set(tables["stages"]["stage"]))


def _own_field(seen: Glimpse, fixed: frozenset[str], column: OwnColumn) -> OwnField:
    is_category = column.meant == "category" and can_be_known(seen.facts, fixed, column.name)
    least = LEAST_SHARE_OF_A_LEVEL * seen.deals
    levels = _commonest(seen.levels[column.name], least, COMMON_LEVELS) if is_category else ()
    return OwnField(column.name, column.meant, column.label, column.actionable, levels)


def _commonest(deals: pd.Series, least: float, most: int) -> tuple[str, ...]:
    """The levels that at least so many deals have had, the commonest first, equal ones by name."""
    ranked = deals.sort_index().sort_values(ascending=False, kind="stable")
    return tuple(str(level) for level in ranked.index[ranked >= max(least, 1)][:most])


def _is_segment(seen: Glimpse, fixed: frozenset[str], field: str) -> bool:
    return can_be_known(seen.facts, fixed, field) and _tells_apart(seen, field)


def _tells_apart(seen: Glimpse, field: str) -> bool:
    # A level that a row shows today, against the deal's own history, is one that no deal has had.
    return 2 <= int((seen.levels[field] > 0).sum()) <= MOST_LEVELS


def _is_account_fact(seen: Glimpse, fixed: frozenset[str], name: str) -> bool:
    field = OF_ACCOUNTS + name
    declared = name == "created_at" or field in fixed
    told = declared and ("accounts", name) in seen.facts.given
    return told and (name not in ACCOUNT_SEGMENTS or _tells_apart(seen, field))

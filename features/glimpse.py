"""What a look at a company's tables tells of it as a whole, part by part: what must be known before any feature is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import NEVER
from crm.coding import NONE, codes_in, encode
from crm.history import data_through
from crm.tables import CrmTables, Facts
from features.families.account_segments import ACCOUNT_SEGMENTS
from features.families.replies import directions
from features.families.segment import SEGMENT_FIELDS
from features.histories import FIELD_OF, OF_ACCOUNTS, Histories


@dataclass(frozen=True)
class Lasting:
    """How long deals were open: when each span began and ended (milliseconds; NEVER while open), and how."""

    opened: np.ndarray
    closed: np.ndarray
    won: np.ndarray


@dataclass(frozen=True)
class Glimpse:
    """What some deals tell; those of all parts joined are what the whole tells.

    :param facts: what their tables tell of at all.
    :param deals: how many there are.
    :param kinds: by kind of activity as written, on how many deals it occurs.
    :param deeds: by kind of activity as written, on how many deals it occurs once and does not come from the buyer.
    :param levels: by text field, how many deals have had each level.
    :param through: up to when they tell anything, milliseconds; 0 = nothing.
    """

    facts: Facts
    deals: int
    kinds: pd.Series
    deeds: pd.Series
    levels: Mapping[str, pd.Series]
    spans: Lasting
    through: int


def glimpse(histories: Histories, until: int = NEVER) -> Glimpse:
    """What these deals tell of the company.

    :param until: what is dated later tells nothing of how far the data reach; milliseconds.
    """
    spans = histories.episodes
    return Glimpse(
        facts=histories.tables.own_facts,
        deals=len(histories),
        kinds=_kinds(histories),
        deeds=_deeds(histories),
        levels={field: _levels(histories, field) for field in level_fields(histories.tables)},
        spans=Lasting(spans.opened, spans.closed, spans.won),
        through=data_through(histories.tables, until),
    )


def joined(parts: Sequence[Glimpse]) -> Glimpse:
    """What all parts tell together; there must be one at least."""
    facts = parts[0].facts
    for part in parts[1:]:
        facts |= part.facts
    spans = [np.concatenate([getattr(p.spans, name) for p in parts]) for name in ("opened", "closed", "won")]
    return Glimpse(
        facts=facts,
        deals=sum(part.deals for part in parts),
        kinds=_added([part.kinds for part in parts]),
        deeds=_added([part.deeds for part in parts]),
        levels={field: _added([part.levels[field] for part in parts]) for field in parts[0].levels},
        spans=Lasting(*spans),
        through=max(part.through for part in parts),
    )


def level_fields(tables: CrmTables) -> tuple[str, ...]:
    """The text fields of opportunities and of accounts whose levels may be asked about as such."""
    own = (column.name for column in tables.wishes.columns if column.meant == "category")
    return (*FIELD_OF.values(), *SEGMENT_FIELDS, *(OF_ACCOUNTS + name for name in ACCOUNT_SEGMENTS), *own)


def _kinds(histories: Histories) -> pd.Series:
    (code,), kinds = encode([histories.tables["activities"]["kind"]])
    return _deals_by_level(histories.deal_of("activities"), code, kinds)


def _deeds(histories: Histories) -> pd.Series:
    """On how many deals each kind of activity occurs once, and was not the buyer's."""
    (code,), kinds = encode([histories.tables["activities"]["kind"]])
    deal = np.where(directions(histories)[0], NONE, histories.deal_of("activities"))
    again = pd.DataFrame({"deal": deal, "code": code}).duplicated(keep=False).to_numpy()
    return _deals_by_level(np.where(again, NONE, deal), code, kinds)


def _levels(histories: Histories, field: str) -> pd.Series:
    if field == FIELD_OF["account"]:
        return _deals_by_level(np.arange(len(histories)), histories.account, histories.accounts)
    if field.startswith(OF_ACCOUNTS):
        code, levels = histories.of_accounts(field)
        row = codes_in(histories.deals["account_id"], pd.Index(histories.tables["accounts"]["account_id"]))
        return _deals_by_level(np.arange(len(histories)), np.append(code, NONE)[row], levels)
    coded = histories.coded(field)
    return _deals_by_level(coded.history.deal, coded.code, coded.levels)


def _deals_by_level(deal: np.ndarray, code: np.ndarray, levels: pd.Index) -> pd.Series:
    """On how many deals each level occurs."""
    there = (deal >= 0) & (code >= 0)
    once = np.unique(deal[there] * max(len(levels), 1) + code[there])
    return pd.Series(np.bincount(once % max(len(levels), 1), minlength=len(levels)), index=levels, dtype="int64")


def _added(parts: Sequence[pd.Series]) -> pd.Series:
    together = pd.concat(parts)
    return together.groupby(level=0).sum().sort_index()

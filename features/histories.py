"""A company's tables made ready to be asked: codes for entities, value histories, episodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from crm.clock import DAY, NEVER, event_millis
from crm.coding import NONE, arrow_text, codes_in, encode
from crm.hierarchy import Hierarchy, hierarchy_of, user_names
from crm.history import Episodes, can_be_known, episodes, stage_history
from crm.tables import CrmTables
from crm.values import ValueHistory, by_deal, deal_rows, value_history
from features.stream import Events, Stream

Entity = str | tuple[str, ...]
"""Whose events a stream holds: deals, the company, owners, accounts, levels of a field; or several taken together."""


@dataclass(frozen=True)
class CodedHistory:
    """A text field's history with its values as codes of the company's levels (-1 = none)."""

    history: ValueHistory
    code: np.ndarray
    levels: pd.Index


class Histories:
    """The tables as arrays over deals (rows of opportunities), computed once and on demand."""

    def __init__(self, tables: CrmTables, levels: Mapping[str, pd.Index] | None = None) -> None:
        """Deals are put in the order of their ids.

        :param levels: the levels of text fields in the whole company, where the tables are a part of it.
        """
        self.tables = tables = _by_id(tables)
        self._levels = levels or {}
        self.deals = tables["opportunities"]
        self._known: dict[str, bool] = {}
        self._values: dict[str, ValueHistory] = {}
        self._coded: dict[str, CodedHistory] = {}
        self._of_accounts: dict[str, tuple[np.ndarray, pd.Index]] = {}

    def __len__(self) -> int:
        """How many deals there are."""
        return len(self.deals)

    @cached_property
    def created(self) -> np.ndarray:
        """When each deal was created, milliseconds; shape (deals,)."""
        return event_millis(self.deals["created_at"])

    @cached_property
    def episodes(self) -> Episodes:
        """The spans in which deals were open."""
        return episodes(self.tables)

    @cached_property
    def closed(self) -> np.ndarray:
        """Row numbers of the episodes that have ended."""
        return np.flatnonzero(self.episodes.won >= 0)

    @cached_property
    def accounts(self) -> pd.Index:
        """The accounts that the company's deals belong to; an account's code is its place here."""
        if "account_id" in self._levels:
            return self._levels["account_id"]
        return encode([self.deals["account_id"]])[1]

    @cached_property
    def account(self) -> np.ndarray:
        """Each deal's account code, -1 = none; shape (deals,)."""
        return codes_in(self.deals["account_id"], self.accounts)

    @cached_property
    def activity_recorded(self) -> np.ndarray:
        """When each activity came to be known: when recorded, else when it took place; milliseconds."""
        activities = self.tables["activities"]
        recorded = event_millis(activities["recorded_at"])
        return np.where(recorded == NEVER, event_millis(activities["occurred_at"]), recorded)

    @cached_property
    def activity_done(self) -> np.ndarray:
        """When each activity had both taken place and been recorded, milliseconds."""
        return np.maximum(event_millis(self.tables["activities"]["occurred_at"]), self.activity_recorded)

    @cached_property
    def _activity_order(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        deal, at = self.deal_of("activities"), self.activity_done
        rows = np.flatnonzero((deal >= 0) & (at != NEVER))
        rows = rows[by_deal(deal[rows], at[rows])]
        return rows, deal[rows], at[rows]

    def activities_in_order(self, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Activities (`among` some) of known deals by deal and time: row, deal, when done and recorded; shape (n,)."""
        rows, deal, at = self._activity_order
        if among is None:
            return rows, deal, at
        kept = np.flatnonzero(among[rows])
        return rows[kept], deal[kept], at[kept]

    @cached_property
    def owner_names(self) -> dict[str, str]:
        """Names of users by id; the id where there is no name."""
        return user_names(self.tables["users"])

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """Who belongs to whom; its owner codes are those of the field `owner_id`."""
        return hierarchy_of(self.tables, self.coded("owner_id").levels)

    def is_known(self, field: str) -> bool:
        """Whether the field's value at a past date can be told and is ever given."""
        if field not in self._known:
            self._known[field] = self._finds_known(field)
        return self._known[field]

    def _finds_known(self, field: str) -> bool:
        return field in self.deals and can_be_known(self.tables.facts, self.tables.fixed, field)

    def has(self, table: str) -> bool:
        """Whether the company has rows in the table, even where these are a part of it that has none."""
        return any(name == table for name, _ in self.tables.facts.given)

    def gives(self, table: str, column: str) -> bool:
        """Whether the company's table has any value in the column, even where this part of it has none."""
        return self.tables.gives(table, column)

    def values(self, field: str) -> ValueHistory:
        """The field's value history."""
        if field not in self._values:
            stage = field == "stage"
            self._values[field] = stage_history(self.tables) if stage else value_history(self.tables, field)
        return self._values[field]

    def coded(self, field: str) -> CodedHistory:
        """The text field's value history in codes; stages are coded by their row in the stages table."""
        if field not in self._coded:
            history = self.values(field)
            assert history.levels is not None
            levels = history.levels if field == "stage" else self._levels.get(field, history.levels)
            place = np.append(codes_in(history.levels.to_series(), levels), NONE)
            self._coded[field] = CodedHistory(history, place[history.number], levels)
        return self._coded[field]

    def code_before(self, field: str, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The field's code of each deal just before an instant; -1 = none. Shape (n,), int64."""
        coded = self.coded(field)
        stream = Stream(Events(coded.history.deal, coded.history.at, {"code": coded.code}), len(self))
        code = stream.last(stream.known(deal, at - 1), "code")
        return np.nan_to_num(code, nan=-1).astype(np.int64)

    def owner_before(self, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The owner's code in the hierarchy just before an instant, today's owner where owners are not tracked."""
        return self.hierarchy.codes(self.code_before("owner_id", deal, at))

    def code_at_closing(self, field: str) -> np.ndarray:
        """The field's code just before each closing (of `closed`), or at the creation of what was entered closed."""
        deal, opened = self.episodes.deal[self.closed], self.episodes.opened[self.closed]
        return self.code_before(field, deal, np.maximum(self.episodes.closed[self.closed], opened + 1))

    def value_before(self, field: str, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The numeric field's value of each deal just before an instant; NaN = none. Shape (n,)."""
        history = self.values(field)
        stream = Stream(Events(history.deal, history.at, {"value": history.number}), len(self))
        return stream.last(stream.known(deal, at - 1), "value")

    def episode_at(self, deal: np.ndarray, at: np.ndarray) -> np.ndarray:
        """The episode (row number) in which each deal was open at an instant; -1 = it was not."""
        spans = self.episodes
        if not len(spans.deal):
            return np.full(len(deal), -1)
        index = np.arange(len(spans.deal))
        stream = Stream(Events(spans.deal, spans.opened, {"index": index}), len(self))
        episode = np.nan_to_num(stream.last(stream.known(deal, at), "index"), nan=-1).astype(np.int64)
        return np.where((episode >= 0) & (spans.closed[episode] > at), episode, -1)

    def of_accounts(self, field: str) -> tuple[np.ndarray, pd.Index]:
        """A text field of accounts (`accounts.industry`): the code of each row of accounts (-1 = none), the levels."""
        if field not in self._of_accounts:
            values = self.tables["accounts"][field.removeprefix(OF_ACCOUNTS)]
            levels = self._levels[field] if field in self._levels else encode([values])[1]
            self._of_accounts[field] = codes_in(values, levels), levels
        return self._of_accounts[field]

    def entity_size(self, entity: Entity) -> int:
        """How many keys the streams of an entity have."""
        if isinstance(entity, tuple):
            return math.prod(map(self.entity_size, entity))
        if entity == "deal":
            return len(self)
        if entity == "company":
            return 1
        return len(self.entity_levels(entity))

    def entity_levels(self, entity: str) -> pd.Index:
        """What the codes of an entity stand for: owners, accounts, stages, the levels of a text field."""
        if entity == "account":
            return self.accounts
        if entity.startswith(OF_ACCOUNTS):
            return self.of_accounts(entity)[1]
        return self.coded(FIELD_OF.get(entity, entity.removeprefix(OF_OWN))).levels

    def joint_key(self, entities: tuple[str, ...], codes: Sequence[np.ndarray]) -> np.ndarray:
        """The key of several entities' codes taken together; -1 where one is none. Shape (n,), int64."""
        key, known = np.zeros_like(codes[0]), np.ones(len(codes[0]), dtype=bool)
        for entity, code in zip(entities, codes, strict=True):
            key, known = key * self.entity_size(entity) + code, known & (code >= 0)
        return np.where(known, key, NONE)

    def static(self, name: str) -> np.ndarray:
        """A fact fixed at creation, by name; shape (deals,), float64."""
        if name == "deal":
            return np.arange(len(self), dtype=float)
        if name == "created_day":
            return self.created / DAY
        if name == "account":
            return self.account.astype(float)
        raise KeyError(name)

    def deal_rows(self, ids: pd.Series) -> np.ndarray:
        """Row number in opportunities of each id; -1 where there is none."""
        return deal_rows(self.tables, ids)

    def deal_of(self, table: str) -> np.ndarray:
        """Row number in opportunities of each row's deal; -1 where there is none. Shape (rows,), int64."""
        return self.tables.deal_of(table)


def _by_id(tables: CrmTables) -> CrmTables:
    deals = tables["opportunities"]
    order = pc.array_sort_indices(arrow_text(deals["opportunity_id"])).to_numpy()
    if (np.diff(order.astype(np.int64)) == 1).all():
        return tables
    return tables.with_frames(opportunities=deals.take(order).reset_index(drop=True))


OF_ACCOUNTS = "accounts."
"""How the names of entities begin that are text fields of accounts."""

OF_OWN = "own."
"""How the names of entities begin that are a company's own columns: those may be called owner, or stage."""

FIELD_OF = {"owner": "owner_id", "account": "account_id"}
"""The field of opportunities that names an entity, where it is not the entity's own name."""

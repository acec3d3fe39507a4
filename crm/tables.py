"""The contract: each table's columns, types, units and meaning.

Everything else derives from :data:`TABLES`: reading and typing (`crm.sources`), checks (`crm.quality`),
the simulator's output, the reference page in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from crm.coding import codes_in, encode


class Kind(Enum):
    """How a column's values are typed in memory (pandas dtype) once read."""

    ID = "str"  # text as it stands, "0012" keeps its zeros; blank = missing
    TEXT = "str"
    INSTANT = "datetime64[us, UTC]"
    DATE = "datetime64[us]"  # a calendar day, no zone, at midnight
    MONEY = "float64"
    NUMBER = "float64"
    FLAG = "boolean"

    def __new__(cls, dtype: str) -> Kind:
        # Members that share a dtype must stay distinct: the value is the order, the dtype an attribute.
        member = object.__new__(cls)
        member._value_ = len(cls.__members__)
        member.dtype = dtype
        return member

    dtype: str


@dataclass(frozen=True)
class Column:
    """One column of the contract. `history` marks a field whose value may change over a deal's life."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    unit: str = ""
    history: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract. `key` names the columns that identify a row (empty: none does)."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name, or None where the contract has none."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.required)

    def empty(self) -> pd.DataFrame:
        """A frame of this table's columns and dtypes with no row."""
        return pd.DataFrame({c.name: pd.Series(dtype=c.kind.dtype) for c in self.columns})


def _c(name: str, kind: Kind, meaning: str, unit: str = "", **flags: bool) -> Column:
    return Column(name=name, kind=kind, meaning=meaning, unit=unit, **flags)


_ID, _TEXT, _INSTANT, _DATE = Kind.ID, Kind.TEXT, Kind.INSTANT, Kind.DATE
_MONEY, _NUMBER, _FLAG = Kind.MONEY, Kind.NUMBER, Kind.FLAG

OPPORTUNITIES = Table(
    "opportunities",
    "One row a deal, as the CRM shows it today.",
    (
        _c("opportunity_id", _ID, "The deal's id in the CRM.", required=True),
        _c("created_at", _INSTANT, "When the deal was entered.", required=True),
        _c("stage", _TEXT, "The stage it stands in today.", required=True, history=True),
        _c("amount", _MONEY, "What the deal is worth today.", unit="company currency", history=True),
        _c("close_date", _DATE, "The day on which the owner expects it to close.", history=True),
        _c("closed_at", _INSTANT, "When it was won or lost; blank while open."),
        _c("is_won", _FLAG, "Whether it was won; blank while open."),
        _c("account_id", _ID, "The account it belongs to; taken as fixed at creation."),
        _c("owner_id", _ID, "The user who owns it today.", history=True),
        _c("name", _TEXT, "What people call it; shown, never used as a feature.", history=True),
        _c("currency", _TEXT, "ISO 4217 code of the currency it was entered in.", history=True),
        _c("forecast_category", _TEXT, "Pipeline, best case, commit, closed or omitted.", history=True),
        _c("probability", _NUMBER, "The CRM's own probability.", unit="percent, 0 to 100", history=True),
        _c("type", _TEXT, "New business, renewal, expansion …", history=True),
        _c("lead_source", _TEXT, "Where the deal came from.", history=True),
        _c("product", _TEXT, "What is being sold.", history=True),
        _c("region", _TEXT, "Where it is being sold.", history=True),
        _c("next_step", _TEXT, "The owner's own note of what comes next.", history=True),
    ),
    key=("opportunity_id",),
)

CHANGES = Table(
    "changes",
    "One row a change of a tracked field: the deal's history.",
    (
        _c("opportunity_id", _ID, "The deal that changed.", required=True),
        _c("changed_at", _INSTANT, "When it changed.", required=True),
        _c("field", _TEXT, "Which column of opportunities changed.", required=True),
        _c("old_value", _TEXT, "The value before, as text; blank = none."),
        _c("new_value", _TEXT, "The value after, as text; blank = none."),
        _c("changed_by", _ID, "The user who changed it."),
    ),
)

ACTIVITIES = Table(
    "activities",
    "One row a touch: an e-mail, a call, a meeting, or whatever the company logs.",
    (
        _c("opportunity_id", _ID, "The deal it belongs to.", required=True),
        _c("occurred_at", _INSTANT, "When it took place, or will.", required=True),
        _c(
            "kind",
            _TEXT,
            "email, call, meeting, task, demo, proposal, or the company's own word.",
            required=True,
        ),
        _c("activity_id", _ID, "Its id in the CRM."),
        _c("direction", _TEXT, "inbound (from the buyer), outbound, or internal; blank = not known."),
        _c("recorded_at", _INSTANT, "When it was entered; known to nobody before."),
        _c("owner_id", _ID, "The user who logged it."),
        _c("contact_id", _ID, "The buyer's person it was with."),
        _c("duration_minutes", _NUMBER, "How long it took.", unit="minutes"),
        _c("subject", _TEXT, "Its subject line."),
    ),
    key=("activity_id",),
)

CONTACT_ROLES = Table(
    "contact_roles",
    "One row a person of the buyer's on a deal.",
    (
        _c("opportunity_id", _ID, "The deal.", required=True),
        _c("contact_id", _ID, "The person.", required=True),
        _c("role", _TEXT, "Decision maker, champion, evaluator …"),
        _c("added_at", _INSTANT, "When the person was put on the deal."),
    ),
)

ACCOUNTS = Table(
    "accounts",
    "One row a customer or prospect.",
    (
        _c("account_id", _ID, "The account's id in the CRM.", required=True),
        _c("name", _TEXT, "What people call it."),
        _c("industry", _TEXT, "Its line of business."),
        _c("employees", _NUMBER, "How many people work there.", unit="people"),
        _c("annual_revenue", _MONEY, "What it turns over in a year.", unit="company currency"),
        _c("country", _TEXT, "Where it sits."),
        _c("created_at", _INSTANT, "When it was entered."),
    ),
    key=("account_id",),
)

USERS = Table(
    "users",
    "One row a user of the CRM: reps, managers, and automatic users.",
    (
        _c("user_id", _ID, "The user's id in the CRM.", required=True),
        _c("name", _TEXT, "What people call them."),
        _c("email", _TEXT, "Their e-mail address; where digests go, never used as a feature."),
        _c("manager_id", _ID, "The user they report to."),
        _c("team", _TEXT, "Their team."),
        _c("region", _TEXT, "Their region."),
        _c("title", _TEXT, "Their job title."),
        _c("active", _FLAG, "Whether they still work there."),
        _c("started_at", _INSTANT, "When they started."),
    ),
    key=("user_id",),
)

STAGES = Table(
    "stages",
    "One row a stage of the sales process.",
    (
        _c("stage", _TEXT, "Its name.", required=True),
        _c("position", _NUMBER, "Its place in the process, counted from the start.", required=True),
        _c("is_closed", _FLAG, "Whether a deal in it is closed.", required=True),
        _c("is_won", _FLAG, "Whether a deal in it is won.", required=True),
        _c("probability", _NUMBER, "The probability the CRM gives it.", unit="percent, 0 to 100"),
        _c("forecast_category", _TEXT, "The forecast category the CRM gives it."),
    ),
    key=("stage",),
)

QUOTAS = Table(
    "quotas",
    "One row a user and period: what they are to bring.",
    (
        _c("user_id", _ID, "The user.", required=True),
        _c("period_start", _DATE, "The period's first day.", required=True),
        _c("amount", _MONEY, "What they are to bring.", unit="company currency", required=True),
    ),
    key=("user_id", "period_start"),
)

COSTS = Table(
    "costs",
    "One row a period and kind of cost of selling.",
    (
        _c("period_start", _DATE, "The period's first day.", required=True),
        _c("amount", _MONEY, "What was spent.", unit="company currency", required=True),
        _c("team", _TEXT, "The team it was spent on."),
        _c("kind", _TEXT, "Salaries, advertising, events …"),
    ),
)

LEADS = Table(
    "leads",
    "One row a lead, before it is a deal.",
    (
        _c("lead_id", _ID, "The lead's id in the CRM.", required=True),
        _c("created_at", _INSTANT, "When it was entered.", required=True),
        _c("converted_at", _INSTANT, "When it became a deal; blank where it did not."),
        _c("opportunity_id", _ID, "The deal it became."),
        _c("source", _TEXT, "Where it came from."),
        _c("owner_id", _ID, "The user who works on it."),
    ),
    key=("lead_id",),
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        OPPORTUNITIES,
        CHANGES,
        ACTIVITIES,
        CONTACT_ROLES,
        ACCOUNTS,
        USERS,
        STAGES,
        QUOTAS,
        COSTS,
        LEADS,
    )
}


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """An Arrow table in the contract's dtypes."""
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame


@dataclass(frozen=True)
class Facts:
    """What a company's tables tell of at all; whoever holds a part of them only inherits it from the whole.

    `tracked` are the fields with at least one recorded change, `given` the (table, column) with a value.
    """

    tracked: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: Facts) -> Facts:
        return Facts(self.tracked | other.tracked, self.given | other.given)

    def without(self, banned: frozenset[tuple[str, str]]) -> Facts:
        """The same as if the tables did not have the banned (table, column)."""
        own = {column for table, column in banned if table == OPPORTUNITIES.name}
        return Facts(self.tracked - own, self.given - banned)


OWN_KINDS: Mapping[str, Kind] = {
    "category": Kind.TEXT,
    "number": Kind.NUMBER,
    "money": Kind.MONEY,
    "date": Kind.DATE,
    "flag": Kind.FLAG,
    "text": Kind.TEXT,
}
"""What a company's own column may be declared as, and how its values are typed."""


@dataclass(frozen=True)
class OwnColumn:
    """A further column of opportunities that the configuration declares, so that it gets features.

    :param meant: what it is: one of :data:`OWN_KINDS`.
    :param label: what people call it.
    :param actionable: whether a rep can do something about it.
    """

    name: str
    meant: str
    label: str
    actionable: bool = False

    @property
    def kind(self) -> Kind:
        """How its values are typed."""
        return OWN_KINDS[self.meant]


@dataclass(frozen=True)
class Wishes:
    """What the configuration wants features of: own columns, and activity kinds however rare they are.

    :param banned: (table, column) of which nothing is learned and which no reason cites, as if they were not there.
    """

    columns: tuple[OwnColumn, ...] = ()
    activity_kinds: tuple[str, ...] = ()
    banned: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class CrmTables:
    """A company's tables in memory, typed by the contract.

    `frames` holds the tables that are present; each frame has every column of the contract (missing ones
    all null) and, behind them, any further column of the source as text.
    `fixed` names columns of opportunities that the configuration declares fixed at creation.
    `own` are further columns of opportunities that the configuration declares, with their kinds; they stand in
    their frame, and in changes, as plain text (15000, 2024-03-31, true).
    `wishes` are those columns, and activity kinds, as the configuration wants features of them.
    `inherited` are the facts of the company of which these tables are a part; None where they are the whole.
    """

    frames: Mapping[str, pd.DataFrame]
    fixed: frozenset[str] = field(default_factory=frozenset)
    own: Mapping[str, Kind] = field(default_factory=dict)
    inherited: Facts | None = None
    wishes: Wishes = field(default_factory=Wishes)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table of that name; an empty one where it is absent."""
        frame = self.frames.get(name)
        return TABLES[name].empty() if frame is None else frame

    def has(self, name: str) -> bool:
        """Whether the table is present with at least one row."""
        return name in self.frames and len(self.frames[name]) > 0

    @cached_property
    def _deal_of(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def facts(self) -> Facts:
        """What the whole company's tables tell of."""
        return self.own_facts if self.inherited is None else self.inherited

    @property
    def own_facts(self) -> Facts:
        """What these tables tell of, whatever they are a part of."""
        given = {(t, str(c)) for t, frame in self.frames.items() for c in frame.columns if frame[c].notna().any()}
        return Facts(frozenset(self.change_fields[1]), frozenset(given)).without(self.wishes.banned)

    def gives(self, table: str, column: str) -> bool:
        """Whether the company's table has at least one value in the column."""
        return (table, column) in self.facts.given

    def deal_of(self, table: str) -> np.ndarray:
        """Row number in opportunities of each row's deal; -1 where there is none. Shape (rows,), int64."""
        if table not in self._deal_of:
            ids = pd.Index(self["opportunities"]["opportunity_id"])
            self._deal_of[table] = codes_in(self[table]["opportunity_id"], ids)
        return self._deal_of[table]

    @cached_property
    def change_fields(self) -> tuple[np.ndarray, pd.Index]:
        """Each change's field as a code, -1 = none, and the fields' names by code."""
        (code,), names = encode([self["changes"]["field"]])
        return code, names

    def kind_of(self, column: str) -> Kind:
        """The kind of a column of opportunities: the contract's, or as declared, else text."""
        known = OPPORTUNITIES.column(column)
        return known.kind if known else self.own.get(column, Kind.TEXT)

    def with_frames(self, **frames: pd.DataFrame) -> CrmTables:
        """The same tables with some of them replaced."""
        return replace(self, frames={**self.frames, **frames})

    def part_of(self, facts: Facts) -> CrmTables:
        """These tables as a part of a company of which those facts hold."""
        return replace(self, inherited=facts)

"""The leakage audit: of each field, whether its past is known, and what speaks for and against taking it.

Evidence comes from deals that have closed, each with its last span of being open: how often today's value differs
from the one known then, how well today's value alone tells won from lost, and how well the one known half-way does.
What today's value knows and the value then did not is what happened in between: the closing, most of all.
`crm.suspicions` says what to make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER, event_millis, utc_day
from crm.closed_deals import ClosedDeals, Values, closed_deals, share_differing, value_at
from crm.history import (
    FIXED_BY_NATURE,
    OUTCOME,
    SHOWN_ONLY,
    is_known_in_the_past,
    stage_history,
)
from crm.predictive_power import Power, as_days, as_numbers, mostly_common
from crm.quality import ENOUGH_OF_EACH
from crm.tables import OPPORTUNITIES, TABLES, Column, CrmTables, Kind
from crm.values import tracked_fields, value_history

MOST_GROUPS, LEAST_IN_GROUP = 10, 20  # of deals created at the same time
_JOINED = {"accounts": "account_id", "users": "owner_id"}
_NOT_VALUES = frozenset({"account_id", "user_id", "name"})
_DATES_OF_EVENTS = frozenset({"accounts.created_at", "users.started_at"})


class Verdict(StrEnum):
    """Whether a field's value at a past date is known, and why."""

    TRACKED = "tracked"
    NATURE = "fixed by nature"
    DECLARED = "declared fixed"
    UNKNOWN = "not known: left out"


@dataclass(frozen=True)
class Shares:
    """Two shares set side by side; `error` is the standard error of their difference."""

    one: float
    other: float
    error: float


@dataclass(frozen=True)
class Tracking:
    """What is recorded of a field's changes.

    `since` is the first one's day; `before` and `closed_before` are the shares of closed deals created, and closed,
    before it. `missed` is how many changes the latter would have had if their field had changed as often, for every
    day that they were open, as it has since on deals that closed.
    """

    changes: int
    deals: int
    since: str
    before: float
    closed_before: float
    missed: float


@dataclass(frozen=True)
class FieldAudit:
    """One field's verdict and evidence; None where something cannot be told.

    `filled` is the share of all deals with a value today. `outcome` sets its share on won beside that on lost
    closed deals, `closing` that on closed beside open deals created at the same time. `from_creation` and
    `from_half_way` are the shares of closed deals whose value today differs from the one at the creation, and
    half-way through being open. `today` and `half_way` say how well those values tell won from lost. `reads_as` is
    what a column of the company's own that is not declared looks like: number, date, category or text.
    """

    field: str
    verdict: Verdict
    filled: float
    declared_fixed: bool = False
    outcome: Shares | None = None
    closing: Shares | None = None
    from_creation: float | None = None
    from_half_way: float | None = None
    today: Power | None = None
    half_way: Power | None = None
    tracking: Tracking | None = None
    reads_as: str | None = None


@dataclass(frozen=True)
class LeakageAudit:
    """The fields, and the closed deals that the evidence comes from: `closed` in all, `won` and `lost` looked at."""

    fields: tuple[FieldAudit, ...]
    closed: int
    won: int
    lost: int

    @property
    def enough(self) -> bool:
        """Whether there are enough deals of each outcome to say how well a value tells them apart."""
        return min(self.won, self.lost) >= ENOUGH_OF_EACH

    def __getitem__(self, field: str) -> FieldAudit:
        return next(one for one in self.fields if one.field == field)


def leakage_audit(tables: CrmTables) -> LeakageAudit:
    """Every filled field that may change, as the tables stand today. Takes seconds for a million deals.

    Fields of accounts and users are called `accounts.industry` and so on; they are looked at as their deal's
    account, and as the user who owned it half-way (today's owner where that is not known); how often they are filled
    is told of the deals that have an account or owner.
    """
    closed = closed_deals(tables)
    fields = [_deal_field(tables, closed, field) for field in _deal_fields(tables)]
    for table, key in _JOINED.items():
        if tables.has(table) and tables.gives("opportunities", key):
            columns = [c for c in TABLES[table].columns if c.name not in _NOT_VALUES and tables.gives(table, c.name)]
            fields += [_joined_field(tables, closed, table, column) for column in columns]
    won = int(closed.won.sum())
    return LeakageAudit(tuple(fields), closed.in_all, won, len(closed.won) - won)


def _deal_fields(tables: CrmTables) -> list[str]:
    """The filled columns of opportunities that may change, further ones of the source, and the account."""
    contract = [c.name for c in OPPORTUNITIES.columns if c.history or c.name == "account_id"]
    further = [str(name) for name in tables["opportunities"].columns if OPPORTUNITIES.column(str(name)) is None]
    fields = [name for name in contract + further if name not in SHOWN_ONLY | OUTCOME]
    return [name for name in fields if tables["opportunities"][name].notna().any() or name in tracked_fields(tables)]


def _deal_field(tables: CrmTables, closed: ClosedDeals, field: str) -> FieldAudit:
    history = stage_history(closed.tables) if field == "stage" else value_history(closed.tables, field)
    today = value_at(history, np.full(len(closed.won), NEVER))
    filled = tables["opportunities"][field].notna().to_numpy(bool)
    reading = _reading(tables, field, today)
    found = _looked_at(tables, closed, field, filled, today.given)
    found = replace(found, today=closed.power(reading.read(today, closed)), reads_as=reading.meant)
    if field not in tracked_fields(tables):
        return found
    half_way = value_at(history, closed.half_way)
    return replace(
        found,
        from_creation=share_differing(today, value_at(history, closed.created)),
        from_half_way=share_differing(today, half_way),
        half_way=closed.power(reading.read(half_way, closed)),
        tracking=_tracking(tables, closed, field, today.given),
    )


def _joined_field(tables: CrmTables, closed: ClosedDeals, table: str, column: Column) -> FieldAudit:
    """A field of the deal's account, or of the user who owned it half-way."""
    key, own_key = _JOINED[table], TABLES[table].key[0]
    frame = tables[table].drop_duplicates(own_key)
    ids = pd.Index(frame[own_key])
    everywhere = ids.get_indexer(pd.Index(tables["opportunities"][key]))
    filled = np.append(frame[column.name].notna().to_numpy(bool), False)[everywhere]
    keys = closed.tables["opportunities"][key].to_numpy(object)
    if is_known_in_the_past(tables, key):
        history = value_history(closed.tables, key)
        then = value_at(history, closed.half_way)
        keys = history.decoded(then.number)
    row = ids.get_indexer(pd.Index(keys))
    value = _joined_values(frame[column.name], column.kind, row)
    if column.kind is Kind.INSTANT:
        value = replace(value, number=value.number - closed.created / DAY)
    found = _looked_at(tables, closed, f"{table}.{column.name}", filled, value.given, (everywhere >= 0, row >= 0))
    return replace(found, today=closed.power(value))


def _joined_values(values: pd.Series, kind: Kind, row: np.ndarray) -> Values:
    """A column's values at rows, none at row -1; instants as days since 1970."""
    if kind is Kind.INSTANT:
        when = event_millis(values)
        return Values(np.append(np.where(when == NEVER, np.nan, when / DAY), np.nan)[row], None)
    if kind in (Kind.MONEY, Kind.NUMBER, Kind.FLAG):
        return Values(np.append(values.to_numpy(float, na_value=np.nan), np.nan)[row], None)
    code, texts = pd.factorize(values)
    return Values(np.append(code, -1)[row], pd.Index(texts))


def _looked_at(
    tables: CrmTables,
    closed: ClosedDeals,
    field: str,
    filled: np.ndarray,
    given: np.ndarray,
    could: tuple[np.ndarray, np.ndarray] | None = None,
) -> FieldAudit:
    """Verdict and how often the field is filled: on whom, and when.

    :param filled: of all deals. :param given: whether there is a value today, of closed deals.
    :param could: which of all, and which of the closed deals have an account or user that could have it filled.
    """
    declared = field in tables.fixed
    if field in FIXED_BY_NATURE | _DATES_OF_EVENTS:
        verdict = Verdict.NATURE
    elif field in tracked_fields(tables):
        verdict = Verdict.TRACKED
    else:
        verdict = Verdict.DECLARED if declared else Verdict.UNKNOWN
    all_could, closed_could = (slice(None), np.ones(len(given), dtype=bool)) if could is None else could
    created = event_millis(tables["opportunities"]["created_at"])[all_could]
    return FieldAudit(
        field,
        verdict,
        float(filled.mean()),
        declared,
        outcome=_beside(given[closed.won & closed_could], given[~closed.won & closed_could]),
        closing=_closed_beside_open(created, closed.ended[all_could], filled[all_could]),
    )


@dataclass(frozen=True)
class _Reading:
    """How a field's values compare between deals: `number` of each text where they read so, dates by their age."""

    number: np.ndarray | None = None
    is_date: bool = False
    meant: str | None = None

    def read(self, value: Values, closed: ClosedDeals) -> Values:
        """Numbers, dates as days since the deal's creation, or the value as it is."""
        number = value.number if self.number is None else np.append(self.number, np.nan)[value.number]
        if self.is_date:
            return Values(number - closed.created / DAY, None)
        return value if self.number is None else Values(number, None)


def _reading(tables: CrmTables, field: str, today: Values) -> _Reading:
    """By the field's kind; the text of a column that nobody has declared is taken for what it reads as."""
    if today.texts is None or OPPORTUNITIES.column(field) is not None or field in tables.own:
        return _Reading(is_date=tables.kind_of(field) is Kind.DATE)
    numbers = as_numbers(today.texts)
    if numbers is not None:
        return _Reading(numbers, meant="number")
    days = as_days(today.texts)
    if days is not None:
        return _Reading(days, is_date=True, meant="date")
    return _Reading(meant="category" if mostly_common(today.number) else "text")


def _beside(one: np.ndarray, other: np.ndarray) -> Shares | None:
    """The shares of true ones; None where few can be compared."""
    if min(len(one), len(other)) < ENOUGH_OF_EACH:
        return None
    together = np.concatenate([one, other]).mean()
    error = np.sqrt(together * (1 - together) * (1 / len(one) + 1 / len(other)))
    return Shares(float(one.mean()), float(other.mean()), float(error))


def _closed_beside_open(created: np.ndarray, ended: np.ndarray, filled: np.ndarray) -> Shares | None:
    """The share filled of closed deals and of open ones created at the same time; None where few can be compared."""
    is_open = ended == NEVER
    if is_open.sum() < ENOUGH_OF_EACH:
        return None
    groups = int(np.clip(is_open.sum() // LEAST_IN_GROUP, 1, MOST_GROUPS))
    edges = np.quantile(created[is_open], np.arange(1, groups) / groups)
    first, last = created[is_open].min(), created[is_open].max()
    within = (created >= first) & (created <= last)
    group = np.searchsorted(edges, created[within])
    cell = is_open[within] * groups + group
    count = np.bincount(cell, minlength=2 * groups).reshape(2, groups).astype(float)
    of_them = np.bincount(cell, filled[within], minlength=2 * groups).reshape(2, groups)
    compared = (count >= LEAST_IN_GROUP).all(axis=0)
    count, of_them = count[:, compared], of_them[:, compared]
    if min(count.sum(axis=1)) < ENOUGH_OF_EACH:
        return None
    weight = count[1] / count[1].sum()
    share = of_them / count
    pooled = of_them.sum(axis=0) / count.sum(axis=0)
    variance = (weight**2 * pooled * (1 - pooled) * (1 / count).sum(axis=0)).sum()
    return Shares(float(weight @ share[0]), float(weight @ share[1]), float(np.sqrt(variance)))


def _tracking(tables: CrmTables, closed: ClosedDeals, field: str, given: np.ndarray) -> Tracking | None:
    """What is recorded of the field's changes, and how many are missing from before the first one."""
    changes = tables["changes"]
    rows = changes[(changes["field"] == field).fillna(False)]
    if not len(rows):
        return None  # tracked in the company of which these tables are a part
    first = int(event_millis(rows["changed_at"]).min())
    on_closed = (closed.tables["changes"]["field"] == field).fillna(False).sum()
    recorded = np.maximum(closed.closed - np.maximum(closed.created, first), 0).sum()
    unrecorded = (closed.closed - closed.created)[(closed.closed <= first) & given].sum()
    drawn = len(closed.won) / max(closed.in_all, 1)
    return Tracking(
        changes=len(rows),
        deals=int(rows["opportunity_id"].nunique()),
        since=utc_day(first),
        before=_share(closed.created < first),
        closed_before=_share(closed.closed <= first),
        missed=float(on_closed / recorded * unrecorded / drawn) if recorded else 0.0,
    )


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else 0.0

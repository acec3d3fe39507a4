"""Companies for tests: written by hand from a few rows, or grown at random event by event.

A random company is a ledger of what truly happened. :func:`show` writes the tables that a CRM would show of it
today; :func:`cut` forgets all that was not known at an instant, and :func:`grow` lets life go on from there, so
that two companies may share a past and differ in everything after it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from crm.tables import OWN_KINDS, TABLES, CrmTables, Kind
from features.families.account_segments import ACCOUNT_FIELDS, ACCOUNT_SEGMENTS
from features.families.confidence import KEY_FIELDS
from features.families.segment import SEGMENT_FIELDS
from features.feature import OwnField, Vocabulary

Row = Mapping[str, Any]

_NO_TIME = np.iinfo(np.int64).min
DAY_US = 86_400_000_000
EPOCH = 1_704_067_200_000_000
"""Where random companies begin, 2024-01-01 in microseconds."""

OPEN_STAGES = ("Prospect", "Qualify", "Propose", "Negotiate")
WON, LOST = "Closed Won", "Closed Lost"
STAGES = (
    *({"stage": name, "position": i + 1, "is_closed": False, "is_won": False} for i, name in enumerate(OPEN_STAGES)),
    {"stage": WON, "position": 8, "is_closed": True, "is_won": True},
    {"stage": LOST, "position": 9, "is_closed": True, "is_won": False},
)
ACTIVITY_KINDS = ("Webinar", "offer:sent")
OWN_FIELDS = (
    OwnField("Rival__c", "category", "main rival", levels=("Acme", "Globex")),
    OwnField("score", "number", "fit score", actionable=True),
    OwnField("budget", "money", "budget"),
    OwnField("demo_on", "date", "demo day", actionable=True),
    OwnField("approved", "flag", "approval"),
    OwnField("remarks", "text", "remarks", actionable=True),
)
"""A company's own columns, one of each kind."""
EVERYTHING = Vocabulary(
    kinds=ACTIVITY_KINDS,
    deeds=ACTIVITY_KINDS[:1],
    segments=SEGMENT_FIELDS,
    account_fields=ACCOUNT_FIELDS,
    fields=OWN_FIELDS,
    key_fields=KEY_FIELDS,
)
"""A vocabulary under which every feature there can be is declared."""


def typed(name: str, rows: Iterable[Row], own: Iterable[str] = ()) -> pd.DataFrame:
    """Rows as a frame of that table, typed by the contract; what a row does not say is missing.

    :param own: further columns, as text.
    """
    table, rows = TABLES[name], list(rows)
    kinds = {**{c.name: c.kind.dtype for c in table.columns}, **dict.fromkeys(own, "str")}
    if not rows:
        return pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in kinds.items()})
    return pd.DataFrame({c: _column([row.get(c) for row in rows], dtype) for c, dtype in kinds.items()})


def crm(
    deals: Iterable[Row],
    *,
    stages: Iterable[Row] = STAGES,
    fixed: Iterable[str] = (),
    own: Mapping[str, Kind] | None = None,
    **tables: Iterable[Row],
) -> CrmTables:
    """A company from rows written by hand; instants as ISO text or microseconds, own columns as plain text."""
    frames = {name: typed(name, rows) for name, rows in tables.items()}
    frames |= {"opportunities": typed("opportunities", deals, own or ()), "stages": typed("stages", stages)}
    return CrmTables(frames, frozenset(fixed), own or {})


def deal(opportunity_id: str, created_at: Any, stage: str = "Prospect", **columns: Any) -> Row:
    """A row of opportunities."""
    return {"opportunity_id": opportunity_id, "created_at": created_at, "stage": stage, **columns}


def change(opportunity_id: str, changed_at: Any, field: str, old: Any, new: Any) -> Row:
    """A row of changes; values as text."""
    return {
        "opportunity_id": opportunity_id,
        "changed_at": changed_at,
        "field": field,
        "old_value": as_text(old),
        "new_value": as_text(new),
    }


def as_text(value: Any) -> str | None:
    """A value as the table of changes writes it."""
    return None if value is None else str(value)


def millis(text: str) -> int:
    """Milliseconds since 1970 of ISO text, UTC where it names no zone."""
    return micros(text) // 1000


def micros(text: str) -> int:
    """Microseconds since 1970 of ISO text, UTC where it names no zone."""
    instant = datetime.fromisoformat(text)
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _column(values: list[Any], dtype: str) -> pd.Series:
    if dtype == "datetime64[us, UTC]":
        ints = [_NO_TIME if v is None else v if isinstance(v, int) else micros(v) for v in values]
        return pd.Series(pd.DatetimeIndex(np.array(ints, dtype="datetime64[us]")).tz_localize("UTC"))
    if dtype == "datetime64[us]":
        return pd.Series(np.array([np.datetime64("NaT") if v is None else v for v in values], dtype=dtype))
    return pd.Series(values, dtype=object).astype(dtype)


# Random companies ---------------------------------------------------------------------------------------------

TEXT_LEVELS: Mapping[str, tuple[str | None, ...]] = {
    "owner_id": ("u1", "u2", "u3", "u3", None),
    "forecast_category": ("Pipeline", "Best Case", "Commit", "commit ", "Omitted", "whatever", None),
    "next_step": ("call them", "Send the quote, then wait", "wait", "sign contract", "demo; rival: other vendor", None),
    "type": ("New", "Renewal", None),
    "lead_source": ("Web", "Fair", "Partner"),
    "product": ("A", "B", None),
    "region": ("North", "South"),
}
NUMBERS = ("amount", "close_date", "probability")
OWN_LEVELS: Mapping[str, tuple[str | None, ...]] = {
    "Rival__c": ("Acme", "Globex", "Initech", "Hooli", None),
    "score": ("0", "12.5", "-3", None),
    "budget": ("15000", "0", "250000.5", None),
    "demo_on": ("2024-03-31", "2024-06-01", "2025-01-15", None),
    "approved": ("true", "false", None),
    "remarks": ("short", "somewhat longer than that", None),
}
"""The company's own columns, of which values are kept as plain text."""
FIELDS = ("stage", *NUMBERS, *TEXT_LEVELS)
OPTIONAL_TABLES = ("activities", "contact_roles", "accounts", "users", "changes", "leads", "quotas")
SUBJECTS = ("Re: pricing", "CONTRACT and terms", "Board approval?", "Postponed", "Demo", "Their competitor", "Hello")
ROLES = ("Decision Maker", "Evaluator", "Economic buyer", "CEO", "Procurement", "Technician", "Counsel", "Champion")
KINDS = ("email", "Email", "call", "meeting", "meeting", "demo", "proposal", "task", *ACTIVITY_KINDS, "Webinar")


@dataclass
class Deal:
    """A deal as it truly went: each field's values with the microsecond from which each held."""

    name: str
    created: int
    account: str | None
    values: dict[str, list[tuple[int, Any]]]
    silent: bool = False  # nobody recorded its stage moves
    ended: tuple[int, bool] | None = None  # closed without leaving its stage: when, and whether won

    def now(self, name: str) -> Any:
        return self.values[name][-1][1]

    @property
    def is_closed(self) -> bool:
        return self.ended is not None or self.now("stage") in (WON, LOST)


@dataclass
class Ledger:
    """What truly happened in a company, and what of it the CRM records."""

    tracked: frozenset[str]
    fixed: frozenset[str]
    absent: frozenset[str]
    deals: list[Deal] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)
    roles: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    leads: list[dict[str, Any]] = field(default_factory=list)
    quotas: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Life:
    """How a random company lives.

    :param ties: whether several events may share a millisecond.
    :param silent: whether closings may go unrecorded in the stage's history.
    :param days: how long the company is looked at, `deals` how many it opens in that time, about.
    """

    ties: bool = True
    silent: bool = True
    days: int = 300
    deals: int = 12


def company(rng: np.random.Generator, life: Life = Life(), *, complete: bool = False) -> Ledger:
    """A random company that has lived for `life.days` days.

    :param complete: no table is missing, every field that changes is tracked from the first day on.
    """
    fields = (*FIELDS, *OWN_LEVELS)
    tracked = frozenset(name for name in fields if complete or rng.random() < (0.85 if name == "stage" else 0.6))
    rest = [name for name in fields if name not in tracked and name != "stage"]
    of_accounts = {f"accounts.{name}" for name in ("employees", "annual_revenue", *ACCOUNT_SEGMENTS)}
    fixed = frozenset(name for name in rest if rng.random() < 0.5) | of_accounts
    absent = frozenset(name for name in OPTIONAL_TABLES if not complete and rng.random() < 0.12)
    if "changes" in absent:
        tracked = frozenset()
    ledger = Ledger(tracked, fixed, absent)
    ledger.users = [
        {"user_id": "u1", "name": "Ada", "started_at": EPOCH - 400 * DAY_US},
        {"user_id": "u2", "name": None, "started_at": EPOCH + 30 * DAY_US if rng.random() < 0.5 else None},
    ]
    if complete:
        _begin(ledger)
    grow(rng, ledger, EPOCH, EPOCH + life.days * DAY_US, life)
    return ledger


def _begin(ledger: Ledger) -> None:
    """An old deal on which each field changed once, so that every kind of record exists from the first day on."""
    values: dict[str, list[tuple[int, Any]]] = {
        name: [(EPOCH - 9 * DAY_US, levels[0]), (EPOCH - 8 * DAY_US, levels[1])]
        for name, levels in (TEXT_LEVELS | OWN_LEVELS).items()
    }
    values["stage"] = [(EPOCH - 9 * DAY_US, OPEN_STAGES[0]), (EPOCH - 8 * DAY_US, OPEN_STAGES[1])]
    values["amount"] = [(EPOCH - 9 * DAY_US, 100.0), (EPOCH - 8 * DAY_US, 120.0)]
    values["close_date"] = [(EPOCH - 9 * DAY_US, "2024-02-01"), (EPOCH - 8 * DAY_US, "2024-03-01")]
    values["probability"] = [(EPOCH - 9 * DAY_US, 10.0), (EPOCH - 8 * DAY_US, 20.0)]
    ledger.deals.append(Deal("first", EPOCH - 9 * DAY_US, "a0", values))
    facts = {"employees": 7.0, "industry": "Retail", "country": "Chile"}
    ledger.accounts.append({"account_id": "a0", "created_at": EPOCH - 20 * DAY_US, **facts})
    at = EPOCH - 7 * DAY_US
    ledger.activities.append(
        {
            "opportunity_id": "first",
            "occurred_at": at,
            "recorded_at": at,
            "kind": "email",
            "direction": "inbound",
            "contact_id": "c0",
            "owner_id": "u1",
            "duration_minutes": 30.0,
            "subject": "Hello",
        }
    )
    ledger.leads.append({"lead_id": "l0", "created_at": at - 9 * DAY_US, "converted_at": at, "opportunity_id": "first"})
    ledger.roles.append({"opportunity_id": "first", "contact_id": "c0", "role": "Budget owner", "added_at": at})


def grow(rng: np.random.Generator, ledger: Ledger, since: int, until: int, life: Life = Life()) -> None:
    """Lets life go on: everything that it adds became known in (since, until], microseconds."""
    clock = _Clock(rng, since, until, life.ties)
    share = (until - since) / (life.days * DAY_US)
    for _ in range(rng.poisson(1.5 * share) + 1):
        name = _free("a", [row["account_id"] for row in ledger.accounts])
        undated = since == EPOCH and rng.random() < 0.3  # an account that may be new says when it was entered
        ledger.accounts.append(_account(rng, name, None if undated else clock.next()))
    _set_quotas(rng, ledger, since, until)
    for _ in range(rng.poisson(life.deals * share) + (not ledger.deals)):
        ledger.deals.append(_new_deal(rng, ledger, clock, life))
    for each in ledger.deals:
        times = clock.several(rng.poisson(7 * share), max(since, each.created))
        for at in times:
            _live(rng, ledger, each, at)
        for at in clock.several(rng.poisson(3 * share), max(since, each.created)):
            name = tuple(OWN_LEVELS)[rng.integers(len(OWN_LEVELS))]
            if name not in ledger.fixed:
                each.values[name].append((at, _value(rng, name, at)))
        _touch(rng, ledger, each, clock, share)
        _find_leads(rng, ledger, each, clock, share)


class _Clock:
    """Random microseconds in (since, until]; with ties, many stand at the hour or share a millisecond."""

    def __init__(self, rng: np.random.Generator, since: int, until: int, ties: bool) -> None:
        self.rng, self.since, self.until, self.ties = rng, since, until, ties
        self.seen: list[int] = []

    def next(self, after: int | None = None) -> int:
        low = max(self.since, self.since if after is None else after)
        at = int(self.rng.integers(low + 1, self.until + 1)) if self.until > low else self.until
        if self.ties:
            kind = self.rng.random()
            if kind < 0.2:
                at = min(-(-at // 3_600_000_000) * 3_600_000_000, self.until)
            elif kind < 0.35 and any(seen > low for seen in self.seen):
                at = int(self.rng.choice([seen for seen in self.seen if seen > low]))
            self.seen.append(at)
        else:
            at = -(-at // 1000) * 1000 if at + 1000 < self.until else at // 1000 * 1000
        return at

    def several(self, count: int, after: int) -> list[int]:
        return sorted(self.next(after) for _ in range(count)) if after < self.until else []


def _free(letter: str, taken: list[str]) -> str:
    """The first name that is free; an account that was cut away may come back with other facts."""
    return next(name for number in range(len(taken) + 1) if (name := f"{letter}{number}") not in taken)


def _account(rng: np.random.Generator, name: str, at: int | None) -> dict[str, Any]:
    return {
        "account_id": name,
        "employees": float(rng.integers(1, 5000)) if rng.random() < 0.7 else None,
        "annual_revenue": float(rng.integers(0, 10**7)) if rng.random() < 0.7 else None,
        "industry": (None, "Retail", "Banking", "Mining")[rng.integers(4)],
        "country": (None, "Chile", "France")[rng.integers(3)],
        "created_at": at,
    }


def _new_deal(rng: np.random.Generator, ledger: Ledger, clock: _Clock, life: Life) -> Deal:
    at = clock.next()
    values: dict[str, list[tuple[int, Any]]] = {name: [(at, _value(rng, name, at))] for name in (*FIELDS, *OWN_LEVELS)}
    if rng.random() < 0.03:
        values["stage"] = [(at, WON)]  # entered when all was over
    accounts = [row["account_id"] for row in ledger.accounts]
    account = str(rng.choice(accounts)) if accounts and rng.random() < 0.85 else None
    name = _free("d", [each.name for each in ledger.deals])
    return Deal(name, at, account, values, silent=life.silent and rng.random() < 0.15)


def _value(rng: np.random.Generator, name: str, at: int) -> Any:
    if name == "stage":
        return OPEN_STAGES[rng.choice(4, p=(0.6, 0.2, 0.1, 0.1))]
    if name == "amount":
        return None if rng.random() < 0.15 else float(rng.choice((0, 99.5, 1000, 25_000.25, 7e6)))
    if name == "probability":
        return None if rng.random() < 0.15 else float(rng.choice((0, 10, 35, 50, 90, 100)))
    if name == "close_date":
        day = pd.Timestamp(at + int(rng.integers(-20, 120)) * DAY_US, unit="us").strftime("%Y-%m-%d")
        return None if rng.random() < 0.15 else day
    levels = TEXT_LEVELS[name] if name in TEXT_LEVELS else OWN_LEVELS[name]
    return levels[rng.integers(len(levels))]


def _live(rng: np.random.Generator, ledger: Ledger, each: Deal, at: int) -> None:
    """Something happens to a deal: its stage moves, it closes or reopens, or a field gets another value."""
    if rng.random() < 0.45:
        _move(rng, ledger, each, at)
    else:
        name = FIELDS[rng.integers(1, len(FIELDS))]
        if name not in ledger.fixed:
            each.values[name].append((at, _value(rng, name, at)))


def _move(rng: np.random.Generator, ledger: Ledger, each: Deal, at: int) -> None:
    recorded = "stage" in ledger.tracked and not each.silent
    if each.ended is not None or (each.is_closed and not recorded):
        return  # without a record of moves nobody can tell that it was ever closed before
    if each.is_closed and rng.random() < 0.4:
        return
    chance = rng.random()
    if not each.is_closed and recorded and chance < 0.04:
        each.ended = (at, bool(rng.random() < 0.5))
    elif chance < (0.3 if recorded else 0.6):
        each.values["stage"].append((at, WON if rng.random() < 0.5 else LOST))
        if rng.random() < 0.3 and "amount" not in ledger.fixed:
            each.values["amount"].append((at, _value(rng, "amount", at)))  # the same save
    elif recorded:
        each.values["stage"].append((at, OPEN_STAGES[rng.integers(4)]))


def _touch(rng: np.random.Generator, ledger: Ledger, each: Deal, clock: _Clock, share: float) -> None:
    """Activities and people of a deal that became known in the clock's span; some took place at other times."""
    if each.created >= clock.until:
        return
    for _ in range(rng.poisson(6 * share)):
        known = clock.next(max(clock.since, each.created - 20 * DAY_US))
        apart = int(rng.integers(-10, 15)) * DAY_US if rng.random() < 0.8 else 0
        times = {"occurred_at": known - apart, "recorded_at": known}
        ledger.activities.append(
            {
                "activity_id": f"e{len(ledger.activities)}",
                "opportunity_id": each.name if rng.random() < 0.97 else "nobody",
                "kind": str(rng.choice(KINDS)),
                "direction": (None, "inbound", "outbound", "Inbound", "internal")[rng.integers(5)],
                "contact_id": (None, "c1", "c2", "c3")[rng.integers(4)],
                "owner_id": (None, "u1", "u2")[rng.integers(3)],
                "duration_minutes": (None, 0.0, 15.0, 59.6)[rng.integers(4)],
                "subject": None if rng.random() < 0.2 else str(rng.choice(SUBJECTS)),
                **(times if rng.random() < 0.6 else {"occurred_at": known}),
            }
        )
    for _ in range(rng.poisson(share)):
        ledger.roles.append(
            {
                "opportunity_id": each.name,
                "contact_id": f"c{rng.integers(4)}",
                "role": None if rng.random() < 0.2 else str(rng.choice(ROLES)),
                "added_at": clock.next(max(clock.since, each.created)) if rng.random() < 0.8 else None,
            }
        )


def _find_leads(rng: np.random.Generator, ledger: Ledger, each: Deal, clock: _Clock, share: float) -> None:
    """Leads that became the deal in the clock's span, and some that became nothing."""
    if each.created >= clock.until:
        return
    for _ in range(rng.poisson(0.7 * share)):
        converted = clock.next(max(clock.since, each.created - 2 * DAY_US))
        entered = min(converted - int(rng.integers(-2, 40)) * DAY_US, clock.until)
        became = {"converted_at": converted, "opportunity_id": each.name} if rng.random() < 0.8 else {}
        ledger.leads.append({"lead_id": f"l{len(ledger.leads)}", "created_at": entered, **became})


def _set_quotas(rng: np.random.Generator, ledger: Ledger, since: int, until: int) -> None:
    """Quotas of the months that begin in (since, until]; what they are to be later may still change."""
    months = pd.date_range("2024-01-01", pd.Timestamp(until, unit="us"), freq="MS")
    ledger.quotas = [row for row in ledger.quotas if row["period_start"].value // 1000 <= since] + [
        {"user_id": user, "period_start": month, "amount": float(rng.choice((0, 500.5, 20_000)))}
        for month in months
        for user in ("u1", "u2", "u9")
        if month.value // 1000 > since and rng.random() < 0.8
    ]


def known_from(at: int) -> int:
    """The millisecond from which an event of that microsecond counts: never early."""
    return -(-at // 1000)


def cut(ledger: Ledger, as_of: int) -> Ledger:
    """The company as it had been by an instant, milliseconds: what became known later never happened."""

    def by_then(at: int | None) -> bool:
        return at is None or known_from(at) <= as_of

    past = copy.deepcopy(ledger)
    past.deals = [each for each in past.deals if by_then(each.created)]
    for each in past.deals:
        each.values = {name: [e for e in entries if by_then(e[0])] for name, entries in each.values.items()}
        each.ended = each.ended if each.ended and by_then(each.ended[0]) else None
    past.activities = [row for row in past.activities if by_then(row.get("recorded_at", row["occurred_at"]))]
    past.roles = [row for row in past.roles if by_then(row["added_at"])]
    past.accounts = [row for row in past.accounts if by_then(row["created_at"])]
    past.leads = [row for row in past.leads if by_then(row["created_at"])]
    for row in past.leads:
        if not by_then(row.get("converted_at")):
            del row["converted_at"], row["opportunity_id"]
    return past


def show(ledger: Ledger, rng: np.random.Generator | None = None) -> CrmTables:
    """The tables that a CRM shows of the company today; rows in random order where a generator is given."""
    frames = {
        "opportunities": typed("opportunities", [_row(ledger, each) for each in ledger.deals], OWN_LEVELS),
        "stages": typed("stages", STAGES),
        "changes": typed("changes", _changes(ledger)),
        "activities": typed("activities", ledger.activities),
        "contact_roles": typed("contact_roles", ledger.roles),
        "accounts": typed("accounts", ledger.accounts),
        "users": typed("users", ledger.users),
        "leads": typed("leads", ledger.leads),
        "quotas": typed("quotas", ledger.quotas),
    }
    if rng is not None:
        frames = {name: _shuffled(frame, rng) for name, frame in frames.items()}
    own = {field.name: OWN_KINDS[field.kind] for field in OWN_FIELDS}
    return CrmTables({n: frame for n, frame in frames.items() if n not in ledger.absent}, ledger.fixed, own)


def with_managers(rng: np.random.Generator, tables: CrmTables, *, everyone: bool = False) -> CrmTables:
    """The company with managers and regions of its owners, of some of them or of everyone."""
    rows = [
        {
            "user_id": user,
            "manager_id": (None, "m1", "m2")[rng.integers(everyone, 3)],
            "region": (None, "North", "East")[rng.integers(everyone, 3)],
        }
        for user in ("u1", "u2", "u3", "m1")
    ]
    return tables.with_frames(users=typed("users", rows))


def _row(ledger: Ledger, each: Deal) -> Row:
    row = {name: each.now(name) for name in (*FIELDS, *OWN_LEVELS)}
    closed, won = _closing(each)
    return {
        "opportunity_id": each.name,
        "created_at": each.created,
        "account_id": each.account,
        **row,
        "closed_at": closed,
        "is_won": won,
    }


def _closing(each: Deal) -> tuple[int | None, bool | None]:
    """When the deal that is closed today was closed, and how it stands."""
    if each.ended:
        return each.ended
    closed = None
    for at, stage in each.values["stage"]:
        closed = None if stage not in (WON, LOST) else at if closed is None else closed
    return (closed, each.now("stage") == WON) if closed is not None else (None, None)


def _changes(ledger: Ledger) -> list[Row]:
    rows = []
    for each in ledger.deals:
        for name in sorted(ledger.tracked):
            if name == "stage" and each.silent:
                continue
            steps = pairwise(each.values[name])
            rows += [change(each.name, at, name, old, new) for (_, old), (at, new) in steps]
    return rows


def _shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)

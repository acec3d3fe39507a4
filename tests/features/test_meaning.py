"""Features mean what their wording says: counted anew from what truly happened in random companies.

The ledger of a random company knows every event; here each feature is told from it in the plainest words, with
no table, no value history and no stream between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import DAY
from features.catalogue import catalogue
from features.engines import compute, prepare
from features.histories import Histories
from features.snapshots import grid
from tests.histories import (
    DAY_US,
    EPOCH,
    EVERYTHING,
    LOST,
    OPEN_STAGES,
    WON,
    Deal,
    Ledger,
    Life,
    company,
    known_from,
    show,
)

NAN = math.nan
RANKS = {"Pipeline": 1, "Best Case": 2, "Commit": 4, "commit ": 4, "Omitted": 0}


@dataclass(frozen=True)
class Closing:
    """A deal's closing as it was entered."""

    deal: Deal
    at: int
    won: bool
    opened: int


@dataclass(frozen=True)
class Then:
    """A deal at a date, milliseconds, in a company whose whole story is known."""

    ledger: Ledger
    deal: Deal
    as_of: int

    def entries(self, field: str, of: Deal | None = None) -> list[tuple[int, Any]]:
        """The values that the field had had by then: (since which millisecond, value)."""
        entries = (of or self.deal).values[field]
        return [(known_from(at), value) for at, value in entries if known_from(at) <= self.as_of]

    def now(self, field: str, of: Deal | None = None) -> Any:
        return self.entries(field, of)[-1][1]

    def steps(self, field: str) -> list[tuple[int, Any, Any]]:
        """Changes by then: (when, from, to)."""
        entries = self.entries(field)
        return [(at, old, new) for (_, old), (at, new) in pairwise(entries)]

    def since(self, at: int | None) -> float:
        return NAN if at is None else (self.as_of - at) / DAY

    @cached_property
    def closings(self) -> list[Closing]:
        """All closings of the company by then."""
        return [closing for each in self.ledger.deals for closing in closings_of(each) if closing.at <= self.as_of]

    @cached_property
    def open_deals(self) -> list[Deal]:
        """All deals of the company that are open then."""
        made = [each for each in self.ledger.deals if known_from(each.created) <= self.as_of]
        return [
            each
            for each in made
            if self.now("stage", each) not in (WON, LOST)
            and not (each.ended and known_from(each.ended[0]) <= self.as_of)
        ]

    def before(self, closing: Closing, field: str) -> Any:
        """A field's value just before a deal closed; its value at all where the deal was entered closed."""
        entries = [(known_from(at), value) for at, value in closing.deal.values[field]]
        born = known_from(closing.deal.created)
        return [value for at, value in entries if at < closing.at or (closing.at == born == at)][-1]

    def closings_alike(self, field: str) -> list[Closing]:
        """Closings of deals whose field was then what this deal's is."""
        mine = self.now(field)
        return [c for c in self.closings if mine is not None and self.before(c, field) == mine]

    @cached_property
    def owners_closings(self) -> list[Closing]:
        return self.closings_alike("owner_id")

    @property
    def age(self) -> float:
        return self.since(known_from(self.deal.created))

    @property
    def quarter(self) -> pd.Period:
        return pd.Timestamp(self.as_of, unit="ms").to_period("Q")

    def this_quarter(self, at: int) -> bool:
        return pd.Timestamp(at, unit="ms").to_period("Q") == self.quarter

    @cached_property
    def accounts_closings(self) -> list[Closing]:
        return [c for c in self.closings if self.deal.account is not None and c.deal.account == self.deal.account]

    @cached_property
    def activities(self) -> list[dict[str, Any]]:
        """What had been recorded on the deal by then."""
        mine = [row for row in self.ledger.activities if row["opportunity_id"] == self.deal.name]
        return [row for row in mine if known_from(row.get("recorded_at", row["occurred_at"])) <= self.as_of]

    @cached_property
    def touches(self) -> list[tuple[int, dict[str, Any]]]:
        """What had both taken place and been recorded by then, and since when that is so."""
        done = [(known_from(max(row["occurred_at"], row.get("recorded_at", 0))), row) for row in self.activities]
        return [(at, row) for at, row in done if at <= self.as_of]

    def within(self, days: int) -> list[dict[str, Any]]:
        return [row for at, row in self.touches if at > self.as_of - days * DAY]

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        mine = [row for row in self.ledger.roles if row["opportunity_id"] == self.deal.name]
        return [row for row in mine if row["added_at"] is not None and known_from(row["added_at"]) <= self.as_of]


def closings_of(deal: Deal) -> list[Closing]:
    """Every time that the deal went from open to closed, or was entered closed."""
    found, was_closed, opened = [], False, known_from(deal.created)
    for at, stage in deal.values["stage"]:
        is_closed = stage in (WON, LOST)
        if is_closed and not was_closed:
            found.append(Closing(deal, known_from(at), stage == WON, opened))
        opened = known_from(at) if was_closed and not is_closed else opened
        was_closed = is_closed
    return found + ([Closing(deal, known_from(deal.ended[0]), deal.ended[1], opened)] if deal.ended else [])


def last(times: list[int]) -> int | None:
    return max(times, default=None)


def place(stage: str) -> float:
    return OPEN_STAGES.index(stage) + 1 if stage in OPEN_STAGES else NAN


def jumps(then: Then) -> list[tuple[int, float]]:
    """Stage moves by then: (when, by how many places); NaN into or out of a closed stage."""
    return [(at, place(new) - place(old)) for at, old, new in then.steps("stage")]


def day(text: str | None) -> float:
    return NAN if text is None else pd.Timestamp(text).value / DAY / 1e6


def put_off(then: Then) -> list[tuple[int, float]]:
    """Moves of the close date by then: (when, by how many days)."""
    moved = [(at, day(new) - day(old)) for at, old, new in then.steps("close_date")]
    return [(at, by) for at, by in moved if by != 0 and not math.isnan(by)]


def entered(then: Then, field: str) -> list[Any]:
    return [value for _, value in then.entries(field) if value is not None]


def amount(then: Then) -> float:
    return NAN if then.now("amount") is None else then.now("amount")


def revised(then: Then) -> list[int]:
    """When an amount that had been given was changed."""
    return [at for at, old, new in then.steps("amount") if old is not None and old != new]


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else NAN


def won_for(closings: list[Closing]) -> list[float]:
    """Amounts of the won ones among closings, as they stood when they were won."""
    amounts = []
    for closing in closings:
        known = [v for at, v in closing.deal.values["amount"] if known_from(at) <= closing.at]
        if closing.won and known[-1] is not None:
            amounts.append(known[-1])
    return amounts


def usual(then: Then, closings: list[Closing]) -> float:
    return mean(won_for(closings)) or NAN


def took(closings: list[Closing]) -> list[float]:
    """Days that the won ones among closings had been open, where it was any time at all."""
    return [(c.at - c.opened) / DAY for c in closings if c.won and c.at > c.opened]


def shrunk(values: list[float], towards: float, strength: float) -> float:
    return (sum(values) + towards * strength) / (len(values) + strength)


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else NAN


def rate(closings: list[Closing], towards: float, strength: float) -> float:
    return (sum(c.won for c in closings) + towards * strength) / (len(closings) + strength)


def rate_of_level(then: Then, closings: list[Closing]) -> float:
    """The share won of the last half year's closings, drawn to that of those before, and that to the company's."""
    begins = then.as_of - 180 * DAY
    before = rate([c for c in closings if c.at <= begins], record(then), 20)
    return rate([c for c in closings if c.at > begins], before, 20)


def record(then: Then, days: int | None = None) -> float:
    """The company's share won, a win and a loss added."""
    found = [c for c in then.closings if days is None or c.at > then.as_of - days * DAY]
    return (sum(c.won for c in found) + 1) / (len(found) + 2)


def handed_over(then: Then) -> list[int]:
    return [at for at, old, new in then.steps("owner_id") if None not in (old, new) and old != new]


def is_kind(row: Mapping[str, Any], kind: str) -> bool:
    return row["kind"].lower() == kind


def inbound(rows: list[dict[str, Any]]) -> int:
    return sum((row["direction"] or "").lower() == "inbound" for row in rows)


def decides(row: Mapping[str, Any]) -> bool:
    return row["role"] in ("Decision Maker", "Economic buyer", "Budget owner")


def started(then: Then) -> int | None:
    times = [u["started_at"] for u in then.ledger.users if u["user_id"] == then.now("owner_id")]
    known = [known_from(at) for at in times if at is not None and known_from(at) <= then.as_of]
    return last(known)


def number(text: str | None) -> float:
    return NAN if text is None else float(text)


def replaced(then: Then, field: str) -> list[int]:
    """When a value that had been given was changed."""
    return [at for at, old, new in then.steps(field) if old is not None and old != new]


def everyones(then: Then, field: str) -> list[Any]:
    """The field's value then of every deal entered by then, where it has one."""
    made = [each for each in then.ledger.deals if known_from(each.created) <= then.as_of]
    return [value for each in made if (value := then.now(field, each)) is not None]


def share(then: Then, field: str) -> float:
    alike = everyones(then, field)
    return NAN if then.now(field) is None else alike.count(then.now(field)) / len(alike)


def open_moves(then: Then) -> list[tuple[int, float]]:
    """Moves from one open stage to another: (when, by how many places)."""
    return [(at, by) for at, by in jumps(then) if by != 0 and not math.isnan(by)]


def visits(then: Then) -> int:
    """How often the deal came to the stage in which it stands."""
    stages = [None, *(stage for _, stage in then.entries("stage"))]
    return sum(new == then.now("stage") != old for old, new in pairwise(stages))


def pace(then: Then) -> float:
    forward = [at for at, by in jumps(then) if by > 0]
    return (forward[-1] - then.entries("stage")[0][0]) / DAY / len(forward) if forward else NAN


def resized(then: Then) -> list[tuple[float, float]]:
    """Changes of the amount from one figure to another: (from, to)."""
    return [(old, new) for _, old, new in then.steps("amount") if None not in (old, new) and old != new]


def messages(then: Then, direction: str, days: float = math.inf) -> list[int]:
    """When messages went that way in the last days."""
    known = [at for at, row in then.touches if (row["direction"] or "").lower() == direction]
    return [at for at in known if at > then.as_of - days * DAY]


def after(times: list[int], others: list[int]) -> int:
    """How many of the times come after the last of others."""
    return sum(at > max(others, default=-math.inf) for at in times)


def waits(asks: list[int], answers: list[int]) -> list[float]:
    """Days that the first message of one side had waited, for each of the other's that answers some."""
    found = []
    for answer in answers:
        last_answer = max((at for at in answers if at < answer), default=-math.inf)
        open_asks = [at for at in asks if last_answer <= at < answer]
        found += [(answer - min(open_asks)) / DAY] if open_asks else []
    return found


def new_weeks(then: Then, times: list[int]) -> int:
    """How many weeks had their first of these times in the last 90 days."""
    first = {at // (7 * DAY): at for at in sorted(times, reverse=True)}
    return sum(at > then.as_of - 90 * DAY for at in first.values())


def first_met(then: Then) -> list[int]:
    """When each contact was first met."""
    met: dict[str, int] = {}
    for at, row in then.touches:
        if row["contact_id"] is not None:
            met[row["contact_id"]] = min(at, met.get(row["contact_id"], at))
    return list(met.values())


def rhythm(times: list[int]) -> float:
    return ratio((max(times) - min(times)) / DAY, len(times) - 1) if times else NAN


def leads(then: Then) -> list[dict[str, Any]]:
    mine = [row for row in then.ledger.leads if row.get("opportunity_id") == then.deal.name]
    return [row for row in mine if known_from(row["converted_at"]) <= then.as_of]


def edits(then: Then) -> list[int]:
    """When anything was recorded as changed."""
    return [at for field in then.deal.values for at, _, _ in then.steps(field)]


def recorded(then: Then) -> list[int]:
    """When activities were entered, whether or not they have taken place."""
    return [known_from(row.get("recorded_at", row["occurred_at"])) for row in then.activities]


def rank_steps(then: Then) -> list[float]:
    ranks = [RANKS.get(value, NAN) for _, value in then.entries("forecast_category")]
    return [new - old for old, new in pairwise(ranks)]


def quota(then: Then) -> float:
    mine = [row for row in then.ledger.quotas if row["user_id"] == then.now("owner_id")]
    begun = [row for row in mine if known_from(row["period_start"].value // 1000) <= then.as_of]
    return sum(row["amount"] for row in begun if row["period_start"].to_period("Q") == then.quarter)


def speaks(text: str | None, *words: str) -> bool:
    return any(word in (text or "").lower() for word in words)


def plays(role: str | None, *roles: str) -> bool:
    return role in roles


SEGMENTS = ("type", "lead_source", "product", "region")
KEPT = ("amount", "close_date", "owner_id", "next_step", "forecast_category", *SEGMENTS)


def month_end(text: str | None) -> float:
    return NAN if text is None else float(pd.Timestamp(text).is_month_end)


def minutes(rows: list[dict[str, Any]]) -> float:
    spoken = [row for row in rows if row["kind"].lower() in ("meeting", "call", "demo")]
    return sum(round(row["duration_minutes"] or 0) for row in spoken)


def common(field: str, then: Then) -> float:
    return ratio(len(then.closings_alike(field)), len(then.closings)) if then.now(field) is not None else NAN


def size_among_its_like(field: str, then: Then) -> float:
    if then.now(field) is None:
        return NAN
    return ratio(amount(then), shrunk(won_for(then.closings_alike(field)), mean(won_for(then.closings)), 10))


def age_among_its_like(field: str, then: Then) -> float:
    if then.now(field) is None:
        return NAN
    return ratio(then.age, shrunk(took(then.closings_alike(field)), mean(took(then.closings)), 10))


def stays(deal: Deal, begin: int, end: int) -> list[tuple[str, float]]:
    """The open stages that a deal was in from an instant until another, and for how many days each time."""
    entries = [(known_from(at), stage) for at, stage in deal.values["stage"]]
    inside = [(at, stage) for at, stage in entries if begin <= at < end]
    ends = [at for at, _ in inside[1:]] + [end]
    return [(stage, (left - at) / DAY) for (at, stage), left in zip(inside, ends, strict=False) if stage in OPEN_STAGES]


def longest(deal: Deal, until: int) -> float:
    return max((days for _, days in stays(deal, known_from(deal.created), until)), default=0)


def won_stays_there(then: Then, closings: list[Closing]) -> list[float]:
    """Days that won deals had stood in the stage in which this deal stands."""
    won = [stays(c.deal, c.opened, c.at) for c in closings if c.won and c.at > c.opened]
    return [days for each in won for stage, days in each if stage == then.now("stage")]


def stage_time_among_its_like(field: str, then: Then) -> float:
    if then.now(field) is None:
        return NAN
    usual = mean(won_stays_there(then, then.closings))
    alike = won_stays_there(then, then.closings_alike(field))
    return ratio(then.since(then.entries("stage")[-1][0]), shrunk(alike, usual, 10))


def of_account(then: Then, name: str | None, field: str) -> str | None:
    """A field of an account, once it had been entered."""
    rows = [row for row in then.ledger.accounts if row["account_id"] == name]
    known = [row for row in rows if row["created_at"] is None or known_from(row["created_at"]) <= then.as_of]
    return known[0][field] if known else None


def rate_in_segment(field: str, then: Then) -> float:
    return rate_of_level(then, [] if then.now(field) is None else then.closings_alike(field))


def rate_of_accounts_alike(field: str, then: Then) -> float:
    """A closing counts once it is known whose it was: from when the account had been entered."""
    mine = of_account(then, then.deal.account, field)
    entered = {row["account_id"]: row["created_at"] for row in then.ledger.accounts}
    alike = [
        c if entered[c.deal.account] is None else replace(c, at=max(c.at, known_from(entered[c.deal.account])))
        for c in then.closings
        if mine is not None and of_account(then, c.deal.account, field) == mine
    ]
    return NAN if mine is None else rate_of_level(then, alike)


MEANINGS: Mapping[str, Callable[[Then], float]] = {
    "field:Rival__c:is:Acme": lambda t: t.now("Rival__c") == "Acme",
    "field:Rival__c:another": lambda t: t.now("Rival__c") in ("Initech", "Hooli"),
    "field:Rival__c:given": lambda t: t.now("Rival__c") is not None,
    "field:Rival__c:changes": lambda t: len(replaced(t, "Rival__c")),
    "field:Rival__c:days_since_change": lambda t: t.since(last(replaced(t, "Rival__c"))),
    "field:Rival__c:share": lambda t: share(t, "Rival__c"),
    "field:score:value": lambda t: number(t.now("score")),
    "field:budget:change": lambda t: number(t.now("budget")) - number(next(iter(entered(t, "budget")), None)),
    "field:demo_on:days_to": lambda t: day(t.now("demo_on")) - t.as_of / DAY,
    "field:demo_on:put_off": lambda t: sum(day(new) > day(old) for _, old, new in t.steps("demo_on")),
    "field:approved:value": lambda t: {"true": 1.0, "false": 0.0}.get(t.now("approved"), NAN),
    "field:remarks:length": lambda t: len(t.now("remarks") or ""),
    "field:remarks:changes": lambda t: len(replaced(t, "remarks")),
    "age_days": lambda t: t.since(known_from(t.deal.created)),
    "stage_position": lambda t: place(t.now("stage")),
    "days_in_stage": lambda t: t.since(t.entries("stage")[-1][0]),
    "moves_forward": lambda t: sum(by > 0 for _, by in jumps(t)),
    "moves_back": lambda t: sum(by < 0 for _, by in jumps(t)),
    "stages_skipped": lambda t: sum(by - 1 for _, by in jumps(t) if by > 1),
    "days_since_forward": lambda t: t.since(last([at for at, by in jumps(t) if by > 0])),
    "reopened": lambda t: sum(old in (WON, LOST) and new not in (WON, LOST) for _, old, new in t.steps("stage")),
    "amount": amount,
    "amount_changes": lambda t: len(revised(t)),
    "days_since_amount_change": lambda t: t.since(last(revised(t))),
    "amount_change_ratio": lambda t: math.log1p(amount(t)) - math.log1p(next(iter(entered(t, "amount")), NAN)),
    "amount_against_usual": lambda t: amount(t) / usual(t, t.closings),
    "amount_against_owner_usual": lambda t: amount(t) / usual(t, t.owners_closings),
    "days_to_close_date": lambda t: day(t.now("close_date")) - t.as_of / DAY,
    "pushes": lambda t: sum(by > 0 for _, by in put_off(t)),
    "pulls": lambda t: sum(by < 0 for _, by in put_off(t)),
    "days_since_push": lambda t: t.since(last([at for at, by in put_off(t) if by > 0])),
    "mean_push": lambda t: mean([by for _, by in put_off(t) if by > 0]),
    "close_date_slip": lambda t: day(t.now("close_date")) - day(next(iter(entered(t, "close_date")), None)),
    "handovers": lambda t: len(handed_over(t)),
    "days_since_handover": lambda t: t.since(last(handed_over(t))),
    "owner_open_deals": lambda t: sum(t.now("owner_id", d) == t.now("owner_id") is not None for d in t.open_deals),
    "owner_closed_before": lambda t: len(t.owners_closings),
    "owner_win_rate": lambda t: rate([c for c in t.owners_closings if c.at > t.as_of - 365 * DAY], record(t, 365), 20),
    "owner_tenure_days": lambda t: t.since(started(t)),
    "account_won_before": lambda t: sum(c.won for c in t.accounts_closings),
    "account_lost_before": lambda t: sum(not c.won for c in t.accounts_closings),
    "account_win_rate": lambda t: rate(t.accounts_closings, record(t), 3),
    "account_open_deals": lambda t: sum(d.account == t.deal.account is not None for d in t.open_deals),
    "company_win_rate": lambda t: rate([c for c in t.closings if c.at > t.as_of - 180 * DAY], 0.5, 20),
    "forecast_category_rank": lambda t: RANKS.get(t.now("forecast_category"), NAN),
    "has_next_step": lambda t: t.now("next_step") is not None,
    "next_step_changes": lambda t: sum(new is not None for _, _, new in t.steps("next_step")),
    "days_since_next_step": lambda t: t.since(last([at for at, v in t.entries("next_step") if v is not None])),
    "touches_total": lambda t: len(t.touches),
    "touches_30d": lambda t: len(t.within(30)),
    "touches_7d": lambda t: len(t.within(7)),
    "days_since_touch": lambda t: t.since(last([at for at, _ in t.touches])),
    "meetings": lambda t: sum(is_kind(row, "meeting") for _, row in t.touches),
    "meetings_30d": lambda t: sum(is_kind(row, "meeting") for row in t.within(30)),
    "calls_30d": lambda t: sum(is_kind(row, "call") for row in t.within(30)),
    "days_since_meeting": lambda t: t.since(last([at for at, row in t.touches if is_kind(row, "meeting")])),
    "meetings_ahead": lambda t: (
        sum(is_kind(row, "meeting") for row in t.activities) - sum(is_kind(row, "meeting") for _, row in t.touches)
    ),
    "inbound_7d": lambda t: inbound(t.within(7)),
    "inbound_30d": lambda t: inbound(t.within(30)),
    "inbound_trend": lambda t: 2 * inbound(t.within(14)) - inbound(t.within(28)),
    "count:Webinar": lambda t: sum(row["kind"] == "Webinar" for _, row in t.touches),
    "contacts_reached": lambda t: len({row["contact_id"] for _, row in t.touches} - {None}),
    "contact_roles": lambda t: len(t.roles),
    "decision_makers": lambda t: sum(decides(row) for row in t.roles),
    "days_since_new_role": lambda t: t.since(last([known_from(row["added_at"]) for row in t.roles])),
    "age_against_won_cycle": lambda t: ratio(t.age, mean(took(t.closings))),
    "stage_visits": visits,
    "stages_behind_furthest": lambda t: (
        max(place(stage) for _, stage in t.entries("stage") if stage in OPEN_STAGES) - place(t.now("stage"))
    ),
    "entry_stage": lambda t: place(t.entries("stage")[0][1]),
    "moves_forward_30d": lambda t: sum(by > 0 and at > t.as_of - 30 * DAY for at, by in jumps(t)),
    "stage_moves_90d": lambda t: sum(at > t.as_of - 90 * DAY for at, _ in open_moves(t)),
    "days_since_backward": lambda t: t.since(last([at for at, by in jumps(t) if by < 0])),
    "days_per_move": pace,
    "standstill_against_pace": lambda t: ratio(t.since(last([at for at, by in jumps(t) if by > 0])), pace(t)),
    "amount_raises": lambda t: sum(new > old for old, new in resized(t)),
    "amount_cuts": lambda t: sum(new < old for old, new in resized(t)),
    "amount_last_step": lambda t: next((new / old for old, new in reversed(resized(t)) if old > 0), NAN),
    "planned_days": lambda t: day(next(iter(entered(t, "close_date")), None)) - known_from(t.deal.created) / DAY,
    "plan_against_won_cycle": lambda t: ratio(
        day(t.now("close_date")) - known_from(t.deal.created) / DAY, mean(took(t.closings))
    ),
    "close_date_month_end": lambda t: month_end(t.now("close_date")),
    "close_date_to_period_end": lambda t: day(t.quarter.end_time.strftime("%Y-%m-%d")) - day(t.now("close_date")),
    "pushes_90d": lambda t: sum(by > 0 and at > t.as_of - 90 * DAY for at, by in put_off(t)),
    "pushes_since_forward": lambda t: after(
        [at for at, by in put_off(t) if by > 0], [at for at, by in jumps(t) if by > 0]
    ),
    "pushes_once_passed": lambda t: sum(
        day(new) > day(old) and at >= (day(old) + 1) * DAY for at, old, new in t.steps("close_date")
    ),
    "account_won_amount": lambda t: sum(won_for(t.accounts_closings)) if won_for(t.accounts_closings) else NAN,
    "amount_against_account": lambda t: ratio(amount(t), usual(t, t.accounts_closings)),
    "days_since_account_win": lambda t: t.since(last([c.at for c in t.accounts_closings if c.won])),
    "days_since_account_loss": lambda t: t.since(last([c.at for c in t.accounts_closings if not c.won])),
    "age_against_owner_cycle": lambda t: ratio(t.age, shrunk(took(t.owners_closings), mean(took(t.closings)), 5)),
    "days_since_owner_win": lambda t: t.since(last([c.at for c in t.owners_closings if c.won])),
    "owner_wins_this_period": lambda t: sum(c.won and t.this_quarter(c.at) for c in t.owners_closings),
    "owner_quota_attainment": lambda t: ratio(
        sum(won_for([c for c in t.owners_closings if t.this_quarter(c.at)])), quota(t)
    ),
    "forecast_category_raises": lambda t: sum(step > 0 for step in rank_steps(t)),
    "forecast_category_cuts": lambda t: sum(step < 0 for step in rank_steps(t)),
    "days_since_forecast_change": lambda t: t.since(
        last([at for at, old, new in t.steps("forecast_category") if old != new])
    ),
    "crm_probability": lambda t: NAN if t.now("probability") is None else t.now("probability") / 100,
    "crm_probability_cuts": lambda t: sum(
        None not in (old, new) and new < old for _, old, new in t.steps("probability")
    ),
    "next_step_changes_30d": lambda t: sum(
        new is not None and at > t.as_of - 30 * DAY for at, _, new in t.steps("next_step")
    ),
    "next_step_words": lambda t: len((t.now("next_step") or "").split()),
    "next_step:price": lambda t: speaks(t.now("next_step"), "quote"),
    "next_step:waiting": lambda t: speaks(t.now("next_step"), "wait"),
    "next_step:decision": lambda t: speaks(t.now("next_step"), "sign"),
    "next_step:contract": lambda t: speaks(t.now("next_step"), "contract"),
    "next_step:meeting": lambda t: speaks(t.now("next_step"), "demo"),
    "next_step:competitor": lambda t: speaks(t.now("next_step"), "other vendor"),
    "subjects_90d:price": lambda t: sum(speaks(row["subject"], "pricing") for row in t.within(90)),
    "subjects_90d:contract": lambda t: sum(speaks(row["subject"], "contract") for row in t.within(90)),
    "subjects_90d:decision": lambda t: sum(speaks(row["subject"], "approval") for row in t.within(90)),
    "subjects_90d:waiting": lambda t: sum(speaks(row["subject"], "postponed") for row in t.within(90)),
    "subjects_90d:competitor": lambda t: sum(speaks(row["subject"], "competitor") for row in t.within(90)),
    "days_since_subject:meeting": lambda t: t.since(
        last([at for at, row in t.touches if speaks(row["subject"], "demo")])
    ),
    "touches_90d": lambda t: len(t.within(90)),
    "touch_trend": lambda t: 2 * len(t.within(14)) - len(t.within(28)),
    "active_weeks_90d": lambda t: new_weeks(t, [at for at, _ in t.touches]),
    "quiet_against_rhythm": lambda t: ratio(
        t.since(last([at for at, _ in t.touches])), rhythm([at for at, _ in t.touches])
    ),
    "kinds_of_activity": lambda t: len({row["kind"].lower() for _, row in t.touches}),
    "days_to_first_touch": lambda t: (
        (min(at for at, _ in t.touches) - known_from(t.deal.created)) / DAY if t.touches else NAN
    ),
    "meetings_90d": lambda t: sum(is_kind(row, "meeting") for row in t.within(90)),
    "emails_30d": lambda t: sum(is_kind(row, "email") for row in t.within(30)),
    "proposals": lambda t: sum(is_kind(row, "proposal") for _, row in t.touches),
    "days_since_proposal": lambda t: t.since(last([at for at, row in t.touches if is_kind(row, "proposal")])),
    "minutes_together": lambda t: minutes([row for _, row in t.touches]),
    "minutes_together_30d": lambda t: minutes(t.within(30)),
    "inbound_90d": lambda t: len(messages(t, "inbound", 90)),
    "inbound_share_30d": lambda t: ratio(
        len(messages(t, "inbound", 30)), len(messages(t, "inbound", 30) + messages(t, "outbound", 30))
    ),
    "buyer_weeks_90d": lambda t: new_weeks(t, messages(t, "inbound")),
    "outbound_7d": lambda t: len(messages(t, "outbound", 7)),
    "days_since_outbound": lambda t: t.since(last(messages(t, "outbound"))),
    "unanswered_outbound": lambda t: after(messages(t, "outbound"), messages(t, "inbound")),
    "unanswered_inbound": lambda t: after(messages(t, "inbound"), messages(t, "outbound")),
    "buyer_reply_days": lambda t: mean(waits(messages(t, "outbound"), messages(t, "inbound"))),
    "seller_reply_days": lambda t: mean(waits(messages(t, "inbound"), messages(t, "outbound"))),
    "replies_since_proposal": lambda t: (
        after(messages(t, "inbound"), proposals)
        if (proposals := [a for a, r in t.touches if is_kind(r, "proposal")])
        else NAN
    ),
    "new_contacts_30d": lambda t: sum(at > t.as_of - 30 * DAY for at in first_met(t)),
    "new_contacts_90d": lambda t: sum(at > t.as_of - 90 * DAY for at in first_met(t)),
    "days_since_new_contact": lambda t: t.since(last(first_met(t))),
    "contacts_heard": lambda t: len({row["contact_id"] for _, row in t.touches if inbound([row])} - {None}),
    "sellers_involved": lambda t: len({row["owner_id"] for _, row in t.touches} - {None}),
    "top_executives": lambda t: sum(plays(row["role"], "CEO") for row in t.roles),
    "purchasing_people": lambda t: sum(plays(row["role"], "Procurement") for row in t.roles),
    "technical_people": lambda t: sum(plays(row["role"], "Technician") for row in t.roles),
    "legal_people": lambda t: sum(plays(row["role"], "Counsel") for row in t.roles),
    "champions": lambda t: sum(plays(row["role"], "Champion") for row in t.roles),
    "from_lead": lambda t: bool(leads(t)),
    "lead_days": lambda t: mean(
        [max(known_from(row["converted_at"]) - known_from(row["created_at"]), 0) / DAY for row in leads(t)]
    ),
    "fields_filled": lambda t: mean([t.now(field) is not None for field in KEPT]),
    "days_since_edit": lambda t: t.since(last(edits(t))),
    "days_since_entry": lambda t: min([t.age, *map(t.since, edits(t)), *map(t.since, recorded(t))]),
    "longest_stay": lambda t: longest(t.deal, t.as_of),
    "stage_time_against_longest": lambda t: ratio(
        t.since(t.entries("stage")[-1][0]), longest(t.deal, t.entries("stage")[-1][0])
    ),
    **{f"stage_time_against_{field}": partial(stage_time_among_its_like, field) for field in ("type", "product")},
    **{f"account_{field}_win_rate": partial(rate_of_accounts_alike, field) for field in ("industry", "country")},
    "edits_30d": lambda t: sum(at > t.as_of - 30 * DAY for at in edits(t)),
    **{f"{field}_win_rate": partial(rate_in_segment, field) for field in SEGMENTS},
    **{f"{field}_share": partial(common, field) for field in SEGMENTS},
    **{f"amount_against_{field}": partial(size_among_its_like, field) for field in ("type", "product")},
    **{f"age_against_{field}": partial(age_among_its_like, field) for field in ("type", "product")},
}


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_features_mean_what_they_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ledger = company(rng, Life(silent=False), complete=True)
    histories = Histories(show(ledger, rng))
    ready = prepare(histories, catalogue(EVERYTHING), EVERYTHING.calendar)
    snapshots = grid(histories, 29, EPOCH // 1000 + Life().days * DAY)
    found = compute(ready, snapshots, tuple(MEANINGS))
    deals = {each.name: each for each in ledger.deals}
    names = histories.deals["opportunity_id"].to_numpy(object)[snapshots.deal]
    thens = [Then(ledger, deals[name], int(as_of)) for name, as_of in zip(names, snapshots.as_of, strict=True)]
    meant = np.array([[float(meaning(then)) for meaning in MEANINGS.values()] for then in thens])
    told = found.to_numpy(float)
    wrong = [
        (names[row], snapshots.as_of[row], tuple(MEANINGS)[column], meant[row, column], told[row, column])
        for row, column in np.argwhere(~np.isclose(told, meant, rtol=1e-6, equal_nan=True))
    ]
    assert wrong == []


def test_an_open_deal_is_where_the_ledger_says() -> None:
    """The grid asks of exactly the deals that are open."""
    rng = np.random.default_rng(3)
    ledger = company(rng, Life(silent=False), complete=True)
    histories = Histories(show(ledger, rng))
    as_of = (EPOCH + 200 * DAY_US) // 1000 // DAY * DAY + DAY - 1
    snapshots = grid(histories, 1, as_of)
    names = histories.deals["opportunity_id"].to_numpy(object)[snapshots.deal[snapshots.as_of == as_of]]
    assert sorted(names) == sorted(each.name for each in Then(ledger, ledger.deals[0], as_of).open_deals)

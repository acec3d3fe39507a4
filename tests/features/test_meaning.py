"""Features mean what their wording says: counted anew from what truly happened in random companies.

The ledger of a random company knows every event; here each feature is told from it in the plainest words, with
no table, no value history and no stream between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
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

    def owner_at(self, closing: Closing) -> Any:
        """Who owned the deal just before it closed; who owned it at all where it was entered closed."""
        entries = [(known_from(at), owner) for at, owner in closing.deal.values["owner_id"]]
        born = known_from(closing.deal.created)
        return [owner for at, owner in entries if at < closing.at or (closing.at == born == at)][-1]

    @cached_property
    def owners_closings(self) -> list[Closing]:
        owner = self.now("owner_id")
        return [c for c in self.closings if owner is not None and self.owner_at(c) == owner]

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
    found, was_closed = [], False
    for at, stage in deal.values["stage"]:
        is_closed = stage in (WON, LOST)
        if is_closed and not was_closed:
            found.append(Closing(deal, known_from(at), stage == WON))
        was_closed = is_closed
    return found + ([Closing(deal, known_from(deal.ended[0]), deal.ended[1])] if deal.ended else [])


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


def usual(then: Then, closings: list[Closing]) -> float:
    """Mean amount of the won ones among closings, as it stood when they were won."""
    amounts = []
    for closing in closings:
        known = [v for at, v in closing.deal.values["amount"] if known_from(at) <= closing.at]
        if closing.won and known[-1] is not None:
            amounts.append(known[-1])
    return mean(amounts) or NAN


def rate(closings: list[Closing], towards: float, strength: float) -> float:
    return (sum(c.won for c in closings) + towards * strength) / (len(closings) + strength)


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


MEANINGS: Mapping[str, Callable[[Then], float]] = {
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
    for row, (name, as_of) in enumerate(zip(names, snapshots.as_of, strict=True)):
        then = Then(ledger, deals[name], int(as_of))
        meant = {feature: float(meaning(then)) for feature, meaning in MEANINGS.items()}
        wrong = {
            feature: (value, told)
            for feature, value in meant.items()
            if not np.isclose(told := found[feature][row], value, rtol=1e-6, equal_nan=True)
        }
        assert not wrong, (name, as_of, wrong)


def test_an_open_deal_is_where_the_ledger_says() -> None:
    """The grid asks of exactly the deals that are open."""
    rng = np.random.default_rng(3)
    ledger = company(rng, Life(silent=False), complete=True)
    histories = Histories(show(ledger, rng))
    as_of = (EPOCH + 200 * DAY_US) // 1000 // DAY * DAY + DAY - 1
    snapshots = grid(histories, 1, as_of)
    names = histories.deals["opportunity_id"].to_numpy(object)[snapshots.deal[snapshots.as_of == as_of]]
    assert sorted(names) == sorted(each.name for each in Then(ledger, ledger.deals[0], as_of).open_deals)

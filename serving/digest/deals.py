"""A deal in three lines: where it stands, why, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.causes import stall_reason
from serving.digest.letter import Entry
from serving.digest.news import News, Row
from serving.headline import next_step, reason_line, top_reason
from serving.moved import Why
from serving.runs import ScoringRun
from serving.since import Moved, Since
from serving.wording import points

MOST_NAMED = 5


@dataclass(frozen=True)
class Change:
    """What a deal was before, and by how much and why its win chance moved, if it did."""

    before: Row
    move: Moved | None
    whys: Sequence[Why]


def entries(news: News, rows: Sequence[Row], *, owners: bool = False, stalls: bool = False) -> tuple[Entry, ...]:
    """These deals in their order.

    :param owners: whether to say whose each one is; :param stalls: whether to say why it may stall, not why it is won.
    """
    told = news.told([row["opportunity_id"] for row in rows])
    return tuple(_entry(news, row, told[row["opportunity_id"]], owner=owners, stalls=stalls) for row in rows)


def changed_entries(
    news: News, then: ScoringRun, since: Since, rows: Sequence[Row], *, owners: bool = False
) -> tuple[Entry, ...]:
    """Deals that changed since a run: what changed, and where the win chance moved what moved it."""
    moves = {one.opportunity_id: one for one in since.moved}
    ids = [row["opportunity_id"] for row in rows]
    told, whys = news.told(ids), news.why_moved(then, [key for key in ids if key in moves])
    before = news.store.stood(then.run_id, ids)
    return tuple(
        _entry(news, row, told[key], Change(before[key], moves.get(key), whys.get(key, ())), owner=owners)
        for key, row in zip(ids, rows, strict=True)
    )


def title(news: News, row: Row, *, owner: bool = False) -> str:
    """A deal in a line: its name, account, stage and amount, and whose it is."""
    worth = None if row["amount"] is None else news.forms.money(row["amount"])
    account = None if row["account"].casefold() in row["name"].casefold() else row["account"]
    parts = (row["name"], account, row["stage"], worth, row["owner"] if owner else None)
    return " · ".join(part for part in parts if part)


def named(news: News, rows: Sequence[Row]) -> str:
    """Deals in a row with what they are worth, the largest first: "Acme renewal (48 k), Globex and 3 more"."""
    order = sorted(rows, key=lambda row: -(row["amount"] or 0.0))
    worth = ["" if row["amount"] is None else f" ({news.forms.money(row['amount'])})" for row in order]
    names = [row["name"] + size for row, size in zip(order, worth, strict=True)][:MOST_NAMED]
    more = f" and {news.forms.count(len(order) - len(names))} more" if len(order) > len(names) else ""
    return ", ".join(names) + more


def by_urgency(since: Since, rows: Sequence[Row]) -> list[Row]:
    """The deals of which something is to be told one by one: those that moved most first, then other changes."""
    by_id = {row["opportunity_id"]: row for row in rows}
    order = (*(one.opportunity_id for one in since.moved), *since.passed, *since.staged, *since.later, *since.earlier)
    return [by_id[key] for key in dict.fromkeys(order) if key in by_id]


def _entry(
    news: News,
    row: Row,
    told: Mapping[str, Any],
    change: Change | None = None,
    *,
    owner: bool = False,
    stalls: bool = False,
) -> Entry:
    step = next_step(told["coaching"])
    lines = (_stands(news, row, change), _weighs(told, change, stalls=stalls), step and f"Next: {step}")
    told_in = tuple(line for line in lines if line)
    return Entry(title(news, row, owner=owner), told_in, news.links.deal(row["opportunity_id"]))


def _weighs(told: Mapping[str, Any], change: Change | None, *, stalls: bool) -> str | None:
    """What moved the chance; else what it may stall over, where that is asked; else the reason that matters most."""
    if change is not None and change.move is not None:
        same_way = [why for why in change.whys if why.points * change.move.by > 0]
        if same_way:
            return f"Moved by: {same_way[0].says} ({points(same_way[0].points)})"
    stall = stall_reason(told["stall_reasons"]) if stalls else None
    if stall is not None:
        return f"May stall: {stall['says']} ({points(stall['points'])})"
    reason = top_reason(told["reasons"])
    return None if reason is None else reason_line(reason)


def _stands(news: News, row: Row, change: Change | None) -> str:
    """The chance and how far it moved, the risk to stall, what is at stake, and what changed in the deal's facts."""
    forms = news.forms
    moved = "" if change is None or change.move is None else f" ({points(change.move.by)})"
    parts = [f"win chance {forms.percent(row['win_probability'])}{moved}"]
    if row["stall_risk"] is not None:
        parts.append(f"stall risk {forms.percent(row['stall_risk'])}")
    if row["revenue_at_stake"]:
        parts.append(f"{forms.money(row['revenue_at_stake'])} at stake")
    parts += _facts(news, row, None if change is None else change.before)
    said = ", ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _facts(news: News, row: Row, before: Row | None) -> list[str]:
    """The stage and the close date, where they are others than before; a close date that has passed."""
    day, said = news.forms.day, []
    if before is not None and before["stage"] != row["stage"]:
        said.append(f"stood in {before['stage']}")
    planned, then = row["close_date"], None if before is None else before["close_date"]
    if planned is not None and planned < news.day:
        said.append(f"close date {day(planned)} has passed")
    elif planned is not None and then is not None and planned != then:
        said.append(f"close date {'put off' if planned > then else 'brought forward'} to {day(planned)}")
    return said

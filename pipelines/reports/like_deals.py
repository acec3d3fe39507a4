"""The closed deals that are most like one, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.terminal import wrapped
from serving.wording import NOBREAK, money

TITLE = "Closed deals most like it when they stood in this stage"


def lines(like: dict[str, Any]) -> list[str]:
    """A title, the record of the nearest, and what happened to each of the few that are named."""
    if not like.get("deals"):
        return []
    record = like["record"]
    said = "" if record is None else f": {record['won']} of the nearest {record['deals']} were won"
    found = ["", *wrapped(TITLE + said, "")]
    for deal in like["deals"]:
        found += wrapped(_what_happened(deal), "  • ")
    return found


def _what_happened(deal: dict[str, Any]) -> str:
    """Name and account, how it ended, how much later and when, and for how much."""
    account = "" if deal["account"] in deal["name"] else f" · {deal['account']}"
    day = date.fromisoformat(deal["closed_on"])
    after = "within a day" if deal["days"] < 1 else f"{_days(deal['days'])} later"
    ended = f"{'won' if deal['won'] else 'lost'} {after}, on {day.day}{NOBREAK}{day:%b}{NOBREAK}{day:%Y}"
    worth = "" if deal["amount"] is None else f", {money(deal['amount'], deal['currency'])}"
    return f"{deal['name']}{account}: {ended}{worth}"


def _days(days: int) -> str:
    return f"{days:,}{NOBREAK}{'day' if days == 1 else 'days'}"

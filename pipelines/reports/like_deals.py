"""The closed deals that are most like one, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.terminal import wrapped
from serving.formats import HOUSE, NOBREAK, Formats

TITLE = "Closed deals most like it when they stood in this stage"


def lines(like: dict[str, Any], formats: Formats = HOUSE) -> list[str]:
    """A title, the record of the nearest, and what happened to each of the few that are named."""
    if not like.get("deals"):
        return []
    record = like["record"]
    said = "" if record is None else f": {record['won']} of the nearest {record['deals']} were won"
    found = ["", *wrapped(TITLE + said, "")]
    for deal in like["deals"]:
        found += wrapped(_what_happened(deal, formats), "  • ")
    return found


def _what_happened(deal: dict[str, Any], formats: Formats) -> str:
    """Name and account, how it ended, how much later and when, and for how much."""
    account = "" if deal["account"] in deal["name"] else f" · {deal['account']}"
    after = "within a day" if deal["days"] < 1 else f"{_days(deal['days'], formats)} later"
    ended = f"{'won' if deal['won'] else 'lost'} {after}, on {formats.day(date.fromisoformat(deal['closed_on']))}"
    worth = "" if deal["amount"] is None else f", {formats.money(deal['amount'], deal['currency'])}"
    return f"{deal['name']}{account}: {ended}{worth}"


def _days(days: int, formats: Formats) -> str:
    return f"{formats.count(days)}{NOBREAK}{'day' if days == 1 else 'days'}"

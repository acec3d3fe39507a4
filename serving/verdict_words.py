"""What people say of deals, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serving.verdicts import OVERRIDE, SNOOZE, side_of
from serving.wording import percent


def said(row: Mapping[Any, Any]) -> str:
    """A verdict in words: "Anna, 3 Nov: too high, 25 % — budget frozen"."""
    made = row["made_at"]
    return f"{row['author']}, {made.day} {made:%b}: {verdict(row)}" + (f" — {row['note']}" if row["note"] else "")


def verdict(row: Mapping[Any, Any]) -> str:
    """What a person says, without who and when: "too high, 25 %"."""
    if row["verdict"] == SNOOZE:
        return f"snoozed until {row['until'].day} {row['until']:%b %Y}"
    side = side_of(row)
    called = f"too {side}" if side else "agrees"
    return f"{called}, {percent(float(row['probability']))}" if row["verdict"] == OVERRIDE else called


def of_another_chance(row: Mapping[str, Any], chance: float) -> str:
    """Of which chance a person spoke, where the model's is another by now; else empty."""
    then = percent(row["win_probability"])
    return f" (of {then} then)" if row["verdict"] != SNOOZE and then != percent(chance) else ""

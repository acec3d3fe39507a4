"""Who was champion when: promotions in their order, and what they leave to go back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class How(StrEnum):
    """How a version became champion."""

    GATE = "gate"
    FORCED = "forced"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class Promotion:
    """One change of the champion; `id` counts them from 1. `promoted_at` is UTC, without a zone."""

    id: int
    version: str
    from_version: str | None
    how: How
    reason: str
    promoted_by: str
    promoted_at: datetime


def line_of_champions(promotions: Sequence[Promotion]) -> tuple[str, ...]:
    """The champions that followed each other, the current one last.

    A rollback takes the champion that it left out of the line, so that the next one goes back further.
    """
    line: list[str] = []
    for promotion in promotions:
        if promotion.how is How.ROLLBACK:
            line.pop()
        else:
            line.append(promotion.version)
    return tuple(line)


def challenger_of(versions: Sequence[str], promotions: Sequence[Promotion]) -> str | None:
    """The newest version (the last one), unless it has been champion; None where there is no challenger."""
    been = {promotion.version for promotion in promotions}
    return versions[-1] if versions and versions[-1] not in been else None

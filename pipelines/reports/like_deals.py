"""The closed deals that are most like one, in words."""

from __future__ import annotations

from typing import Any

from pipelines.terminal import wrapped
from serving.deal_words import called, ended, like_title
from serving.formats import HOUSE, Formats


def lines(like: dict[str, Any], formats: Formats = HOUSE) -> list[str]:
    """A title, the record of the nearest, and what happened to each of the few that are named."""
    if not like.get("deals"):
        return []
    found = ["", *wrapped(like_title(like), "")]
    for deal in like["deals"]:
        found += wrapped(f"{called(deal)}: {ended(deal, formats)}", "  • ")
    return found

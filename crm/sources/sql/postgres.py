"""PostgreSQL's times as text: Python has none that are infinite, before the year 1 or after 9999."""

from __future__ import annotations

from typing import Any

from psycopg.types.string import TextLoader

TIMES = ("date", "timestamp", "timestamptz")


def times_as_text(connection: Any, _record: object) -> None:
    """Let a new connection of psycopg's hand out times as the server writes them, in ISO 8601."""
    for kind in TIMES:
        connection.adapters.register_loader(kind, TextLoader)

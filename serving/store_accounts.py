"""Accounts, their sessions and tokens, and the record of who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crm.errors import WrongUse
from serving.accounts import Account, Role, new_secret, secret_hash
from serving.database import Database, now
from serving.store_tables import ACCOUNTS, API_TOKENS, AUDIT, SESSIONS

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used: not every page is a write."""


class AccountStore(Database):
    """Who may sign in, who is signed in, and what they did."""

    def accounts(self) -> tuple[Account, ...]:
        """Every account, by name."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.username)).mappings().all()
        return tuple(Account.of(dict(row)) for row in rows)

    def password_hash(self, username: str) -> str | None:
        """The hash of an active account's password; None where there is none such."""
        query = sa.select(ACCOUNTS.c.password_hash).where(ACCOUNTS.c.username == username, ACCOUNTS.c.active)
        with self.transaction() as connection:
            return connection.execute(query).scalar()

    def account(self, username: str) -> Account | None:
        """An account by its name; None where there is none."""
        with self.transaction() as connection:
            row = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.username == username)).mappings().first()
        return None if row is None else Account.of(dict(row))

    def add_account(self, username: str, role: Role, user_id: str | None, password_hash: str | None) -> Account:
        """A new account. Raises WrongUse where the name is taken."""
        row = {"username": username, "role": role, "user_id": user_id, "password_hash": password_hash}
        try:
            with self.transaction() as connection:
                made = now()
                connection.execute(sa.insert(ACCOUNTS), {**row, "active": True, "created_at": made, "changed_at": made})
        except sa.exc.IntegrityError as error:
            raise WrongUse(f"there is an account '{username}' already", where="NAME") from error
        return Account(username, role, user_id, True, password_hash is not None)

    def change_account(self, username: str, **columns: Any) -> None:
        """Change columns of an account; whoever is signed in with it has to do so again, and tokens end."""
        with self.transaction() as connection:
            change = sa.update(ACCOUNTS).where(ACCOUNTS.c.username == username)
            found = connection.execute(change.values(**columns, changed_at=now())).rowcount
            if not found:
                raise _no_such(username)
            _end_all(connection, username)

    def remove_account(self, username: str) -> None:
        """Take an account away, with its sessions and tokens; what it did stays in the record."""
        with self.transaction() as connection:
            _end_all(connection, username)
            if not connection.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.username == username)).rowcount:
                raise _no_such(username)

    def begin_session(self, username: str, lasts: timedelta) -> str:
        """A new session of an account; its secret, which is kept nowhere."""
        secret, at = new_secret(), now()
        row = {"token_hash": secret_hash(secret), "username": username, "began_at": at, "seen_at": at}
        with self.transaction() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends_at < at))
            connection.execute(sa.insert(SESSIONS), {**row, "ends_at": at + lasts})
        return secret

    def session(self, secret: str, idle: timedelta) -> Account | None:
        """Whose session a secret stands for; None where it has ended, or was not used for too long."""
        key, at = secret_hash(secret), now()
        query = sa.select(ACCOUNTS, SESSIONS.c.seen_at).join(SESSIONS, SESSIONS.c.username == ACCOUNTS.c.username)
        query = query.where(SESSIONS.c.token_hash == key, SESSIONS.c.ends_at > at, SESSIONS.c.seen_at > at - idle)
        with self.transaction() as connection:
            row = connection.execute(query.where(ACCOUNTS.c.active)).mappings().first()
            if row is not None and row["seen_at"] < at - SEEN_EVERY:
                connection.execute(sa.update(SESSIONS).where(SESSIONS.c.token_hash == key).values(seen_at=at))
        return None if row is None else Account.of(dict(row))

    def end_session(self, secret: str) -> None:
        """A session is over: its secret lets nobody in any more."""
        with self.transaction() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.token_hash == secret_hash(secret)))

    def end_sessions(self, username: str) -> int:
        """All sessions and tokens of an account are over; how many there were."""
        with self.transaction() as connection:
            return _end_all(connection, username)

    def add_token(self, username: str, label: str, lasts: timedelta | None) -> str:
        """A new token of an account for the API; it is shown once and kept nowhere."""
        secret, at = new_secret(), now()
        row = {"token_hash": secret_hash(secret), "username": username, "label": label, "made_at": at}
        with self.transaction() as connection:
            connection.execute(sa.insert(API_TOKENS), {**row, "ends_at": None if lasts is None else at + lasts})
        return secret

    def token(self, secret: str) -> Account | None:
        """Whose token it is; None where it is nobody's, or has ended."""
        query = sa.select(ACCOUNTS).join(API_TOKENS, API_TOKENS.c.username == ACCOUNTS.c.username)
        query = query.where(API_TOKENS.c.token_hash == secret_hash(secret), ACCOUNTS.c.active)
        with self.transaction() as connection:
            row = connection.execute(query.where(_has_not_ended(API_TOKENS.c.ends_at))).mappings().first()
        return None if row is None else Account.of(dict(row))

    def tokens(self, username: str) -> tuple[dict[str, Any], ...]:
        """The tokens of an account, the first one first: label, made_at, ends_at."""
        query = sa.select(API_TOKENS.c.label, API_TOKENS.c.made_at, API_TOKENS.c.ends_at)
        with self.transaction() as connection:
            rows = connection.execute(query.where(API_TOKENS.c.username == username).order_by(API_TOKENS.c.made_at))
            return tuple(dict(row) for row in rows.mappings())

    def note(self, username: str, address: str, action: str, about: str = "") -> None:
        """Put into the record what somebody did."""
        row = {"at": now(), "username": username, "address": address, "action": action, "about": about}
        with self.transaction() as connection:
            connection.execute(sa.insert(AUDIT), row)

    def noted(self, action: str, since: datetime, **columns: str) -> int:
        """How often something was done since an instant, by the columns given."""
        query = sa.select(sa.func.count()).where(AUDIT.c.action == action, AUDIT.c.at > since)
        for name, value in columns.items():
            query = query.where(AUDIT.c[name] == value)
        with self.transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def audit(self, most: int) -> tuple[Mapping[str, Any], ...]:
        """The newest of the record first."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(most)).mappings().all()
        return tuple(dict(row) for row in rows)


def _end_all(connection: sa.Connection, username: str) -> int:
    tables = (SESSIONS, API_TOKENS)
    return sum(connection.execute(sa.delete(table).where(table.c.username == username)).rowcount for table in tables)


def _has_not_ended(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column > now())


def _no_such(username: str) -> WrongUse:
    return WrongUse(f"there is no account '{username}'", where="NAME", remedy="`dealcast users list` names them")

"""Who may sign in, and as what: names, roles, passwords, and the secrets that stand for a sign-in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from crm.errors import WrongUse

LEAST_PASSWORD, MOST_PASSWORD = 12, 256
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_HASHER = PasswordHasher()
"""Argon2id with the parameters that RFC 9106 recommends where memory is scarce."""
_NOBODYS = _HASHER.hash(secrets.token_hex(16))
"""What a password is held against where there is no such account: the answer takes as long."""


class Role(StrEnum):
    """What an account may see and do."""

    REP = "rep"  # own deals
    MANAGER = "manager"  # own deals, and those of everybody below
    ANALYST = "analyst"  # all deals with names masked; models
    ADMIN = "admin"  # everything


BOUND = (Role.REP, Role.MANAGER)
"""The roles that are somebody of the CRM: what they may see follows from who they are there."""


@dataclass(frozen=True)
class Account:
    """An account.

    :param user_id: who this is in the CRM; None for an account that is nobody there.
    :param has_password: whether it can sign in by itself; else only a proxy that is trusted lets it in.
    """

    username: str
    role: Role
    user_id: str | None
    active: bool
    has_password: bool

    @staticmethod
    def of(row: Mapping[str, Any]) -> Account:
        """The account of a row of the store's `users`."""
        return Account(
            row["username"], Role(row["role"]), row["user_id"], row["active"], row["password_hash"] is not None
        )


def checked_name(username: str) -> str:
    """A name as it is kept: in small letters. Raises WrongUse for one that is none."""
    name = username.strip().casefold()
    if not _NAME.fullmatch(name):
        expected = "letters a to z, digits and . _ @ + -, 100 at most, beginning with a letter or digit"
        raise WrongUse(f"'{username}' cannot be a name", where="NAME", expected=expected)
    return name


def hashed(password: str, username: str) -> str:
    """A password as it is kept: Argon2id. Raises WrongUse for one that is too easily guessed."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        expected = f"{LEAST_PASSWORD} to {MOST_PASSWORD} characters"
        raise WrongUse(f"the password has {len(password)} characters", where="password", expected=expected)
    if len(set(password)) < LEAST_PASSWORD // 2 or username in password.casefold():
        raise WrongUse(
            "the password is easily guessed",
            where="password",
            expected="other characters than one or two again and again, and not the name in it",
        )
    return _HASHER.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether a password is the one that is kept; without any it takes as long to say no."""
    try:
        _HASHER.verify(_NOBODYS if kept is None else kept, password[: MOST_PASSWORD + 1])
    except VerificationError:
        return False
    return kept is not None


def new_secret() -> str:
    """A secret that stands for a sign-in or a token; 256 random bits."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """What is kept of a secret: whoever reads the store cannot sign in with it."""
    return sha256(secret.encode()).hexdigest()

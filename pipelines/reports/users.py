"""Accounts, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipelines.terminal import cut, wrap
from pipelines.users import Listed
from serving.accounts import Account


def users_text(listed: Sequence[Listed]) -> str:
    """A line an account."""
    if not listed:
        return wrap("There is no account yet: dealcast users add NAME --role ROLE")
    lines = [f"{'name':24} {'role':8} {'in the CRM':24} {'signs in':12} tokens"]
    for one in listed:
        how = "not at all" if not one.account.active else "by password" if one.account.has_password else "by proxy"
        person = one.called or one.account.user_id or "–"
        lines.append(
            f"{cut(one.account.username, 24):24} {one.account.role:8} {cut(person, 24):24} {how:12} {one.tokens:6}"
        )
    return "\n".join(lines)


def users_json(listed: Sequence[Listed]) -> str:
    """The same for a machine."""
    return json.dumps(
        [
            {
                "username": one.account.username,
                "role": one.account.role,
                "user_id": one.account.user_id,
                "active": one.account.active,
                "has_password": one.account.has_password,
                "tokens": one.tokens,
            }
            for one in listed
        ],
        ensure_ascii=False,
    )


def account_text(account: Account, became: str) -> str:
    """What became of an account."""
    person = "" if account.user_id is None else f", {account.user_id} in the CRM"
    return wrap(f"The account {account.username} ({account.role}{person}) {became}.")


def token_text(token: str) -> str:
    """A token, which is shown this once."""
    return f"{token}\n\n" + wrap("It is shown this once and kept nowhere. Send it as: Authorization: Bearer TOKEN")

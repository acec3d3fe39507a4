"""What an account may see of deals: the one place that decides, for every page, answer, export and sum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from serving.accounts import Account, Role
from serving.staff import Staff


@dataclass(frozen=True)
class Sight:
    """Whose deals are seen, and whether names are.

    :param owners: ids of the owners whose deals are seen; None: everybody's, and those without an owner.
    :param masked: whether names of deals, accounts and people are hidden.
    """

    owners: frozenset[str] | None
    masked: bool = False

    def sees(self, owner_id: str | None) -> bool:
        """Whether a deal of that owner is seen."""
        return self.owners is None or (owner_id is not None and owner_id in self.owners)

    def condition(self, owner_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """The same as a condition on a column of owners."""
        return sa.true() if self.owners is None else owner_id.in_(sorted(self.owners))

    def among(self, owners: frozenset[str]) -> Sight:
        """The same sight of some owners alone: never of more than is seen."""
        return Sight(owners if self.owners is None else owners & self.owners, self.masked)


EVERYTHING = Sight(None)


def visible_deals(account: Account, staff: Staff) -> Sight:
    """What an account sees. A rep: own deals; a manager: those of everybody below, too; an analyst: all, masked."""
    if not account.active:
        return Sight(frozenset())
    match account.role:
        case Role.ADMIN:
            return EVERYTHING
        case Role.ANALYST:
            return Sight(None, masked=True)
        case Role.MANAGER:
            return Sight(_own(account) | (frozenset() if account.user_id is None else staff.below(account.user_id)))
        case Role.REP:
            return Sight(_own(account))


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A deal's row without names: ids stand for them, in what is told of it as well."""
    known = {row.get("name"): row["opportunity_id"], row.get("account"): row.get("account_id") or "an account"}
    known[row.get("owner")] = row.get("owner_id") or "an owner"
    names = {str(name): str(stands) for name, stands in known.items() if name}
    if not names:
        return dict(row)
    longest_first = sorted(names, key=len, reverse=True)
    found = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first))

    def without(value: Any) -> Any:
        if isinstance(value, str):
            return found.sub(lambda match: names[match.group()], value)
        if isinstance(value, Mapping):
            return {key: without(one) for key, one in value.items()}
        return [without(one) for one in value] if isinstance(value, list | tuple) else value

    return {column: value if column.endswith("_id") else without(value) for column, value in row.items()}


def _own(account: Account) -> frozenset[str]:
    return frozenset() if account.user_id is None else frozenset({account.user_id})

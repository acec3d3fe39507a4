"""Who reports to whom, by the CRM's users as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Staff:
    """The CRM's users by id (columns of `crm_users`).

    Whoever is named as a manager and is no user of the CRM manages all the same.
    """

    users: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def of(users: Iterable[Mapping[str, Any]]) -> Staff:
        """The staff of these rows."""
        return Staff({user["user_id"]: user for user in users})

    def name(self, user_id: str) -> str:
        """What people call a user; the id where there is no name."""
        return str(self.users.get(user_id, {}).get("name") or user_id)

    def reports(self, user_id: str) -> frozenset[str]:
        """Who reports to a user directly."""
        return frozenset(self._reports.get(user_id, ())) - {user_id}

    def below(self, user_id: str) -> frozenset[str]:
        """Who reports to a user, directly or through others; never themselves, however the reports may circle."""
        found: set[str] = set()
        asked = [user_id]
        while asked:
            new = self.reports(asked.pop()) - found
            found |= new
            asked += new
        return frozenset(found - {user_id})

    @cached_property
    def _reports(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for user_id, user in self.users.items():
            if user.get("manager_id"):
                found.setdefault(user["manager_id"], []).append(user_id)
        return found

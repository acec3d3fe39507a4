"""Who belongs to whom: sums over owners at the levels of the company, its regions, managers and owners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.tables import CrmTables

LEVELS = ("company", "region", "manager", "owner")
COMPANY = "company"
"""The key of the whole company."""
NOBODY = "(none)"
"""The key of what has no owner, no manager or no region."""


@dataclass(frozen=True)
class Hierarchy:
    """The key of each owner at each level, as the tables show it today.

    An owner's code is the row in `owners`; the code behind the last, :attr:`nobody`, stands for having no owner.

    :param owners: ids of owners of deals and, behind them, of those who have a quota and no deal yet.
    :param keys: each level's keys: sorted, :data:`NOBODY` last. A level that tells nothing is left out.
    :param places: the place of each owner code's key among the level's keys; shape (owners + 1,) each.
    :param managers: the manager's id of each user that has one.
    :param regions: the region of each user that has one.
    :param names: names of users by id.
    """

    owners: pd.Index
    keys: Mapping[str, tuple[str, ...]]
    places: Mapping[str, np.ndarray]
    managers: Mapping[str, str]
    regions: Mapping[str, str]
    names: Mapping[str, str]

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that there are, from the company downwards."""
        return tuple(self.keys)

    @property
    def nobody(self) -> int:
        """The owner code of what has no owner."""
        return len(self.owners)

    def key_of(self, level: str, code: int) -> str:
        """The key of an owner's code at a level."""
        return self.keys[level][self.places[level][code]]

    def codes(self, found: np.ndarray) -> np.ndarray:
        """Owner codes of what was found among the owners (-1 = no owner); shape (n,), int64."""
        return np.where(found < 0, self.nobody, found)

    def total(self, level: str, values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """Values by owner code, shape (owners + 1, …), summed by the level's keys: the keys, sums of shape (keys, …).

        Whole numbers are summed as such, so that the sums of every level come to exactly the same.
        """
        sums = np.zeros((len(self.keys[level]), *values.shape[1:]), dtype=values.dtype)
        np.add.at(sums, self.places[level], values)
        return self.keys[level], sums

    def name(self, level: str, key: str) -> str:
        """What people call a key: a user's name where there is one, else the key itself."""
        return self.names.get(key, key) if level in ("manager", "owner") else key


def hierarchy_of(tables: CrmTables, owners: pd.Index) -> Hierarchy:
    """Who belongs to whom, by the table of users; a region that it does not give is that of most deals owned.

    :param owners: ids of all who have owned a deal, `histories.coded("owner_id").levels`; their codes stay.
    """
    users = tables["users"]
    managers, regions = (_given(users, column) for column in ("manager_id", "region"))
    owners = owners.append(pd.Index(_without_deals(tables, owners, managers), dtype=owners.dtype))
    of_deals = _most_common_regions(tables)
    found = {
        "company": [COMPANY] * (len(owners) + 1),
        "region": [*(regions.get(owner, of_deals.get(owner, NOBODY)) for owner in owners), NOBODY],
        "manager": [*(managers.get(owner, NOBODY) for owner in owners), NOBODY],
        "owner": [*owners, NOBODY],
    }
    found = {level: keys for level, keys in found.items() if set(keys) != {NOBODY}}
    keys = {level: tuple(sorted(set(of), key=lambda key: (key == NOBODY, key))) for level, of in found.items()}
    places = {level: pd.Index(keys[level]).get_indexer(pd.Index(of)) for level, of in found.items()}
    return Hierarchy(owners, keys, places, managers, regions, user_names(users))


def user_names(users: pd.DataFrame) -> dict[str, str]:
    """Names of users by id; the id where there is no name."""
    return dict(zip(users["user_id"], users["name"].fillna(users["user_id"]), strict=True))


def _given(users: pd.DataFrame, column: str) -> dict[str, str]:
    """A column of users by their ids, where it is given."""
    given = users[users[column].notna()]
    return dict(zip(given["user_id"], given[column], strict=True))


def _without_deals(tables: CrmTables, owners: pd.Index, managers: Mapping[str, str]) -> list[str]:
    """Who has a quota, no deal, and manages nobody: who is to sell and has not begun. None where nobody owns deals."""
    if not len(owners):
        return []
    holders = set(tables["quotas"]["user_id"].dropna())
    return sorted(holders - set(owners) - set(managers.values()))


def _most_common_regions(tables: CrmTables) -> dict[str, str]:
    """The region of most deals of each owner; of regions with as many the first by name."""
    deals = tables["opportunities"]
    counts = deals.groupby(["owner_id", "region"]).size().rename("deals").reset_index()
    counts = counts.sort_values(["owner_id", "deals", "region"], ascending=[True, False, True])
    first = counts.drop_duplicates("owner_id")
    return dict(zip(first["owner_id"], first["region"], strict=True))

"""Which records are new or changed: first the whole list, later a search by when they were last changed.

HubSpot's search hands out 10,000 results at most and takes a moment to learn of a change. So a search never pages:
each asks for the records changed since the last one of the search before, and each sync begins a while before
where the last one ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm.errors import DataRefused
from crm.hubspot.account import SEARCH, Account, Record

CHANGED, KEY = "hs_lastmodifieddate", "hs_object_id"
OVERLAP = 10 * 60_000  # milliseconds that are asked for again: search may lag behind what people do
TOGETHER = 1000  # ids handed out at once
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reach:
    """How far a table has been fetched.

    :param changed: all changes up to here (milliseconds) are known, once the list is through.
    :param after: where the list goes on; None where it is through.
    """

    changed: int
    after: str | None = None

    @property
    def cursor(self) -> str:
        """As the mirror keeps it."""
        return json.dumps({"changed": self.changed, **({"after": self.after} if self.after else {})})


def reach_of(cursor: str) -> Reach:
    """The reverse of `Reach.cursor`."""
    try:
        said = json.loads(cursor)
        return Reach(int(said["changed"]), said.get("after"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataRefused(
            f"'{cursor[:80]}' is no place that a sync of HubSpot has reached",
            where="the mirror's manifest",
            expected="what an earlier sync wrote",
            remedy="sync everything anew: dealcast sync --whole",
        ) from None


def new_ids(account: Account, object_type: str, since: str | None) -> Iterator[tuple[list[str], str]]:
    """Ids of the records that are new or changed since a cursor, each lot with the cursor that comes after it."""
    reach = reach_of(since) if since else None
    if reach is None or reach.after:
        yield from _listed(account, object_type, reach)
    else:
        yield from _changed(account, object_type, reach)


def _listed(account: Account, object_type: str, reach: Reach | None) -> Iterator[tuple[list[str], str]]:
    """All of them. What is changed while they are listed was changed after the newest change before."""
    until = reach.changed if reach else _newest(account, object_type)
    ids: list[str] = []
    for page, after in account.pages(object_type, reach.after if reach else None):
        ids += page
        if after is None or len(ids) >= TOGETHER:
            yield ids, Reach(until, after).cursor
            ids = []


def _newest(account: Account, object_type: str) -> int:
    found = account.search(object_type, (), CHANGED, descending=True)
    return _changed_at(found[0]) if found else 0


def _changed(account: Account, object_type: str, reach: Reach) -> Iterator[tuple[list[str], str]]:
    low, seen = max(0, reach.changed - OVERLAP), set[str]()
    while True:
        page = account.search(object_type, [_from(CHANGED, "GTE", low)], CHANGED)
        high = _changed_at(page[-1]) if page else low
        ids = [str(record["id"]) for record in page]
        if len(page) == SEARCH and high == low:  # more were changed in one instant than an answer holds
            ids, high = list(_of_instant(account, object_type, low)), low + 1
        yield [key for key in ids if key not in seen], Reach(max(high, reach.changed)).cursor
        if len(page) < SEARCH:
            return
        seen, low = set(ids), high


def _of_instant(account: Account, object_type: str, instant: int) -> Iterator[str]:
    """All records that were last changed in one instant, by their ids."""
    filters = [_from(CHANGED, "EQ", instant)]
    while True:
        page = [str(record["id"]) for record in account.search(object_type, filters, KEY)]
        yield from page
        if len(page) < SEARCH:
            return
        filters = [_from(CHANGED, "EQ", instant), _from(KEY, "GT", int(page[-1]))]


def _from(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _changed_at(record: Record) -> int:
    return -(-(datetime.fromisoformat(record["properties"][CHANGED]) - _EPOCH) // timedelta(milliseconds=1))

"""Tasks in Salesforce: rows of Task under an external id of ours, made and deleted by sObject Collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from crm.errors import WrongUse
from crm.salesforce.line import Unanswered
from crm.salesforce.objects import TASK_KEY
from crm.salesforce.org import MOST_IN_A_COLLECTION, Org
from serving.sinks.salesforce_fields import task_key_definition
from serving.sinks.salesforce_rows import rows_by
from serving.sinks.sink import Fate, Outcome, Value, Values
from serving.sinks.tasks import COMPLETED, FIELDS, NO_TASK, NORMAL, OPEN, DealNow, is_deletion

OBJECT, DEAL = "Task", "Opportunity"
_COLUMNS = ("Id", "WhatId", "OwnerId", "Subject", "Description", "ActivityDate", "Status", "Priority", "IsClosed")


class SalesforceTasks:
    """Tasks about opportunities.

    :param key: the field that holds a deal's id; :param open_status, normal_priority: what these are called there.
    """

    batch, fields = MOST_IN_A_COLLECTION, FIELDS

    def __init__(self, name: str, org: Org, key: str, open_status: str, normal_priority: str) -> None:
        self.name, self._org, self._key = name, org, key
        self._open, self._normal = open_status, normal_priority

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{self._org.address}#{OBJECT}"

    def definitions(self) -> str:
        """The field that tells our tasks apart, as Salesforce's metadata."""
        return task_key_definition()

    def deals(self, ids: Sequence[str]) -> Mapping[str, DealNow]:
        """The opportunities as they stand there now."""
        rows = rows_by(self._org, DEAL, self._key, ids, [*self._ids, "OwnerId", "IsClosed"])
        return {one: DealNow(row["OwnerId"], bool(row["IsClosed"])) for one, row in rows.items()}

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """The tasks under these keys; one in the bin is none."""
        self._require_key()
        rows = self._rows(ids, _COLUMNS)
        deals = self._deals_of([row["WhatId"] for row in rows.values() if row["WhatId"]])
        return {one: self._ours(rows[one], deals) if one in rows else NO_TASK for one in ids}

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Make tasks, and delete those that are to hold nothing."""
        gone = [one for one, values in rows.items() if is_deletion(values)]
        outcomes = self._made({one: values for one, values in rows.items() if one not in gone})
        return [*outcomes, *self._deleted(gone)]

    def _made(self, rows: Mapping[str, Values]) -> list[Outcome]:
        if not rows:
            return []
        ids = self._salesforce_ids(sorted({str(values["opportunity_id"]) for values in rows.values()}))
        ready = {one: values for one, values in rows.items() if values["opportunity_id"] in ids}
        missing = [Outcome(one, Fate.FAILED, "there is no such opportunity") for one in rows if one not in ready]
        if not ready:
            return missing
        records = [
            self._theirs(one, values, ids[str(values["opportunity_id"])]) for one, values in sorted(ready.items())
        ]
        try:
            answers = self._org.upsert(OBJECT, TASK_KEY, records)
        except Unanswered as error:
            return [*missing, *(Outcome(one, Fate.UNCLEAR, error.found) for one in ready)]
        return [*missing, *(_outcome(one, answer) for one, answer in zip(sorted(ready), answers, strict=True))]

    def _deleted(self, keys: Sequence[str]) -> list[Outcome]:
        if not keys:
            return []
        rows = self._rows(keys, ("Id",))
        there = sorted(rows)
        done = [Outcome(one, Fate.WRITTEN) for one in keys if one not in rows]
        try:
            answers = self._org.delete([str(rows[one]["Id"]) for one in there]) if there else []
        except Unanswered as error:
            return [*done, *(Outcome(one, Fate.UNCLEAR, error.found) for one in there)]
        return [*done, *(_outcome(one, answer) for one, answer in zip(there, answers, strict=True))]

    def _rows(self, keys: Sequence[str], columns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return rows_by(self._org, OBJECT, TASK_KEY, keys, [TASK_KEY, *columns])

    def _theirs(self, key: str, values: Values, deal: str) -> dict[str, Value]:
        return {
            TASK_KEY: key,
            "WhatId": deal,
            "OwnerId": values["owner_id"],
            "Subject": values["subject"],
            "Description": values["description"],
            "ActivityDate": values["due"],
            "Status": self._open if values["status"] == OPEN else values["status"],
            "Priority": self._normal if values["priority"] == NORMAL else values["priority"],
        }

    def _ours(self, row: Mapping[str, Any], deals: Mapping[str, str]) -> Values:
        status = OPEN if row["Status"] == self._open else COMPLETED if row["IsClosed"] else row["Status"]
        return {
            "opportunity_id": deals.get(str(row["WhatId"]), row["WhatId"]),
            "owner_id": row["OwnerId"],
            "subject": row["Subject"],
            "description": row["Description"],
            "due": row["ActivityDate"],
            "status": status,
            "priority": NORMAL if row["Priority"] == self._normal else row["Priority"],
        }

    @property
    def _ids(self) -> list[str]:
        return list(dict.fromkeys((self._key, "Id")))

    def _salesforce_ids(self, deals: Sequence[str]) -> dict[str, str]:
        """The opportunities' own ids by ours; those that are not there are left out."""
        rows = rows_by(self._org, DEAL, self._key, deals, self._ids)
        return {one: str(row["Id"]) for one, row in rows.items()}

    def _deals_of(self, salesforce_ids: Sequence[str]) -> dict[str, str]:
        """Our ids of opportunities by their own."""
        if self._key == "Id" or not salesforce_ids:
            return {}
        rows = rows_by(self._org, DEAL, "Id", sorted(set(salesforce_ids)), self._ids)
        return {one: str(row[self._key]) for one, row in rows.items()}

    def _require_key(self) -> None:
        if not self._may_write_key:
            raise WrongUse(
                f"{OBJECT} has no field {TASK_KEY} that the user may write",
                where=self.address,
                expected="a unique external id of that name, and a permission set that lets the user edit it",
                remedy=f"create it: dealcast tasks --sink {self.name} --fields prints it",
            )

    @cached_property
    def _may_write_key(self) -> bool:
        described = self._org.describe(OBJECT) or {"fields": []}
        return any(field["name"] == TASK_KEY and field["updateable"] for field in described["fields"])


def _outcome(key: str, answer: Mapping[str, Any]) -> Outcome:
    said = "; ".join(f"{one['statusCode']}: {one['message']}" for one in answer["errors"])
    if answer["success"]:
        return Outcome(key, Fate.WRITTEN)
    # Somebody was quicker: what stands there now says whether it is ours.
    doubled = any(one["statusCode"] == "DUPLICATE_VALUE" for one in answer["errors"])
    return Outcome(key, Fate.UNCLEAR if doubled else Fate.FAILED, said)

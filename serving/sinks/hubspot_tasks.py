"""Tasks in HubSpot: told apart by a unique property of ours, made with their deal, deleted into the recycle bin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from html import escape, unescape
from typing import Any

from crm.errors import DealcastError
from crm.hubspot.account import BATCH, Account, Record
from crm.hubspot.problems import Unanswered
from crm.sources.hubspot.cells import TASK_KEY
from serving.sinks.hubspot_answers import STAGE, closed_stages, outcomes_of
from serving.sinks.sink import Fate, Outcome, Value, Values
from serving.sinks.tasks import COMPLETED, FIELDS, NO_TASK, NORMAL, OPEN, DealNow, is_deletion

TASKS, DEALS, OWNER = "tasks", "deals", "hubspot_owner_id"
KEY = TASK_KEY  # of all who write there: nobody is asked twice for the same
GROUP = {"name": "dealcast", "label": "Dealcast"}
TAKEN = "CONFLICTING_UNIQUE_VALUE"
TASK_TO_DEAL = 216  # HubSpot's type of the association
_STATUS = {OPEN: "NOT_STARTED", COMPLETED: "COMPLETED"}
_PRIORITY = {NORMAL: "MEDIUM"}
_PROPERTIES = {
    "owner_id": OWNER,
    "subject": "hs_task_subject",
    "description": "hs_task_body",
    "due": "hs_timestamp",
    "status": "hs_task_status",
    "priority": "hs_task_priority",
}
_NOON = "T12:00:00.000Z"  # of the day on which it is due: the same day from California to Sydney
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


class HubSpotTasks:
    """Tasks that belong to deals. :param enter: the account, entered with the first question."""

    batch, fields = BATCH, FIELDS

    def __init__(self, name: str, address: str, enter: Callable[[], Account]) -> None:
        self.name, self._address, self._enter = name, address, enter

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{self._address}#{TASKS}"

    def definitions(self) -> str:
        """The calls that create the property, as JSON: path → body."""
        definition = {
            "name": KEY,
            "label": "Dealcast: Key",
            "description": "Tells the tasks that Dealcast has made from those of people.",
            "groupName": GROUP["name"],
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        }
        path = f"POST /crm/v3/properties/{TASKS}"
        calls: dict[str, Mapping[str, object]] = {f"{path}/groups": GROUP, path: definition}
        return json.dumps(calls, indent=2)

    def deals(self, ids: Sequence[str]) -> Mapping[str, DealNow]:
        """The deals as they stand there now; one that was merged into another is not there any more."""
        asked = set(ids)
        return {
            str(record["id"]): DealNow(
                record["properties"].get(OWNER) or None, record["properties"].get(STAGE) in self._closed_stages
            )
            for record in self._account.read(DEALS, list(ids), [STAGE, OWNER])
            if str(record["id"]) in asked
        }

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """The tasks under these keys; one in the recycle bin is none."""
        self._require_key()
        records = self._records(ids)
        deals: dict[str, list[str]] = {}
        for task, deal, _ in self._account.links(TASKS, DEALS, [str(one["id"]) for one in records.values()]):
            deals.setdefault(task, []).append(deal)
        return {one: _ours(records[one], deals) if one in records else NO_TASK for one in ids}

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Make tasks, and delete those that are to hold nothing."""
        gone = [one for one, values in rows.items() if is_deletion(values)]
        return [*self._made({k: v for k, v in rows.items() if k not in gone}), *self._deleted(gone)]

    def _made(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        if not rows:
            return []
        inputs = [_input(key, values) for key, values in rows.items()]
        try:
            answer = self._account.create(TASKS, inputs)
        except Unanswered as lost:
            return [Outcome(key, Fate.UNCLEAR, str(lost)) for key in rows]
        made = {str(record["properties"].get(KEY)) for record in answer.get("results", [])}
        # Where somebody was quicker, what stands there now says whether it is ours.
        return [
            Outcome(one.record_id, Fate.UNCLEAR, one.said) if TAKEN in one.said else one
            for one in outcomes_of(rows, made, answer)
        ]

    def _deleted(self, keys: Sequence[str]) -> Sequence[Outcome]:
        if not keys:
            return []
        ids = [str(record["id"]) for record in self._records(keys).values()]
        try:
            if ids:
                self._account.archive(TASKS, ids)
        except Unanswered as lost:
            return [Outcome(key, Fate.UNCLEAR, str(lost)) for key in keys]
        return [Outcome(key, Fate.WRITTEN) for key in keys]

    def _records(self, keys: Sequence[str]) -> dict[str, Record]:
        wanted = [KEY, *_PROPERTIES.values()]
        found = self._account.read(TASKS, list(keys), wanted, id_property=KEY)
        return {str(record["properties"][KEY]): record for record in found}

    @cached_property
    def _account(self) -> Account:
        return self._enter()

    @cached_property
    def _closed_stages(self) -> frozenset[str]:
        return closed_stages(self._account)

    def _require_key(self) -> None:
        """:raises DealcastError: where the property is not there, or may hold the same text twice."""
        if self._is_unique is not True:
            found = "tasks have no property" if self._is_unique is None else "its values need not be unique:"
            raise DealcastError(
                f"{found} {KEY}",
                where=self.address,
                expected="a text property of tasks with unique values",
                remedy=f"have an administrator create what `dealcast tasks --sink {self.name} --fields` prints",
            )

    @cached_property
    def _is_unique(self) -> bool | None:
        """Whether the property's values are unique; None where it is not there."""
        found = (one for one in self._account.properties(TASKS) if one["name"] == KEY)
        return next((bool(one.get("hasUniqueValue")) for one in found), None)


def _input(key: str, values: Values) -> dict[str, Any]:
    """A task that is to be made. With an id of its own it is judged by itself; else one bad one refuses them all."""
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TASK_TO_DEAL}
    return {
        "objectWriteTraceId": key,
        "properties": {KEY: key, "hs_task_type": "TODO", **_theirs(values)},
        "associations": [{"to": {"id": values["opportunity_id"]}, "types": [kind]}],
    }


def _theirs(values: Values) -> dict[str, str]:
    """A task's values as HubSpot takes them: a description is HTML there, a due day an instant."""
    told: dict[str, Value] = {
        **values,
        "description": escape(str(values["description"] or ""), quote=False).replace("\n", "<br>"),
        "due": f"{values['due']}{_NOON}",
        "status": _STATUS.get(str(values["status"]), values["status"]),
        "priority": _PRIORITY.get(str(values["priority"]), values["priority"]),
    }
    return {theirs: "" if told[ours] is None else str(told[ours]) for ours, theirs in _PROPERTIES.items()}


def _ours(record: Mapping[str, Any], deals: Mapping[str, Sequence[str]]) -> Values:
    held = {ours: record["properties"].get(theirs) for ours, theirs in _PROPERTIES.items()}
    return {
        **held,
        "opportunity_id": ", ".join(sorted(deals.get(str(record["id"]), ()))) or None,
        "description": unescape(_TAG.sub("", _BREAK.sub("\n", held["description"] or ""))),
        "status": _named(_STATUS, held["status"]),
        "priority": _named(_PRIORITY, held["priority"]),
    }


def _named(names: Mapping[str, str], theirs: str | None) -> str | None:
    return next((ours for ours, name in names.items() if name == theirs), theirs)

"""Salesforce: opportunities, by sObject Collections where there are few, else by jobs of Bulk API 2.0."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crm.errors import DealcastError, WrongUse
from crm.patience import Patience
from crm.salesforce.entry import NAMES, door
from crm.salesforce.line import Unanswered
from crm.salesforce.org import MOST_IN_A_COLLECTION, Org
from serving.sinks.kinds import SinkKind
from serving.sinks.salesforce_fields import api_name, cell, definitions, ours, theirs
from serving.sinks.salesforce_rows import rows_by
from serving.sinks.salesforce_tasks import SalesforceTasks
from serving.sinks.sink import Fate, Outcome, Values
from serving.writeback.fields import BY_NAME, FIELDS

OBJECT = "Opportunity"
RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")


@dataclass(frozen=True)
class SalesforceSettings:
    """What `[sinks.NAME]` says.

    :param url: salesforce://my-domain.my.salesforce.com.
    :param key: the field that holds a deal's id: `Id`, or an external id where the tables have ids of their own.
    :param task_status: what the status of an open task is called there; `task_priority`: the usual priority of tasks.
    """

    url: str
    key: str = "Id"
    task_status: str = "Not Started"
    task_priority: str = "Normal"


class SalesforceSink:
    """The opportunities of a company's Salesforce.

    :param collections_up_to: from how many records on a job of Bulk API 2.0 is used.
    """

    batch, fields = 10_000, FIELDS

    def __init__(
        self, name: str, org: Org, settings: SalesforceSettings, collections_up_to: int = MOST_IN_A_COLLECTION
    ) -> None:
        self.name, self._org, self._settings, self._few = name, org, settings, collections_up_to
        self._key = settings.key

    @property
    def address(self) -> str:
        """Where it is."""
        return self._org.address

    def definitions(self) -> str:
        """Our fields as Salesforce's metadata, for `sf project deploy start --metadata-dir`."""
        return definitions()

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """What the opportunities hold in our fields now; those that are not there, or in the bin, are left out."""
        self._require_fields()
        columns = [api_name(field) for field in FIELDS]
        found = self._found(ids, [self._key, *columns])
        return {
            one: {field.name: ours(field, row[column]) for field, column in zip(FIELDS, columns, strict=True)}
            for one, row in found.items()
        }

    def closed(self, ids: Sequence[str]) -> frozenset[str]:
        """Those that are won or lost by now."""
        found = self._found(ids, [self._key, "IsClosed"])
        return frozenset(one for one, row in found.items() if row["IsClosed"])

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Write our fields of opportunities that are there; one that is not is refused, and never made."""
        records = {
            one: {api_name(BY_NAME[name]): theirs(name, v) for name, v in row.items()} for one, row in rows.items()
        }
        if len(rows) > self._few:
            return self._by_job(records)
        return [
            outcome for part in _parts(list(records), MOST_IN_A_COLLECTION) for outcome in self._at_once(part, records)
        ]

    def tasks(self) -> SalesforceTasks:
        """Tasks about opportunities."""
        said = self._settings
        return SalesforceTasks(self.name, self._org, said.key, said.task_status, said.task_priority)

    def _at_once(self, part: Sequence[str], records: Mapping[str, Mapping[str, Any]]) -> list[Outcome]:
        there: list[str] = []
        try:
            salesforce_ids = self._salesforce_ids(part)
            there = [one for one in part if one in salesforce_ids]
            answers = self._org.update(OBJECT, [{"Id": salesforce_ids[one], **records[one]} for one in there])
        except Unanswered as error:
            return [*_missing(part, there), *_all(there, Fate.UNCLEAR, error)]
        except DealcastError as error:  # parts before this one have been written, so that it is no end
            return _all(part, Fate.FAILED, error)
        outcomes = _missing(part, there)
        for one, answer in zip(there, answers, strict=True):
            said = "; ".join(f"{e['statusCode']}: {e['message']}" for e in answer["errors"])
            outcomes.append(Outcome(one, Fate.WRITTEN if answer["success"] else Fate.FAILED, said))
        return outcomes

    def _by_job(self, records: Mapping[str, Mapping[str, Any]]) -> list[Outcome]:
        try:
            there = list(self._salesforce_ids(list(records)))
        except DealcastError as error:
            return _all(list(records), Fate.FAILED, error)
        outcomes = _missing(list(records), there)
        jobs = self._org.bulk(OBJECT)
        parts: dict[tuple[str, ...], list[str]] = {}
        for one in there:  # an empty cell means "leave as it is": rows of a job have the same fields
            parts.setdefault(tuple(records[one]), []).append(one)
        for columns, ids in parts.items():
            text = _csv([self._key, *columns], ([one, *(cell(records[one][c]) for c in columns)] for one in ids))
            try:
                job = jobs.start_upsert(text, self._key)
            except DealcastError as error:  # the job was never closed, so that it does nothing
                outcomes += _all(ids, Fate.FAILED, error)
                continue
            outcomes += self._reconciled(jobs, job, ids)
        return outcomes

    def _reconciled(self, jobs: Any, job: str, ids: Sequence[str]) -> list[Outcome]:
        """What became of each row of a job, by id."""
        fates: dict[str, Outcome] = {}
        why = "the job did not say what became of it"
        try:
            _close(jobs, job)
            try:
                jobs.wait(job, is_query=False)
            except Unanswered:
                raise
            except DealcastError as error:  # failed or aborted: what it has done until then, it has done
                why = error.found
            for which, fate in zip(RESULTS, (Fate.WRITTEN, Fate.FAILED, Fate.FAILED), strict=True):
                for row in csv.DictReader(io.StringIO(jobs.written(job, which), newline="")):
                    fates[row[self._key]] = Outcome(row[self._key], fate, row.get("sf__Error") or _said(which, why))
        except DealcastError as error:
            why = error.found
        return [fates.get(one, Outcome(one, Fate.UNCLEAR, why)) for one in ids]

    def _salesforce_ids(self, ids: Sequence[str]) -> dict[str, str]:
        """The opportunities' own ids by ours; those that are not there are left out."""
        if self._key == "Id":
            return {one: one for one in ids}
        return {one: row["Id"] for one, row in self._found(ids, ["Id", self._key]).items()}

    def _found(self, ids: Sequence[str], columns: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Rows of the opportunities with these ids, by the ids as they were given."""
        return rows_by(self._org, OBJECT, self._key, ids, columns)

    def _require_fields(self) -> None:
        if self._missing_fields:
            raise WrongUse(
                f"{OBJECT} has no field {', '.join(self._missing_fields)} that the user may write",
                where=self.address,
                expected="our own fields, and a permission set that lets the user edit them",
                remedy=f"create them: dealcast writeback --sink {self.name} --fields prints them",
            )

    @cached_property
    def _missing_fields(self) -> Sequence[str]:
        described = self._org.describe(OBJECT) or {"fields": []}
        may = {str(field["name"]): bool(field["updateable"]) for field in described["fields"]}
        wanted = [api_name(field) for field in FIELDS]
        return [name for name in wanted if not may.get(name)] + [k for k in (self._key,) if k not in may]


def _close(jobs: Any, job: str) -> None:
    """Have a job's rows written; where no answer comes, its state tells whether it has begun."""
    try:
        jobs.close(job)
    except Unanswered:
        if jobs.state(job) == "Open":
            jobs.close(job)


def _said(which: str, why: str) -> str:
    return f"not processed: {why}" if which == RESULTS[2] else ""


def _all(ids: Sequence[str], fate: Fate, error: DealcastError) -> list[Outcome]:
    return [Outcome(one, fate, error.found) for one in ids]


def _missing(ids: Sequence[str], there: Iterable[str]) -> list[Outcome]:
    found = set(there)
    return [Outcome(one, Fate.FAILED, "there is no such opportunity") for one in ids if one not in found]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _parts(ids: Sequence[str], most: int) -> Iterable[Sequence[str]]:
    return (ids[first : first + most] for first in range(0, len(ids), most))


def _open(name: str, settings: SalesforceSettings, secrets: Mapping[str, str]) -> SalesforceSink:
    return SalesforceSink(name, Org(door(settings.url, secrets.get), Patience()), settings)


KIND = SinkKind(SalesforceSettings, _open, tuple(f"SALESFORCE_{name}" for name in NAMES))

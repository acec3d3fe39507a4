"""Bulk API 2.0: jobs that answer a query, and jobs that write rows."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.vendors.salesforce.company import Company, Field, NoSuchRow, Record
from tests.vendors.salesforce.problems import Refused, not_found
from tests.vendors.salesforce.soql import answer, parse

MOST_BYTES = 150_000_000
NULL = "#N/A"


@dataclass
class Job:
    """:param polls: how often its state is asked for before it is complete."""

    id: str
    said: dict[str, Any]
    polls: int
    deleted: bool = False
    fields: tuple[str, ...] = ()
    rows: list[Record] = field(default_factory=list)
    upload: list[dict[str, str]] | None = None
    header: list[str] = field(default_factory=list)
    results: dict[str, list[dict[str, str]]] = field(default_factory=dict)


@dataclass
class Bulk:
    """:param polls: of new jobs; :param most: rows a page of results, whatever is asked for.

    :param stops_after: a job that writes fails after so many rows, and leaves the others unprocessed.
    """

    company: Company
    polls: int = 1
    most: int = 50_000
    stops_after: int | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    def _new(self, kind: str, said: Mapping[str, Any]) -> Job:
        key = f"7505g{next(self._numbers):010d}AAA"
        state = "UploadComplete" if kind == "query" else "Open"
        known = {"id": key, "state": state, "createdDate": self.company.now, "apiVersion": 62.0, **said}
        if kind == "ingest":
            known["contentUrl"] = f"services/data/v62.0/jobs/ingest/{key}/batches"
        self.jobs[key] = Job(key, known, self.polls)
        return self.jobs[key]

    def job(self, key: str) -> Job:
        if key not in self.jobs:
            raise not_found()
        return self.jobs[key]

    # --- queries

    def start_query(self, body: Mapping[str, Any]) -> dict[str, Any]:
        query = parse(self.company, body["query"], in_bulk=True)
        given = {"operation": body["operation"], "object": query.object, "columnDelimiter": "COMMA", "lineEnding": "LF"}
        job = self._new("query", given)
        job.fields, job.deleted = query.fields, body["operation"] == "queryAll"
        job.rows = answer(self.company, query, job.deleted)
        return job.said

    def state(self, key: str) -> dict[str, Any]:
        job = self.job(key)
        if job.said["state"] in ("UploadComplete", "InProgress"):
            job.polls -= 1
            job.said["state"] = "InProgress"
            if job.polls < 0:
                self._complete(job)
        return job.said

    def results(self, key: str, locator: str, asked: int) -> tuple[str, dict[str, str]]:
        job = self.job(key)
        if job.said["state"] != "JobComplete":
            raise Refused(400, "INVALIDJOBSTATE", "The job has no results yet")
        try:
            start = int(locator.removeprefix("MTAw") or 0)
        except ValueError:
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid locator") from None
        end = start + min(asked, self.most)
        kinds = self.company.tables[job.said["object"]].fields
        rows = [{name: _cell(kinds[name], row[name]) for name in job.fields} for row in job.rows[start:end]]
        following = f"MTAw{end}" if end < len(job.rows) else "null"
        return _csv(job.fields, rows), {"Sforce-Locator": following, "Sforce-NumberOfRecords": str(len(rows))}

    # --- writing

    def start_ingest(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["operation"] == "upsert" and not body.get("externalIdFieldName"):
            raise Refused(400, "INVALIDJOB", "ExternalIdFieldName is required for upsert operation")
        if body["operation"] not in ("upsert", "update") or body.get("object") not in self.company.tables:
            raise Refused(400, "INVALIDJOB", "the job cannot be made")
        return self._new("ingest", dict(body)).said

    def upload(self, key: str, text: str) -> None:
        job = self.job(key)
        if job.said["state"] != "Open" or job.upload is not None:
            raise Refused(400, "INVALIDJOBSTATE", "The job already has data, or is not open")
        if len(text.encode()) > MOST_BYTES:
            raise Refused(413, "EXCEEDED_MAX_SIZE_REQUEST", "Upload is larger than 150 MB")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        job.upload, job.header = list(rows), list(rows.fieldnames or [])

    def set_state(self, key: str, state: str) -> dict[str, Any]:
        job = self.job(key)
        if job.said["state"] not in ("Open", "UploadComplete", "InProgress") or (
            state == "UploadComplete" and job.said["state"] != "Open"
        ):
            raise Refused(400, "INVALIDJOBSTATE", f"Job is {job.said['state']}, and cannot become {state}")
        job.said["state"] = state
        return job.said

    def written(self, key: str, which: str) -> str:
        job = self.job(key)
        if job.said["state"] not in ("JobComplete", "Failed", "Aborted"):
            raise Refused(400, "INVALIDJOBSTATE", "The job is not complete")
        own = {"successfulResults": ["sf__Id", "sf__Created"], "failedResults": ["sf__Id", "sf__Error"]}.get(which, [])
        return _csv([*own, *job.header], job.results.get(which, []))

    def _complete(self, job: Job) -> None:
        job.said["state"] = "JobComplete"
        if job.upload is None:
            return
        key = job.said.get("externalIdFieldName", "Id")
        fields = self.company.tables[job.said["object"]].fields
        strange = [name for name in job.header if name not in fields]
        if key not in job.header or strange:
            job.said |= {"state": "Failed", "errorMessage": f"InvalidBatch : Field name not found : {strange or key}"}
            job.results = {"unprocessedrecords": job.upload}
            return
        done, refused = [], []
        stop = len(job.upload) if self.stops_after is None else self.stops_after
        for row in job.upload[:stop]:
            try:
                self._write(job, key, row)
                done.append({"sf__Id": row[key], "sf__Created": "false", **row})
            except NoSuchRow as error:
                told = f"{error.code}:{error.message}:{' '.join(error.fields)} --"
                refused.append({"sf__Id": row[key], "sf__Error": told, **row})
        job.results = {"successfulResults": done, "failedResults": refused, "unprocessedrecords": job.upload[stop:]}
        if stop < len(job.upload):
            job.said |= {"state": "Failed", "errorMessage": "InternalServerError : the job was stopped"}
        job.said |= {"numberRecordsProcessed": len(done) + len(refused), "numberRecordsFailed": len(refused)}

    def _write(self, job: Job, key: str, row: Mapping[str, str]) -> None:
        table = self.company.tables[job.said["object"]]
        record = row[key]
        if key != "Id":
            matches = [one["Id"] for one in table.rows.values() if one[key] == row[key] and not one["IsDeleted"]]
            if not matches:  # an upsert by an external id makes what it does not find
                raise NoSuchRow("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name, StageName, CloseDate]")
            record = matches[0]
        changes = {n: _value(table.fields[n], cell) for n, cell in row.items() if n != key and cell != ""}
        self.company.update(job.said["object"], record, changes, "integration")
        self.company.written.append((job.said["object"], record, changes))


def _cell(known: Field, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if known.type in ("double", "currency", "percent") and value is not None:
        return str(float(value))
    return "" if value is None else str(value)


def _value(known: Field, cell: str) -> Any:
    if cell == NULL:
        return None
    try:
        return float(cell) if known.type in ("double", "currency", "percent", "int") else cell
    except ValueError:
        raise NoSuchRow(
            "INVALID_TYPE_ON_FIELD_IN_RECORD", f"value not of required type: {cell}", [known.name]
        ) from None


def _csv(header: Any, rows: list[dict[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(header), quoting=csv.QUOTE_ALL, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()

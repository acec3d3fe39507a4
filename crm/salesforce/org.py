"""One company's Salesforce: what its objects have, what a query answers, and jobs of Bulk API 2.0."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.bulk2 import Operation, SFBulk2Handler, SFBulk2Type
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from crm.errors import DealcastError, WrongUse
from crm.patience import Patience
from crm.salesforce.entry import Door, enter
from crm.salesforce.line import Line

MOST_IN_A_COLLECTION = 200
"""How many records one call of sObject Collections may hold."""


@dataclass(frozen=True)
class SoqlRows:
    """One page of a query's answer, values as JSON has them (fractions as text), and how many rows there are in all."""

    rows: Sequence[Mapping[str, Any]]
    total: int


class Org:
    """A company's Salesforce, logged in to with the first question.

    :param wait: seconds before a job's state is first asked for; later ones grow.
    """

    def __init__(self, through: Door, patience: Patience | None = None, wait: float = 1.0) -> None:
        patience = patience or Patience()
        self.address, self.version, self._wait = through.address, through.version, wait
        self.line = Line(lambda: enter(through, patience), patience)

    @cached_property
    def _sf(self) -> Salesforce:
        entry = self.line.entry
        return Salesforce(
            instance=entry.host, session_id=entry.token, session=self.line, version=self.version, parse_float=str
        )

    @property
    def now(self) -> datetime:
        """Salesforce's own clock at its last answer, UTC."""
        return self.line.server_time

    def versions(self) -> list[str]:
        """The versions of its interface that Salesforce has."""
        with self.said(self.address):
            answer = self.line.request("GET", f"https://{self.line.entry.host}/services/data/")
        return [str(one["version"]) for one in answer.json()]

    def describe(self, obj: str) -> Mapping[str, Any] | None:
        """What Salesforce says of an object and its fields, None where the user may not see it."""
        try:
            with self.said(obj):
                return dict(self._sf.restful(f"sobjects/{obj}/describe") or {})
        except NotThere:
            return None

    def query(self, soql: str, deleted: bool = False) -> Iterator[SoqlRows]:
        """The pages of a query's answer; `deleted`: rows in the recycle bin, and archived ones, too."""
        with self.said(soql):
            answer = self._sf.query(soql, include_deleted=deleted)
        while True:
            yield SoqlRows(answer["records"], int(answer["totalSize"]))
            if answer["done"]:
                return
            with self.said(soql):
                answer = self._sf.query_more(answer["nextRecordsUrl"], identifier_is_url=True)

    def deleted(self, obj: str, since: datetime, until: datetime) -> list[str]:
        """Ids of the records that were deleted between two instants, those emptied out of the bin among them."""
        span = {"start": f"{since:%Y-%m-%dT%H:%M:%S+00:00}", "end": f"{until:%Y-%m-%dT%H:%M:%S+00:00}"}
        with self.said(obj):
            answer = self._sf.restful(f"sobjects/{obj}/deleted/", params=span) or {}
        return [str(one["id"]) for one in answer.get("deletedRecords", ())]

    def update(self, obj: str, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Change up to 200 records, each with its `Id`; a result each, in their order.

        :raises Unanswered: where no answer came.
        """
        return self._collection(obj, "composite/sobjects", _body(obj, records))

    def upsert(self, obj: str, key: str, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Make up to 200 records, or change those that have the same external id; a result each, in their order.

        :raises Unanswered: where no answer came.
        """
        return self._collection(obj, f"composite/sobjects/{obj}/{key}", _body(obj, records))

    def delete(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Put up to 200 records into the bin; a result each, in their order.

        :raises Unanswered: where no answer came.
        """
        asked = {"ids": ",".join(ids), "allOrNone": "false"}
        with self.said("records to delete"):
            return list(self._sf.restful("composite/sobjects", method="DELETE", params=asked) or ())

    def _collection(self, obj: str, path: str, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        text = json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        with self.said(obj):
            return list(self._sf.restful(path, method="PATCH", data=text) or ())

    def bulk(self, obj: str) -> BulkJobs:
        """Jobs of Bulk API 2.0 on an object."""
        handler = self._sf.bulk2
        assert isinstance(handler, SFBulk2Handler)
        return BulkJobs(self, getattr(handler, obj), self._wait)

    @contextmanager
    def said(self, about: str) -> Iterator[None]:
        """What goes wrong with Salesforce, as what a person can do about it."""
        try:
            yield
        except SalesforceResourceNotFound as error:
            raise NotThere(f"there is no such thing: {_codes(error)}", where=about) from None
        except SalesforceExpiredSession as error:
            raise DealcastError(
                f"the session has ended, and a new one does not help: {_codes(error)}",
                where=self.address,
                expected="a session that may use the API",
                remedy="a session's id cannot be renewed: use an app's client id and secret; see docs/salesforce.md",
            ) from None
        except SalesforceRefusedRequest as error:
            limit = "REQUEST_LIMIT_EXCEEDED" in str(error.content)
            raise DealcastError(
                f"Salesforce refuses: {_codes(error)}",
                where=about[:200],
                expected="calls left within the 24 hours" if limit else "a user who may do this",
                remedy="run this again later: it goes on where it was" if limit else "give the user the permission",
            ) from None
        except SalesforceError as error:
            raise DealcastError(f"Salesforce does not take it: {_codes(error)}", where=about[:200]) from None
        except SalesforceOperationError as error:
            raise DealcastError(
                f"a job came to nothing: {' '.join(str(error).split())[:500]}", where=about[:200]
            ) from None
        except requests.RequestException as error:
            raise DealcastError(f"the answer broke off: {type(error).__name__}", where=self.address) from error


class NotThere(WrongUse):
    """Salesforce knows no such thing, or does not show it to the user."""


class BulkJobs:
    """Jobs of Bulk API 2.0 on one object; their life cycle is simple-salesforce's."""

    def __init__(self, org: Org, of: SFBulk2Type, wait: float) -> None:
        self._org, self._of, self._client, self._wait = org, of, of._client, wait

    def start_query(self, soql: str) -> str:
        """Have a query answered, deleted and archived rows among it; returns the job's id."""
        with self._org.said(soql):
            return str(self._client.create_job(Operation.query_all, soql)["id"])

    def wait(self, job: str, is_query: bool) -> None:
        """Wait until a job is complete.

        :raises DealcastError: where it failed or was aborted.
        """
        with self._org.said(f"job {job}"):
            self._client.wait_for_job(job, is_query, self._wait)

    def results(self, job: str, locator: str, rows: int) -> tuple[str, str]:
        """A page of a query's answer as CSV, and the locator of the next one, empty where there is none."""
        with self._org.said(f"job {job}"):
            page = self._client.get_query_results(job, locator, rows)
        return page["records"], page["locator"]

    def start_upsert(self, csv: str, key: str) -> str:
        """Hand rows over to be written; returns the job's id. Until `close`, nothing has been written."""
        with self._org.said(self._of.object_name):
            job = str(self._client.create_job(Operation.upsert, external_id_field=key)["id"])
            self._client.upload_job_data(job, csv)
        return job

    def close(self, job: str) -> None:
        """Have the rows written."""
        with self._org.said(f"job {job}"):
            self._client.close_job(job)

    def state(self, job: str) -> str:
        """How far a job that writes has come."""
        with self._org.said(f"job {job}"):
            return str(self._client.get_job(job, False)["state"])

    def written(self, job: str, which: str) -> str:
        """CSV of the rows that were written ("successfulResults"), refused ("failedResults") or left over
        ("unprocessedrecords")."""
        with self._org.said(f"job {job}"):
            return str(self._client.get_ingest_results(job, which))


def _body(obj: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Records as sObject Collections take them, each judged by itself."""
    return {"allOrNone": False, "records": [{"attributes": {"type": obj}, **record} for record in records]}


def _codes(error: SalesforceError) -> str:
    """Salesforce's own words."""
    content: Any = error.content
    if isinstance(content, list):
        return "; ".join(f"{one.get('errorCode')}: {one.get('message')}" for one in content if isinstance(one, dict))
    return " ".join(str(content).split())[:500]

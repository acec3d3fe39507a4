"""Salesforce as a source: each object that feeds a table, whole at first and then what has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from urllib.parse import quote_plus

from crm.errors import DataRefused, DealcastError, WrongUse
from crm.salesforce.cursor import Cursor, cursor_of
from crm.salesforce.objects import OBJECTS, SalesforceObject, Seen, seen
from crm.salesforce.org import Org
from crm.salesforce.rows import of_csv, of_json, page_of
from crm.sources.remote import Page

OVERLAP = timedelta(minutes=15)
"""A row's stamp is from when it was saved, but others see it once the transaction has ended."""

REMEMBERS_DELETED = timedelta(days=14)
"""Salesforce keeps the bin and its list of deleted ids for 15 days; after a longer pause everything is fetched anew."""


LONGEST_QUERY = 15_000
"""Characters of a query that REST takes: it stands in an address, which may have 16,384."""


@dataclass(frozen=True)
class Asking:
    """How an object is asked for.

    :param bulk_from: from how many rows on a job of Bulk API 2.0 is used instead of REST.
    :param page: rows a page of a job's results.
    """

    bulk_from: int = 10_000
    page: int = 20_000


class SalesforceSource:
    """A company's Salesforce."""

    def __init__(self, org: Org, asking: Asking | None = None) -> None:
        self._org, self._asking = org, asking or Asking()

    @property
    def address(self) -> str:
        """Where it is."""
        return self._org.address

    def tables(self) -> Sequence[ObjectTable]:
        """The objects that the user may read.

        :raises DataRefused: where opportunities are not among them.
        """
        found = []
        for obj in OBJECTS:
            described = self._org.describe(obj.name)
            if described is not None and described.get("queryable", True):
                found.append(ObjectTable(self._org, obj, seen(obj, described), self._asking))
        if not found or found[0].name != OBJECTS[0].name:
            self._require_version()
            raise DataRefused(
                "the user may not read opportunities",
                where=self.address,
                expected="a user with 'View All' on Opportunity, and a view of its fields",
                remedy="give the integration user a permission set; docs/salesforce.md says which",
            )
        return found

    def _require_version(self) -> None:
        versions = self._org.versions()
        if self._org.version not in versions:
            raise WrongUse(
                f"Salesforce has no version {self._org.version} of its interface",
                where=self.address,
                expected=f"a version from {versions[0]} to {versions[-1]}",
                remedy=f"name one: {self.address}?version={versions[-1]}",
            )


class ObjectTable:
    """One object, page by page."""

    key = "Id"

    def __init__(self, org: Org, obj: SalesforceObject, seen: Seen, asking: Asking) -> None:
        self._org, self._obj, self._seen, self._asking = org, obj, seen, asking

    @property
    def name(self) -> str:
        """The object's name in a folder of exports."""
        return self._obj.file

    def pages(self, since: str | None) -> Iterator[Page]:
        """What is new, changed or deleted since the cursor; everything where it does not say enough."""
        known = cursor_of(since)
        if not self._seen.stamp or not self._seen.has_bin:
            yield from self._all_of_it()
            return
        if known is not None and known.job:
            try:
                yield from self._rest_of(known)
                return
            except _JobGone:
                known = replace(known, at=known.since, job="", locator="", since=None) if known.since else None
        started = Cursor(_text(self._org.now), self._hash)
        if known is None or known.fields != self._hash or self._org.now - known.instant > REMEMBERS_DELETED:
            # A history is trimmed at its far end after 18 or 24 months: what was fetched before that is kept.
            yield from self._fetched(started, whole=since is not None and not self._obj.is_history)
        else:
            yield from self._fetched(replace(started, since=known.at), whole=False)

    def _all_of_it(self) -> Iterator[Page]:
        """A small object that does not say what is new: all of it, each time."""
        for page in self._org.query(self._soql(None)):
            yield page_of(of_json(page.rows, self._columns), self._obj)

    def _fetched(self, started: Cursor, whole: bool) -> Iterator[Page]:
        since = datetime.fromisoformat(started.since) - OVERLAP if started.since else None
        soql = self._soql(since)
        if len(quote_plus(soql)) < LONGEST_QUERY and self._count(since) < self._asking.bulk_from:
            for page in self._org.query(soql, deleted=True):
                yield replace(page_of(of_json(page.rows, self._columns), self._obj), whole=whole)
        else:
            job = self._org.bulk(self._obj.name).start_query(soql)
            yield from self._of_job(replace(started, job=job), whole)
        yield self._last(started, whole)

    def _rest_of(self, amid: Cursor) -> Iterator[Page]:
        """What a fetching that was stopped amid a job's results has left."""
        if amid.fields != self._hash:
            raise _JobGone(amid.job)
        yield from self._of_job(amid, whole=False)  # pages before these have said so where it is
        yield self._last(replace(amid, job="", locator=""), whole=False)

    def _of_job(self, amid: Cursor, whole: bool) -> Iterator[Page]:
        """The results of a job, from where the cursor stands; each page says where the next one is."""
        jobs, resumed = self._org.bulk(self._obj.name), bool(amid.locator)
        try:
            jobs.wait(amid.job, is_query=True)
            text, following = jobs.results(amid.job, amid.locator, self._asking.page)
        except DealcastError as error:
            if resumed:  # jobs are thrown away after some days, and locators before that
                raise _JobGone(amid.job) from error
            raise
        while True:
            page = replace(page_of(of_csv(text, self._columns), self._obj), whole=whole)
            if not following:
                yield page
                return
            amid = replace(amid, locator=following)
            yield replace(page, cursor=amid.text)
            text, following = jobs.results(amid.job, amid.locator, self._asking.page)

    def _last(self, started: Cursor, whole: bool) -> Page:
        """What was deleted without its stamp telling, and how far all this reaches."""
        gone: list[str] = []
        if self._obj.is_history:
            pages = self._org.query(f"SELECT Id FROM {self._obj.name} WHERE IsDeleted = true", deleted=True)
            gone += [str(row["Id"]) for page in pages for row in page.rows]
        elif self._seen.tells_deleted and started.since is not None:
            since = datetime.fromisoformat(started.since) - OVERLAP
            gone += self._org.deleted(self._obj.name, since, started.instant)
        empty = page_of(of_json([], self._columns), self._obj).rows
        return Page(empty, gone, replace(started, since=None).text, whole)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return (*self._seen.fields, *(["IsDeleted"] if self._seen.has_bin and self._seen.stamp else []))

    @cached_property
    def _hash(self) -> str:
        return sha256(",".join(self._seen.fields).encode()).hexdigest()[:12]

    def _soql(self, since: datetime | None) -> str:
        return f"SELECT {', '.join(self._columns)} FROM {self._obj.name}{self._where(since)}"

    def _where(self, since: datetime | None) -> str:
        limits = [self._obj.where] if self._obj.where else []
        if since is not None:
            limits.append(f"{self._seen.stamp} >= {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        elif self._obj.about_deals:  # later on: what is about no deal any more has to be seen
            limits.append("What.Type = 'Opportunity'")
        return f" WHERE {' AND '.join(limits)}" if limits else ""

    def _count(self, since: datetime | None) -> int:
        """How many rows there are to come."""
        asked = f"SELECT count() FROM {self._obj.name}{self._where(since)}"
        try:
            return next(self._org.query(asked, deleted=True)).total
        except DealcastError:  # too many to be counted in time; what else is wrong will show itself
            return self._asking.bulk_from


class _JobGone(DealcastError):
    """A job's results can no longer be fetched."""


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}"

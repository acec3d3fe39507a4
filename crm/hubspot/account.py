"""A HubSpot account: records, their histories, associations, pipelines, owners, and batch updates.

Every call goes through HubSpot's own client. What asks only is asked again after 429, a server's error or a lost
answer, as long as patience lasts; a write is sent again only where it is certain that nothing was written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from hubspot import Client
from hubspot.crm.associations.v4.exceptions import ApiException as AssociationsRefused
from hubspot.crm.objects.exceptions import ApiException as ObjectsRefused
from hubspot.crm.owners.exceptions import ApiException as OwnersRefused
from hubspot.crm.pipelines.exceptions import ApiException as PipelinesRefused
from hubspot.crm.properties.exceptions import ApiException as PropertiesRefused

from crm.errors import WrongUse
from crm.hubspot.problems import TOKEN, Unanswered, is_daily, no_answer, problem, said_by
from crm.loopback import is_loopback
from crm.patience import Patience, TryAgain, seconds_asked
from crm.unsent import UNSENT

HOST = "api.hubapi.com"
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes of an answer
LIST, BATCH, BATCH_WITH_HISTORY, SEARCH, LINKS, OWNERS = 100, 100, 50, 200, 1000, 500
SEARCH_PAUSE = 0.21  # seconds: HubSpot answers five searches a second
CONFLICT = 409
_REFUSED = (ObjectsRefused, AssociationsRefused, OwnersRefused, PipelinesRefused, PropertiesRefused)

Record = Mapping[str, Any]
"""A record as HubSpot shows it: id, properties, propertiesWithHistory, archived."""


@dataclass(frozen=True)
class Door:
    """Where HubSpot is, and what lets us in; None where nothing was given that does."""

    token: str | None = field(repr=False)
    host: str = HOST

    @property
    def address(self) -> str:
        """The address without anything secret."""
        return f"hubspot://{self.host}"

    @property
    def url(self) -> str:
        """Where calls go; without encryption only to this machine itself."""
        inside = is_loopback(urlsplit(f"//{self.host}").hostname)
        return f"{'http' if inside else 'https'}://{self.host}"


def door(url: str, token: str | None) -> Door:
    """The door that `hubspot://` names, with a host where it is another than HubSpot's usual one."""
    parts = urlsplit(url)
    if parts.username or parts.password or parse_qs(parts.query) or parts.path not in ("", "/"):
        raise WrongUse(
            "more than a host stands in the address",
            where="hubspot://",
            expected="hubspot://",
            remedy=f"give the token as DEALCAST_{TOKEN} in the environment, or name its file: DEALCAST_{TOKEN}_FILE",
        )
    return Door(token or None, parts.netloc or HOST)


class Account:
    """A company's HubSpot.

    :raises WrongUse: where no token is given.
    """

    def __init__(self, through: Door, patience: Patience | None = None, timeout: tuple[float, float] = TIMEOUT) -> None:
        self.address, self._patience, self._timeout = through.address, patience or Patience(), timeout
        if through.token is None:
            raise WrongUse(
                "no token is given",
                where=through.address,
                expected=f"the access token of a private app in the environment: DEALCAST_{TOKEN}",
                remedy=f"set it, or name a file that holds it: DEALCAST_{TOKEN}_FILE",
            )
        # The client's own retries would neither know a write from a question nor say that they wait.
        client = Client.create(access_token=through.token, host=through.url, retry=False)
        self._basic, self._batch = client.crm.objects.basic_api, client.crm.objects.batch_api
        self._search, self._owners = client.crm.objects.search_api, client.crm.owners.owners_api
        self._pipelines, self._properties = client.crm.pipelines.pipelines_api, client.crm.properties.core_api
        self._links = client.crm.associations.v4.batch_api
        self._searched = float("-inf")

    def pages(
        self, object_type: str, after: str | None = None, *, archived: bool = False
    ) -> Iterator[tuple[list[str], str | None]]:
        """The ids of all records by hundreds, each with where the next page begins (None: there is none)."""
        while True:
            place: dict[str, Any] = {"after": after} if after else {}
            said = self._ask(
                object_type, self._basic.get_page, object_type, limit=LIST, archived=_flag(archived), **place
            )
            after = (said.get("paging") or {}).get("next", {}).get("after")
            yield [str(record["id"]) for record in said["results"]], after
            if after is None:
                return

    def read(
        self,
        object_type: str,
        ids: Sequence[str],
        properties: Sequence[str],
        history: Sequence[str] = (),
        *,
        archived: bool = False,
        id_property: str | None = None,
    ) -> list[Record]:
        """Records by id; one that is not there is left out, one that was merged answers as what it became.

        :param id_property: the property with unique values whose values the ids are; None: HubSpot's own ids.
        """
        found: list[Record] = []
        size = BATCH_WITH_HISTORY if history else BATCH
        for start in range(0, len(ids), size):
            asked = {
                "inputs": [{"id": key} for key in ids[start : start + size]],
                "properties": list(properties),
                "propertiesWithHistory": list(history),
                **({} if id_property is None else {"idProperty": id_property}),
            }
            found += self._ask(object_type, self._batch.read, object_type, asked, archived=_flag(archived))["results"]
        return found

    def search(
        self, object_type: str, filters: Sequence[Mapping[str, str]], sort: str, descending: bool = False
    ) -> list[Record]:
        """The first 200 records that meet all filters, with the property that they are sorted by."""
        self._patience.sleep(max(0.0, self._searched + SEARCH_PAUSE - time.monotonic()))
        asked = {
            "filterGroups": [{"filters": list(filters)}] if filters else [],
            "sorts": [{"propertyName": sort, "direction": "DESCENDING" if descending else "ASCENDING"}],
            "properties": [sort],
            "limit": SEARCH,
        }
        answer = self._ask(object_type, self._search.do_search, object_type, asked)
        self._searched = time.monotonic()
        return list(answer["results"])

    def links(self, one: str, other: str, ids: Sequence[str]) -> Iterator[tuple[str, str, Sequence[Mapping[str, Any]]]]:
        """What records are associated with: (id, the other's id, kinds of the association)."""
        for start in range(0, len(ids), LINKS):
            inputs: list[dict[str, str]] = [{"id": key} for key in ids[start : start + LINKS]]
            while inputs:
                said = self._ask(f"{one} and {other}", self._links.get_page, one, other, {"inputs": inputs})
                inputs = []
                for result in said["results"]:
                    key = str(result["from"]["id"])
                    for to in result["to"]:
                        yield key, str(to["toObjectId"]), to["associationTypes"]
                    after = (result.get("paging") or {}).get("next", {}).get("after")
                    if after:
                        inputs.append({"id": key, "after": after})

    def owners(self) -> list[Record]:
        """All owners, those who left too."""
        found: list[Record] = []
        for archived in (False, True):
            place: dict[str, Any] = {}
            while True:
                said = self._ask("owners", self._owners.get_page, limit=OWNERS, archived=_flag(archived), **place)
                found += said["results"]
                after = (said.get("paging") or {}).get("next", {}).get("after")
                if after is None:
                    break
                place = {"after": after}
        return found

    def pipelines(self) -> list[Record]:
        """The deals' pipelines with their stages."""
        return list(self._ask("pipelines", self._pipelines.get_all, "deals")["results"])

    def properties(self, object_type: str) -> list[Record]:
        """The definitions of a type's properties."""
        said = self._ask(f"properties of {object_type}", self._properties.get_all, object_type)
        return list(said["results"])

    def update(self, object_type: str, inputs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Change up to 100 records: HubSpot's answer, with `results` and, where some failed, `errors`.

        :raises Unanswered: where it is not known whether it was done.
        """
        return self._ask(object_type, self._batch.update, object_type, {"inputs": list(inputs)}, writes=True)

    def create(self, object_type: str, inputs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Make up to 100 records: HubSpot's answer, as that of `update`.

        :raises Unanswered: where it is not known whether it was done, or what is made is there already.
        """
        return self._ask(object_type, self._batch.create, object_type, {"inputs": list(inputs)}, writes=True)

    def archive(self, object_type: str, ids: Sequence[str]) -> None:
        """Put up to 100 records into the recycle bin.

        :raises Unanswered: where it is not known whether it was done.
        """
        inputs = {"inputs": [{"id": one} for one in ids]}
        self._ask(object_type, self._batch.archive, object_type, inputs, writes=True)

    def _ask(
        self, about: str, call: Callable[..., Any], *given: Any, writes: bool = False, **more: Any
    ) -> Mapping[str, Any]:
        def attempt() -> Mapping[str, Any]:
            try:
                answer = call(*given, **more, _preload_content=False, _request_timeout=self._timeout)
                return dict(json.loads(answer.data or b"{}"))
            except _REFUSED as error:
                raise self._refused(error, about, writes) from None
            except UNSENT as error:
                raise TryAgain(no_answer(error, self.address)) from None
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                if writes:
                    raise Unanswered(type(error).__name__) from None
                raise TryAgain(no_answer(error, self.address)) from None

        return self._patience.call(attempt)

    def _refused(self, error: Any, about: str, writes: bool) -> Exception:
        status, said = int(error.status or 0), said_by(error.body)
        if writes and (status >= 500 or status == 0):
            return Unanswered(f"HubSpot answers {status}")
        if writes and status == CONFLICT:
            return Unanswered(f"HubSpot answers {status}: {said.get('message', 'something is there already')}"[:500])
        told = problem(status, said, about, self.address)
        if status == 429 and not is_daily(said):
            return TryAgain(told, seconds_asked(error.headers or {}))
        return TryAgain(told, seconds_asked(error.headers or {})) if status >= 500 or status == 0 else told


def _flag(value: bool) -> str:
    """As HubSpot writes it: the client would send Python's "True"."""
    return str(value).lower()

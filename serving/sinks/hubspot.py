"""The sink "hubspot": our properties of HubSpot's deals, changed a hundred at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from crm.errors import DealcastError, WrongUse
from crm.hubspot.account import BATCH, Account, Door, door
from crm.hubspot.problems import TOKEN, Unanswered
from crm.patience import Patience
from serving.sinks.hubspot_answers import STAGE, closed_stages, outcomes_of
from serving.sinks.hubspot_tasks import GROUP, HubSpotTasks
from serving.sinks.kinds import SinkKind
from serving.sinks.sink import Fate, Kind, Outcome, OwnField, Value, Values
from serving.writeback.fields import FIELDS

OURS = "dealcast_"
# How each kind of field is told to HubSpot; a share of 0.62 is shown as 62 %.
_TYPES: Mapping[Kind, Mapping[str, object]] = {
    Kind.NUMBER: {"type": "number", "fieldType": "number"},
    Kind.PERCENT: {"type": "number", "fieldType": "number", "numberDisplayHint": "percentage"},
    Kind.MONEY: {"type": "number", "fieldType": "number", "showCurrencySymbol": True},
    Kind.DATE: {"type": "date", "fieldType": "date"},
    Kind.INSTANT: {"type": "datetime", "fieldType": "date"},
    Kind.TEXT: {"type": "string", "fieldType": "text"},
    Kind.LONG_TEXT: {"type": "string", "fieldType": "textarea"},
}


@dataclass(frozen=True)
class HubSpotSettings:
    """What [sinks.NAME] says of a HubSpot account.

    :param url: `hubspot://`, with a host where it is not HubSpot's usual one.
    :param prefix: what our properties' names begin with: `dealcast_`, and more where two of us write there.
    """

    url: str = "hubspot://"
    prefix: str = OURS

    def __post_init__(self) -> None:
        plain = self.prefix.replace("_", "").isalnum() and self.prefix == self.prefix.lower() and self.prefix.isascii()
        if not (plain and self.prefix.startswith(OURS)):
            raise WrongUse(
                f"'{self.prefix}' does not fit",
                where="prefix",
                expected=f"small letters, digits and '_', and '{OURS}' first: by that we know our own fields again",
            )


class HubSpotSink:
    """The deals of a HubSpot account, which is entered with the first question."""

    fields = FIELDS

    def __init__(self, name: str, settings: HubSpotSettings, through: Door, patience: Patience | None = None) -> None:
        self.name, self._door, self._patience = name, through, patience
        self._properties = {field.name: f"{settings.prefix}{field.name}" for field in FIELDS}

    @property
    def address(self) -> str:
        """Where it is."""
        return self._door.address

    @property
    def batch(self) -> int:
        """How many records one call may hold."""
        return BATCH

    def definitions(self) -> str:
        """The calls that create our properties, as JSON: path → body."""
        return json.dumps(
            {
                "POST /crm/v3/properties/deals/groups": GROUP,
                "POST /crm/v3/properties/deals/batch/create": {"inputs": [self._definition(field) for field in FIELDS]},
            },
            indent=2,
        )

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """What the deals hold in our properties."""
        self._require_properties()
        asked = set(ids)
        return {  # a deal that was merged into another answers as that one: it is not there any more
            str(record["id"]): {name: record["properties"].get(mine) for name, mine in self._properties.items()}
            for record in self._account.read("deals", list(ids), list(self._properties.values()))
            if str(record["id"]) in asked
        }

    def closed(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the deals that stand in a closed stage."""
        return frozenset(
            str(record["id"])
            for record in self._account.read("deals", list(ids), [STAGE])
            if record["properties"].get(STAGE) in self._closed_stages
        )

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Change up to a hundred deals."""
        inputs = [
            # With an id of its own each deal is judged by itself; without, one bad value refuses them all.
            {"id": key, "objectWriteTraceId": key, "properties": self._told(values)}
            for key, values in rows.items()
        ]
        try:
            answer = self._account.update("deals", inputs)
        except Unanswered as lost:
            return [Outcome(key, Fate.UNCLEAR, str(lost)) for key in rows]
        written = {str(record["id"]) for record in answer.get("results", [])}
        return outcomes_of(rows, written, answer)

    def tasks(self) -> HubSpotTasks:
        """Tasks that belong to deals."""
        return HubSpotTasks(self.name, self.address, lambda: self._account)

    def _told(self, values: Values) -> dict[str, str]:
        """Values as HubSpot takes them: all of them text, nothing is the empty text."""
        return {self._properties[name]: _text(value) for name, value in values.items()}

    def _definition(self, field: OwnField) -> dict[str, object]:
        return {
            "name": self._properties[field.name],
            "label": f"Dealcast: {field.label}",
            "description": field.meaning,
            "groupName": GROUP["name"],
            **_TYPES[field.kind],
        }

    @cached_property
    def _account(self) -> Account:
        return Account(self._door, self._patience)

    @cached_property
    def _closed_stages(self) -> frozenset[str]:
        return closed_stages(self._account)

    def _require_properties(self) -> None:
        """:raises DealcastError: where one of our properties is not there, or holds something else."""
        there = self._there
        missing = [mine for mine in self._properties.values() if mine not in there]
        if missing:
            raise DealcastError(
                f"deals have no property {', '.join(missing)}",
                where=self.address,
                expected="the properties that we write, in the group dealcast",
                remedy=f"have an administrator create what `dealcast writeback --sink {self.name} --fields` prints",
            )
        for field in FIELDS:
            found, meant = there[self._properties[field.name]], _TYPES[field.kind]["type"]
            if found != meant:
                raise DealcastError(
                    f"the property {self._properties[field.name]} holds a {found}",
                    where=self.address,
                    expected=f"a {meant}",
                    remedy=f"have it created anew as `dealcast writeback --sink {self.name} --fields` prints it",
                )

    @cached_property
    def _there(self) -> Mapping[str, str]:
        return {str(one["name"]): str(one["type"]) for one in self._account.properties("deals")}


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _open(name: str, settings: HubSpotSettings, secrets: Mapping[str, str]) -> HubSpotSink:
    return HubSpotSink(name, settings, door(settings.url, secrets.get(TOKEN)))


KIND = SinkKind(HubSpotSettings, _open, (TOKEN,))

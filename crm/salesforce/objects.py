"""The objects that are fetched, and which of their fields.

Only fields that the user may see are asked for. Never among them: our own (`Dealcast_…`, all but the key of our tasks),
what the act of writing or looking changes (LastModifiedDate and its like), and compound fields, whose parts have names
of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OWN_PREFIX = "Dealcast_"
"""How the API names of our own fields begin."""

TASK_KEY = f"{OWN_PREFIX}Key__c"
"""The field of tasks that we made; it tells them from those of people."""

HOUSEKEEPING = frozenset(
    (
        *("LastModifiedDate", "LastModifiedById", "SystemModstamp", "IsDeleted"),
        *("LastViewedDate", "LastReferencedDate"),
        *("LastActivityDate", "HasOpenActivity", "HasOverdueTask"),  # a deal's, changed by a task that we make
    )
)
COMPOUND = frozenset(("address", "location", "base64", "complexvalue"))
STAMPS = ("SystemModstamp", "CreatedDate")
"""What tells what is new, the first that an object has. Histories are never changed, so that theirs is enough."""


@dataclass(frozen=True)
class SalesforceObject:
    """An object that feeds a table.

    :param name: its API name; :param table: the file's name where it is another.
    :param fields: its fields that mean something to us, beside the company's own; none: all of them.
    :param where: what limits the rows, in SOQL.
    :param about_deals: rows whose WhatId is no opportunity's are left out.
    :param is_history: rows are told to be deleted with their deal, without a change of their stamp.
    """

    name: str
    fields: str = ""
    table: str = ""
    where: str = ""
    about_deals: bool = False
    is_history: bool = False

    @property
    def file(self) -> str:
        """What its table is called in a folder of Salesforce's exports."""
        return self.table or self.name


OBJECTS: Sequence[SalesforceObject] = (
    SalesforceObject("Opportunity"),
    SalesforceObject(
        "OpportunityHistory",
        "OpportunityId CreatedDate CreatedById StageName Amount CloseDate Probability ForecastCategory",
        is_history=True,
    ),
    SalesforceObject(
        "OpportunityFieldHistory",
        "OpportunityId CreatedDate CreatedById Field OldValue NewValue DataType",
        is_history=True,
    ),
    SalesforceObject(
        "Task",
        "WhatId WhoId OwnerId Subject Type TaskSubtype Status IsClosed CompletedDateTime ActivityDate CreatedDate "
        "CallType CallDurationInSeconds IsRecurrence",
        about_deals=True,
    ),
    SalesforceObject(
        "Event",
        "WhatId WhoId OwnerId Subject ActivityDate ActivityDateTime StartDateTime CreatedDate DurationInMinutes "
        "IsAllDayEvent IsChild IsRecurrence",
        about_deals=True,
    ),
    SalesforceObject("OpportunityContactRole", "OpportunityId ContactId Role IsPrimary CreatedDate"),
    SalesforceObject(
        "Account", "Name Industry NumberOfEmployees AnnualRevenue BillingCountry BillingCountryCode CreatedDate"
    ),
    SalesforceObject(
        "User", "Name FirstName LastName Username Email ManagerId Department Division Title IsActive CreatedDate"
    ),
    SalesforceObject(
        "OpportunityStage",
        "ApiName MasterLabel SortOrder IsClosed IsWon DefaultProbability ForecastCategory "
        "ForecastCategoryName IsActive",
    ),
    SalesforceObject("ForecastingQuota", "QuotaOwnerId StartDate QuotaAmount", table="Quota", where="IsAmount = true"),
    SalesforceObject("Lead", "CreatedDate ConvertedDate ConvertedOpportunityId LeadSource OwnerId"),
)


@dataclass(frozen=True)
class Seen:
    """An object as the user sees it.

    :param fields: what is asked for, the Id first; :param stamp: what tells what is new, "" where nothing does.
    :param has_bin: deleted rows can be seen, in the bin; :param tells_deleted: deleted ids can be asked for.
    """

    fields: tuple[str, ...]
    stamp: str
    has_bin: bool
    tells_deleted: bool


def seen(obj: SalesforceObject, described: Mapping[str, Any]) -> Seen:
    """What to ask an object for, from what Salesforce says of it."""
    kinds = {str(field["name"]): str(field["type"]) for field in described["fields"]}
    wanted = [name for name in kinds if _is_wanted(obj, name, kinds[name])]
    stamp = next((name for name in STAMPS if name in kinds), "")
    return Seen(("Id", *wanted), stamp, "IsDeleted" in kinds, bool(described.get("replicateable")))


def _is_wanted(obj: SalesforceObject, name: str, kind: str) -> bool:
    if name == TASK_KEY and obj.name == "Task":  # by it our tasks are told apart, to be left out
        return True
    if name == "Id" or name in HOUSEKEEPING or kind in COMPOUND or name.startswith(OWN_PREFIX):
        return False
    return not obj.fields or name in obj.fields.split() or (name.endswith("__c") and not obj.is_history)

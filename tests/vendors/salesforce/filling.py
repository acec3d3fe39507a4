"""A simulated company as Salesforce would hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from crm.tables import CrmTables
from tests.vendors.salesforce.company import Company, Field, Table, instant, long_id

OWN = (
    Field("Dealcast_Win_Probability__c", "percent", 3),
    Field("Dealcast_Win_Probability_Change__c", "percent", 3),
    Field("Dealcast_Score__c", "double", 18),
    Field("Dealcast_Grade__c", "string", 255),
    Field("Dealcast_Win_Probability_This_Period__c", "percent", 3),
    Field("Dealcast_Stall_Risk__c", "percent", 3),
    Field("Dealcast_Expected_Close_Date__c", "date"),
    Field("Dealcast_Expected_Amount__c", "currency", 16),
    Field("Dealcast_Expected_Revenue_This_Period__c", "currency", 16),
    Field("Dealcast_Revenue_At_Stake__c", "currency", 16),
    Field("Dealcast_Priority__c", "double", 18),
    Field("Dealcast_Data_Confidence__c", "percent", 3),
    Field("Dealcast_Reasons__c", "textarea", 4000),
    Field("Dealcast_Stall_Reasons__c", "textarea", 4000),
    Field("Dealcast_Coaching__c", "textarea", 4000),
    Field("Dealcast_Model_Version__c", "string", 255),
    Field("Dealcast_Scored_At__c", "datetime"),
)
TASK_KEY = Field("Dealcast_Key__c", "string", 255, external_id=True)
_COMMON = "Id:id SystemModstamp:datetime IsDeleted:boolean CreatedDate:datetime"
_OBJECTS: Mapping[str, str] = {
    "Opportunity": f"{_COMMON} Name AccountId:reference OwnerId:reference StageName:picklist Amount:currency "
    "CloseDate:date Type:picklist LeadSource:picklist NextStep ForecastCategoryName:picklist Probability:percent "
    "IsClosed:boolean IsWon:boolean LastModifiedDate:datetime LastModifiedById:reference LastViewedDate:datetime "
    "Region__c:picklist Product__c:picklist Notes__c:textarea Site__c:address",
    "OpportunityHistory": f"{_COMMON} OpportunityId:reference CreatedById:reference StageName:picklist Amount:currency "
    "CloseDate:date Probability:percent ForecastCategory:picklist",
    "OpportunityFieldHistory": "Id:id IsDeleted:boolean CreatedDate:datetime OpportunityId:reference "
    "CreatedById:reference Field:picklist OldValue:anyType NewValue:anyType DataType:picklist",
    "Task": f"{_COMMON} WhatId:reference WhoId:reference OwnerId:reference Subject Type:picklist TaskSubtype:picklist "
    "Status:picklist Priority:picklist IsClosed:boolean CompletedDateTime:datetime ActivityDate:date CallType:picklist "
    "CallDurationInSeconds:int IsRecurrence:boolean Description:textarea",
    "Event": f"{_COMMON} WhatId:reference WhoId:reference OwnerId:reference Subject ActivityDate:date "
    "ActivityDateTime:datetime StartDateTime:datetime DurationInMinutes:int IsAllDayEvent:boolean IsChild:boolean "
    "IsRecurrence:boolean",
    "OpportunityContactRole": f"{_COMMON} OpportunityId:reference ContactId:reference Role:picklist IsPrimary:boolean",
    "Account": f"{_COMMON} Name Industry:picklist NumberOfEmployees:int AnnualRevenue:currency BillingCountry",
    "User": "Id:id SystemModstamp:datetime CreatedDate:datetime Name FirstName LastName Email:email "
    "ManagerId:reference Department Title IsActive:boolean",
    "OpportunityStage": "Id:id SystemModstamp:datetime CreatedDate:datetime ApiName MasterLabel SortOrder:int "
    "IsClosed:boolean IsWon:boolean DefaultProbability:percent ForecastCategory:picklist ForecastCategoryName:picklist "
    "IsActive:boolean",
    "ForecastingQuota": "Id:id SystemModstamp:datetime CreatedDate:datetime QuotaOwnerId:reference StartDate:date "
    "QuotaAmount:currency IsAmount:boolean",
    "Lead": f"{_COMMON} LastName Company ConvertedDate:date ConvertedOpportunityId:reference IsConverted:boolean "
    "LeadSource:picklist OwnerId:reference",
}
LENGTHS = {"int": 0, "textarea": 32_000}
HISTORY = {
    "stage": "StageName",
    "amount": "Amount",
    "close_date": "CloseDate",
    "owner_id": "Owner",
    "next_step": "NextStep",
    "forecast_category": "ForecastCategoryName",
}


def empty_company(own_fields: bool = True, **settings: Any) -> Company:
    """Objects without rows."""
    company = Company(**settings)
    for name, words in _OBJECTS.items():
        parts = (word.partition(":") for word in words.split())
        fields = {one: Field(one, kind or "string", LENGTHS.get(kind, 255)) for one, _, kind in parts}
        for one in ("Id", "SystemModstamp", "IsDeleted", "CreatedDate", "LastModifiedDate", "LastModifiedById"):
            if one in fields:
                fields[one] = Field(one, fields[one].type, updateable=False)
        company.tables[name] = Table(fields, replicateable="IsDeleted" in fields)
    if own_fields:
        company.tables["Opportunity"].fields |= {one.name: one for one in OWN}
        company.tables["Task"].fields[TASK_KEY.name] = TASK_KEY
    return company


def salesforce_id(prefix: str, text: Any) -> str | None:
    """The id that stands for an id of the simulator's."""
    if pd.isna(text):
        return None
    return long_id(prefix + "".join(c for c in str(text).upper() if c.isalnum()).zfill(12)[-12:])


def fill(company: Company, tables: CrmTables) -> None:
    """Put the simulated company in, each row stamped with when it came to be."""
    flags = tables["stages"].set_index("stage")
    company.put("Account", (_stamped(_account(row), row.created_at) for row in tables["accounts"].itertuples()))
    company.put("User", (_stamped(_user(row), row.started_at) for row in tables["users"].itertuples()))
    company.put("OpportunityStage", (_stamped(_stage(row), None) for row in tables["stages"].itertuples()))
    company.put("ForecastingQuota", (_stamped(_quota(row), None) for row in tables["quotas"].itertuples()))
    company.put(
        "Opportunity", (_stamped(_deal(row, flags), row.created_at) for row in tables["opportunities"].itertuples())
    )
    roles = tables["contact_roles"].itertuples()
    company.put("OpportunityContactRole", (_stamped(_role(row), row.added_at) for row in roles))
    company.put("OpportunityFieldHistory", _changes(tables))
    company.put("Task", _tasks(tables))


def _stamped(record: dict[str, Any], at: Any) -> dict[str, Any]:
    made = _at(at) or "2020-01-01T00:00:00.000Z"
    return {"CreatedDate": made, "SystemModstamp": made, **record}


def _at(at: Any) -> str | None:
    return None if at is None or pd.isna(at) else instant(at if isinstance(at, datetime) else pd.Timestamp(at))


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def _day(value: Any) -> str | None:
    return None if pd.isna(value) else f"{value:%Y-%m-%d}"


def _account(row: Any) -> dict[str, Any]:
    return {
        "Id": salesforce_id("001", row.account_id),
        "Name": _plain(row.name),
        "Industry": _plain(row.industry),
        "NumberOfEmployees": None if pd.isna(row.employees) else int(row.employees),
        "AnnualRevenue": _plain(row.annual_revenue),
        "BillingCountry": _plain(row.country),
    }


def _user(row: Any) -> dict[str, Any]:
    return {
        "Id": salesforce_id("005", row.user_id),
        "Name": _plain(row.name),
        "Email": _plain(row.email),
        "ManagerId": salesforce_id("005", row.manager_id),
        "Department": _plain(row.team),
        "Title": _plain(row.title),
        "IsActive": _plain(row.active),
    }


def _stage(row: Any) -> dict[str, Any]:
    return {
        "ApiName": row.stage,
        "MasterLabel": row.stage,
        "SortOrder": int(row.position),
        "IsClosed": bool(row.is_closed),
        "IsWon": bool(row.is_won),
        "DefaultProbability": _plain(row.probability),
        "ForecastCategoryName": _plain(row.forecast_category),
    }


def _quota(row: Any) -> dict[str, Any]:
    owner = salesforce_id("005", row.user_id)
    return {"QuotaOwnerId": owner, "StartDate": _day(row.period_start), "QuotaAmount": row.amount, "IsAmount": True}


def _deal(row: Any, flags: pd.DataFrame) -> dict[str, Any]:
    return {
        "Id": salesforce_id("006", row.opportunity_id),
        "AccountId": salesforce_id("001", row.account_id),
        "OwnerId": salesforce_id("005", row.owner_id),
        "Name": _plain(row.name),
        "StageName": row.stage,
        "Amount": _plain(row.amount),
        "CloseDate": _day(row.close_date),
        "Type": _plain(row.type),
        "LeadSource": _plain(row.lead_source),
        "NextStep": _plain(row.next_step),
        "ForecastCategoryName": _plain(row.forecast_category),
        "Probability": _plain(row.probability),
        "IsClosed": bool(flags.loc[row.stage, "is_closed"]),
        "IsWon": bool(flags.loc[row.stage, "is_won"]),
        "Region__c": _plain(row.region),
        "Product__c": _plain(row.product),
        "Notes__c": 'Two lines,\r\nand "quotes"; =cmd 🚀' if len(row.stage) % 2 else None,
    }


def _role(row: Any) -> dict[str, Any]:
    return {
        "OpportunityId": salesforce_id("006", row.opportunity_id),
        "ContactId": salesforce_id("003", row.contact_id),
        "Role": _plain(row.role),
    }


def _changes(tables: CrmTables) -> Iterator[dict[str, Any]]:
    for row in tables["changes"].itertuples():
        if row.field not in HISTORY:
            continue
        values = {"OldValue": _plain(row.old_value), "NewValue": _plain(row.new_value)}
        told = {"OpportunityId": salesforce_id("006", row.opportunity_id), "Field": HISTORY[row.field]}
        told |= {"CreatedDate": _at(row.changed_at), "CreatedById": salesforce_id("005", row.changed_by)}
        if row.field == "owner_id":  # an owner's change is told twice: by name and by id
            yield {**told, "OldValue": "Some One", "NewValue": "Some Other"}
            values = {name: salesforce_id("005", value) for name, value in values.items()}
        yield {**told, **values}


def _tasks(tables: CrmTables) -> Iterator[dict[str, Any]]:
    marks = {"inbound": "[In] ", "outbound": "[Out] "}
    emails = tables["activities"]
    for row in emails[emails["kind"] == "email"].itertuples():
        entered = row.occurred_at if pd.isna(row.recorded_at) else row.recorded_at
        subject = "" if pd.isna(row.subject) else row.subject
        yield {
            "Id": salesforce_id("00T", row.activity_id),
            "WhatId": salesforce_id("006", row.opportunity_id),
            "WhoId": salesforce_id("003", row.contact_id),
            "OwnerId": salesforce_id("005", row.owner_id),
            "Subject": f"[Email] {marks.get(row.direction, '')}{subject}",
            "TaskSubtype": "Email",
            "Status": "Completed",
            "IsClosed": True,
            "CompletedDateTime": _at(row.occurred_at),
            "CreatedDate": _at(entered),
            "SystemModstamp": _at(entered),
        }

"""What people call the contract's tables and columns, as far as it is usual; the names below are folded."""

from __future__ import annotations

import re
from collections.abc import Mapping

TABLES: Mapping[str, tuple[str, ...]] = {
    "opportunities": ("opportunit", "deal", "pipeline", "sales", "offer", "quote", "project"),
    "changes": ("change", "history", "audit", "log", "track"),
    "activities": ("activit", "event", "engagement", "call", "mail", "meeting", "task", "touch", "interaction"),
    "contact_roles": ("contactrole", "dealcontact", "opportunitycontact", "stakeholder"),
    "accounts": ("account", "compan", "customer", "client", "organi"),
    "users": ("user", "rep", "team", "agent", "owner", "employee", "staff", "seller"),
    "stages": ("stage", "phase", "step"),
    "quotas": ("quota", "target", "plan"),
    "leads": ("lead",),
}
COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "opportunities": {
        "opportunity_id": ("opportunityid", "dealid", "opportunity", "deal", "id", "key", "number", "nr", "uuid"),
        "created_at": (
            *("createdat", "createddate", "createdon", "datecreated", "created", "createdate", "creationdate"),
            *("engagedate", "opendate", "opened", "openedat", "entered", "begin", "began", "start", "startdate"),
        ),
        "stage": ("stagename", "dealstage", "salesstage", "pipelinestage", "stage", "phase", "status", "step", "state"),
        "amount": (
            *("amount", "value", "dealvalue", "dealamount", "closevalue", "contractvalue", "revenue", "price", "arr"),
            *("acv", "tcv", "mrr", "total", "worth", "sum"),
        ),
        "close_date": (
            *("closedate", "expectedclosedate", "expectedclose", "expectedcloseon", "targetdate", "forecastdate"),
            *("estimatedclosedate", "duedate", "expectedon"),
        ),
        "closed_at": ("closedat", "closeddate", "closedon", "dateclosed", "actualclosedate", "closed", "ended"),
        "is_won": ("iswon", "won", "haswon", "success"),
        "account_id": (
            *("accountid", "account", "customerid", "customer", "companyid", "company", "clientid", "client"),
            *("organisation", "organization", "orgid"),
        ),
        "owner_id": (
            *("ownerid", "owner", "salesagent", "salesrep", "salesperson", "rep", "agent", "seller", "assignedto"),
            *("accountexecutive", "userid", "user", "responsible"),
        ),
        "name": ("name", "dealname", "opportunityname", "title", "subject"),
        "currency": ("currency", "currencycode", "currencyisocode"),
        "forecast_category": ("forecastcategory", "forecast"),
        "probability": ("probability", "likelihood", "winprobability"),
        "type": ("type", "dealtype", "opportunitytype", "kind"),
        "lead_source": ("leadsource", "source", "channel", "origin"),
        "product": ("product", "productname", "item", "solution"),
        "region": ("region", "territory", "salesregion", "regionaloffice", "market"),
        "next_step": ("nextstep", "nextaction"),
    },
    "changes": {
        "opportunity_id": ("opportunityid", "dealid", "opportunity", "deal"),
        "changed_at": ("changedat", "changedate", "changedon", "date", "time", "timestamp", "at", "on", "createddate"),
        "field": ("field", "fieldname", "property", "attribute", "column", "what"),
        "old_value": ("oldvalue", "old", "from", "before", "previous", "previousvalue"),
        "new_value": ("newvalue", "new", "to", "after", "value"),
        "changed_by": ("changedby", "user", "userid", "by", "author", "createdby"),
    },
    "activities": {
        "opportunity_id": ("opportunityid", "dealid", "opportunity", "deal"),
        "occurred_at": (
            *("occurredat", "date", "time", "timestamp", "at", "on", "activitydate", "when", "start", "happened"),
            *("activitytime", "eventtime", "eventdate"),
        ),
        "kind": ("kind", "type", "activitytype", "activity", "event", "eventtype", "channel"),
        "activity_id": ("activityid", "id", "eventid"),
        "direction": ("direction", "inout"),
        "recorded_at": ("recordedat", "loggedat", "enteredat", "createdat"),
        "owner_id": ("ownerid", "owner", "user", "userid", "rep", "agent", "by", "loggedby"),
        "contact_id": ("contactid", "contact", "person"),
        "duration_minutes": ("durationminutes", "duration", "minutes"),
        "subject": ("subject", "title", "note"),
    },
    "contact_roles": {
        "opportunity_id": ("opportunityid", "dealid", "opportunity", "deal"),
        "contact_id": ("contactid", "contact", "person"),
        "role": ("role",),
        "added_at": ("addedat", "createdat", "createddate", "added"),
    },
    "accounts": {
        "account_id": ("accountid", "account", "customerid", "customer", "companyid", "company", "clientid", "id"),
        "name": ("name", "accountname", "companyname"),
        "industry": ("industry", "sector", "branch", "vertical"),
        "employees": ("employees", "numberofemployees", "headcount", "staff"),
        "annual_revenue": ("annualrevenue", "revenue", "turnover"),
        "country": ("country", "officelocation", "billingcountry", "location"),
        "created_at": ("createdat", "createddate", "createdon", "created"),
    },
    "users": {
        "user_id": ("userid", "user", "salesagent", "salesrep", "rep", "agent", "owner", "ownerid", "employee", "id"),
        "name": ("name", "fullname", "username"),
        "manager_id": ("managerid", "manager", "boss", "reportsto"),
        "team": ("team", "department", "group"),
        "region": ("region", "regionaloffice", "territory", "office"),
        "title": ("title", "jobtitle", "role"),
        "active": ("active", "isactive"),
        "started_at": ("startedat", "startdate", "hired", "hiredate", "createdat"),
    },
    "stages": {
        "stage": ("stage", "stagename", "name", "label", "phase"),
        "position": ("position", "order", "sortorder", "displayorder", "rank", "number"),
        "is_closed": ("isclosed", "closed"),
        "is_won": ("iswon", "won"),
        "probability": ("probability", "defaultprobability"),
    },
    "quotas": {
        "user_id": ("userid", "user", "rep", "owner", "salesagent", "ownerid"),
        "period_start": ("periodstart", "period", "start", "startdate", "quarter", "month"),
        "amount": ("amount", "quota", "target", "value"),
    },
    "leads": {
        "lead_id": ("leadid", "id", "lead"),
        "created_at": ("createdat", "createddate", "created"),
        "converted_at": ("convertedat", "converteddate", "converted"),
        "opportunity_id": ("opportunityid", "dealid", "opportunity", "deal"),
        "source": ("source", "leadsource"),
        "owner_id": ("ownerid", "owner"),
    },
}


def fold(text: str) -> str:
    """Letters and digits alone, in lower case: "Deal Stage", deal_stage and DealStage are one."""
    return re.sub(r"[\W_]", "", text.lower())


def rank(table: str, column: str, header: str) -> int:
    """How well a header names a column of the contract: the less the better, -1 not at all."""
    known = (fold(column), *COLUMNS[table].get(column, ()))
    return known.index(fold(header)) if fold(header) in known else -1


def hints(table: str, stem: str) -> bool:
    """Whether a file's name hints at a table."""
    return any(word in fold(stem) for word in TABLES[table])

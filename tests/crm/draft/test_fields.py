"""Which fields are proposed as fixed, and what the company's own columns look like."""

import pandas as pd

from crm.draft.fields import draft_fixed, draft_own
from crm.tables import OPPORTUNITIES, CrmTables

COUNT = 40


def company(**columns):
    closed = [pd.Timestamp("2024-05-01", tz="UTC") if i % 2 else pd.NaT for i in range(COUNT)]
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"D{i}" for i in range(COUNT)],
            "closed_at": pd.Series(closed, dtype="datetime64[us, UTC]"),
            **columns,
        }
    )
    deals = deals.reindex(columns=list(dict.fromkeys([*(c.name for c in OPPORTUNITIES.columns), *deals])))
    changes = pd.DataFrame({"opportunity_id": ["D1"], "field": ["Tier__c"], "new_value": ["gold"]})
    return CrmTables({"opportunities": deals, "changes": changes})


def filled_at_the_end(values):
    return [value if i % 2 else None for i, value in enumerate(values)]


def test_only_what_usually_never_changes_is_proposed_as_fixed():
    found = {
        one.field: one.proposed
        for one in draft_fixed(
            company(
                type=["new"] * COUNT,
                product=filled_at_the_end(["x"] * COUNT),
                amount=[1.0] * COUNT,
                owner_id=["u"] * COUNT,
                probability=[10.0] * COUNT,
            )
        )
    }
    assert found == {"type": True, "product": False, "amount": False, "owner_id": False}


def test_own_columns_are_told_by_their_values_and_whether_their_changes_are_recorded():
    columns = {
        "Tier__c": ["gold", "silver"] * (COUNT // 2),
        "Seats__c": [str(i % 9) for i in range(COUNT)],
        "Pilot__c": ["true", "false"] * (COUNT // 2),
        "Start__c": [f"2024-01-{1 + i % 9:02}" for i in range(COUNT)],
        "Note__c": [f"see {i // 2}" for i in range(COUNT)],
        "Key__c": [f"k{i}" for i in range(COUNT)],
        "Same__c": ["one"] * COUNT,
        "Contact_Age__c": [str(30 + i % 9) for i in range(COUNT)],
        "Dealcast_Score__c": [str(i % 9) for i in range(COUNT)],
        "FiscalYear": [str(2020 + i % 3) for i in range(COUNT)],
    }
    found = {one.column: one for one in draft_own(company(**columns), "salesforce")}
    assert {name: one.kind for name, one in found.items()} == {
        "Tier__c": "category",
        "Seats__c": "number",
        "Pilot__c": "flag",
        "Start__c": "date",
        "Note__c": "text",
        "Contact_Age__c": "number",
    }
    assert [name for name, one in found.items() if one.known] == ["Tier__c"]
    assert [name for name, one in found.items() if one.protected] == ["Contact_Age__c"]
    assert "FiscalYear" in {one.column for one in draft_own(company(**columns), "native")}

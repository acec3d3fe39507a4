"""By which columns our own tasks are known again."""

import pytest

from crm.sources.own_writes import OUR_KEY


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("Dealcast_Key__c", True),
        ("acme__Dealcast_Key__c", True),
        ("dealcast_key", True),
        ("property_dealcast_key", True),  # Fivetran's, of HubSpot
        ("dealcast_key_c", True),  # Fivetran's and dlt's, of Salesforce
        ("Dealcast_Keys__c", False),
        ("My_Dealcast_Key__c", False),
        ("Dealcast_Score__c", False),
        ("Key__c", False),
    ],
)
def test_the_key_as_tools_call_it(header, ours):
    assert (OUR_KEY.fullmatch(header) is not None) == ours

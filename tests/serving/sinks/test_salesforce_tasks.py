"""Tasks in Salesforce, over the real client library: under an external id of ours, about opportunities."""

from xml.etree import ElementTree

import pytest

from crm.errors import DealcastError, WrongUse
from serving.sinks.sink import Fate
from serving.sinks.tasks import DealNow
from serving.store import Store
from serving.tasks.plan import Why
from tests.serving.tasks.places import ask, looked_at, undo, undo_looked_at, wanted
from tests.vendors.salesforce import faults
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.company import Field
from tests.vendors.salesforce.faults import Fault
from tests.vendors.salesforce.filling import empty_company
from tests.vendors.salesforce.opened import crm
from tests.vendors.salesforce.server import Server, running

DEALS = 230


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def salesforce(certificate):
    company = empty_company()
    owner = company.new_id("User")
    company.put("User", [{"Id": owner, "IsActive": True}])
    ids = [company.new_id("Opportunity") for _ in range(DEALS)]
    company.put("Opportunity", ({"Id": one, "OwnerId": owner, "IsClosed": False} for one in ids))
    with running(Server(company), certificate) as server:
        server.ids, server.owner = ids, owner
        yield server


@pytest.fixture
def place(salesforce):
    return crm(salesforce).tasks()


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def standing(server):
    return [row for row in server.company.tables["Task"].rows.values() if not row["IsDeleted"]]


def by_deal(server):
    return {row["WhatId"]: row for row in standing(server)}


def test_tasks_are_made_and_read_back_equal(salesforce, place, store):
    salesforce.company.put("Task", [{"Subject": "by hand", "Status": "Not Started", "WhatId": salesforce.ids[0]}])
    done = ask(place, store, wanted(salesforce.ids, owner=None))
    assert (len(done.written), done.whole) == (DEALS, True)
    made = [row for row in standing(salesforce) if row["Dealcast_Key__c"]]
    assert sorted(row["WhatId"] for row in made) == sorted(salesforce.ids)
    facts = ("OwnerId", "ActivityDate", "Status", "Priority", "IsClosed", "Subject")
    subject = "74 % of won deals had a demo (lost: 46 %)"
    told = (salesforce.owner, "2026-11-25", "Not Started", "Normal", False, subject)
    assert {tuple(row[name] for name in facts) for row in made} == {told}
    assert {obj for obj, _, _ in salesforce.company.written} == {"Task"}
    assert set(looked_at(place, store, wanted(salesforce.ids)).left_out.values()) == {Why.HAS_ONE}
    assert undo(place, store, done.run_id).whole
    assert [row["Subject"] for row in standing(salesforce)] == ["by hand"]


def test_what_people_did_is_left_alone(salesforce, place, store):
    ids = salesforce.ids[:4]
    done = ask(place, store, wanted(ids))
    made, company = by_deal(salesforce), salesforce.company
    company.update("Task", made[ids[0]]["Id"], {"Status": "Completed"})
    company.update("Task", made[ids[1]]["Id"], {"Description": "she wants to see the budget first"})
    company.delete("Task", made[ids[2]]["Id"])
    seen = looked_at(place, store, wanted(ids)).left_out
    assert [seen[one] for one in ids] == [Why.DONE, Why.HAS_ONE, Why.DELETED, Why.HAS_ONE]
    assert {kept.field for kept in undo_looked_at(place, store, done.run_id).kept} == {"status", "description"}
    undo(place, store, done.run_id)
    assert sorted(by_deal(salesforce)) == sorted(ids[:2])


@pytest.mark.parametrize("what", [faults.LOST_AFTER, faults.LOST_BEFORE, faults.CUT, 500])
def test_an_answer_that_never_came_makes_no_second_task(salesforce, place, store, what):
    ids = salesforce.ids[:3]
    salesforce.faults.planned = [Fault(what, "composite/sobjects/Task", "PATCH"), Fault(429, "query", wait=0)]
    done = ask(place, store, wanted(ids))
    assert (len(done.written), done.whole) == (3, True)
    assert sorted(row["WhatId"] for row in standing(salesforce)) == sorted(ids)
    salesforce.faults.planned = [Fault(what, "composite/sobjects", "DELETE"), Fault(429, "composite", "DELETE", wait=0)]
    assert undo(place, store, done.run_id).whole
    assert standing(salesforce) == []


def test_some_are_refused_and_the_others_made(salesforce, place, store):
    ids, company = salesforce.ids[:4], salesforce.company
    company.refuses[ids[1]] = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no tasks here")
    gone = company.new_id("User")
    company.put("User", [{"Id": gone, "IsActive": False}])
    company.tables["Opportunity"].rows[ids[2]]["OwnerId"] = gone
    done = ask(place, store, wanted(ids))
    assert sorted(done.failed.values()) == [
        "FIELD_CUSTOM_VALIDATION_EXCEPTION: no tasks here",
        f"OPERATION_WITH_INACTIVE_USER_EXCEPTION: operation performed with inactive user [{gone}] as owner of task",
    ]
    assert sorted(by_deal(salesforce)) == sorted([ids[0], ids[3]])
    company.refuses.clear()
    again = ask(place, store, wanted(ids))
    assert (len(again.written), len(again.failed)) == (1, 1)
    assert len(standing(salesforce)) == 3
    outcomes = place.write({"k": {**looked_at(place, store, wanted(ids)).plan.changes[0].after, "opportunity_id": "x"}})
    assert [(one.fate, one.said) for one in outcomes] == [(Fate.FAILED, "there is no such opportunity")]


def test_deals_as_they_stand_there(salesforce, place):
    one, other, gone, *_ = salesforce.ids
    salesforce.company.tables["Opportunity"].rows[one]["IsClosed"] = True
    salesforce.company.delete("Opportunity", gone)
    open_one = DealNow(salesforce.owner)
    assert place.deals([one, other, gone]) == {one: DealNow(salesforce.owner, is_closed=True), other: open_one}


def test_deals_known_by_an_id_of_another_system(salesforce, store):
    company = salesforce.company
    company.tables["Opportunity"].fields["Warehouse__c"] = Field("Warehouse__c")
    for number, key in enumerate(salesforce.ids):
        company.tables["Opportunity"].rows[key]["Warehouse__c"] = f"W'{number}"
    place = crm(salesforce, key="Warehouse__c").tasks()
    done = ask(place, store, wanted(["W'0", "W'1", "W'999"]))
    assert (len(done.written), done.whole) == (2, True)
    assert sorted(by_deal(salesforce)) == sorted(salesforce.ids[:2])
    assert looked_at(place, store, wanted(["W'0", "W'999"])).left_out == {"W'0": Why.HAS_ONE, "W'999": Why.MISSING}
    assert undo(place, store, done.run_id).whole
    assert standing(salesforce) == []


def test_the_key_is_created_as_printed_and_missed_before_anything_is_made(salesforce, place, store):
    root = ElementTree.fromstring(place.definitions())
    field = {one.tag.rpartition("}")[2]: one.text for one in root[0]}
    assert (field["fullName"], field["externalId"], field["unique"]) == ("Dealcast_Key__c", "true", "true")
    del salesforce.company.tables["Task"].fields["Dealcast_Key__c"]
    with pytest.raises(WrongUse, match="Task has no field Dealcast_Key__c") as said:
        ask(place, store, wanted(salesforce.ids[:2]))
    assert "dealcast tasks --sink crm --fields" in said.value.remedy
    assert isinstance(said.value, DealcastError)
    assert standing(salesforce) == []

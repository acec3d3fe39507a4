"""Salesforce as a sink, over the real client library, against the loopback server."""

from xml.etree import ElementTree

import pytest

from crm.errors import WrongUse
from serving.sinks.kinds import kind_called
from serving.sinks.salesforce_fields import api_name
from serving.sinks.sink import Fate, Sink
from serving.writeback.fields import FIELDS, NOTHING, settled_all
from tests.vendors.salesforce import faults
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.company import Field
from tests.vendors.salesforce.faults import Fault
from tests.vendors.salesforce.filling import empty_company
from tests.vendors.salesforce.opened import CLIENT, crm
from tests.vendors.salesforce.server import Server, running

ANSWERS = settled_all(
    {
        "win_probability": 0.624,
        "win_probability_change": -0.031,
        "score": 62,
        "grade": "B",
        "expected_close_date": "2026-12-24",
        "expected_amount": 48000.5,
        "priority": 3,
        "reasons": 'For: "pushed" once, =cmd; 🚀\nAgainst: nothing',
        "model_version": "7",
        "scored_at": "2026-11-23T06:00:00Z",
    }
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def salesforce(certificate):
    company = empty_company()
    company.put("Opportunity", ({"Id": company.new_id("Opportunity"), "Name": f"deal {n}"} for n in range(450)))
    with running(Server(company), certificate) as server:
        server.ids = list(company.tables["Opportunity"].rows)
        yield server


@pytest.fixture(params=[10**9, 0], ids=["sObject Collections", "Bulk API 2.0"])
def sink(request, salesforce):
    return crm(salesforce, collections_up_to=request.param)


def foreign(server):
    """Whatever is not ours, of every record."""
    own = {api_name(field) for field in FIELDS} | {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}
    rows = server.company.tables["Opportunity"].rows
    return {key: {name: value for name, value in row.items() if name not in own} for key, row in rows.items()}


def scored(ids, score=50):
    return {one: {"score": score} for one in ids}


def fates(outcomes):
    return {one.record_id: one.fate for one in outcomes}


def test_what_is_written_is_what_is_read_back_and_nothing_else_is_touched(salesforce, sink):
    before, ids = foreign(salesforce), salesforce.ids[:300]
    assert sink.read(ids) == dict.fromkeys(ids, NOTHING)
    outcomes = sink.write(dict.fromkeys(ids, ANSWERS))
    assert fates(outcomes) == dict.fromkeys(ids, Fate.WRITTEN)
    assert {one: settled_all(values) for one, values in sink.read(ids).items()} == dict.fromkeys(ids, ANSWERS)
    assert salesforce.company.tables["Opportunity"].rows[ids[0]]["Dealcast_Win_Probability__c"] == 62.4
    assert foreign(salesforce) == before
    assert {name for _, _, changes in salesforce.company.written for name in changes} <= set(map(api_name, FIELDS))
    sink.write(dict.fromkeys(ids, NOTHING))
    assert sink.read(ids) == dict.fromkeys(ids, NOTHING)


def test_only_the_fields_given_are_written(salesforce, sink):
    one, other = salesforce.ids[:2]
    sink.write(dict.fromkeys((one, other), ANSWERS))
    sink.write({one: {"grade": "C"}, other: {"grade": None, "score": 5}})
    held = sink.read([one, other])
    assert settled_all(held[one]) == {**ANSWERS, "grade": "C"}
    assert settled_all(held[other]) == {**ANSWERS, "grade": None, "score": 5}


def test_ids_of_15_characters_are_known(salesforce, sink):
    short = salesforce.ids[0][:15]
    assert fates(sink.write({short: {"score": 9}})) == {short: Fate.WRITTEN}
    assert sink.read([short])[short]["score"] == 9


def test_partial_success_is_told_row_by_row(salesforce, sink):
    ids = salesforce.ids[:5]
    salesforce.company.refuses[ids[1]] = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "closed deals are frozen")
    salesforce.company.delete("Opportunity", ids[2])
    missing = salesforce.company.new_id("Opportunity")
    outcomes = sink.write(scored([*ids, missing]))
    expected = {**dict.fromkeys(ids, Fate.WRITTEN), ids[1]: Fate.FAILED, ids[2]: Fate.FAILED, missing: Fate.FAILED}
    assert fates(outcomes) == expected
    said = {one.record_id: one.said for one in outcomes}
    assert "closed deals are frozen" in said[ids[1]]
    assert "deleted" in said[ids[2]]
    assert missing not in salesforce.company.tables["Opportunity"].rows
    assert set(sink.read([*ids, missing])) == set(ids) - {ids[2]}


def test_rows_that_a_job_leaves_over_are_told_apart(salesforce):
    salesforce.bulk.stops_after = 3
    sink = crm(salesforce, collections_up_to=0)
    ids = salesforce.ids[:5]
    outcomes = sink.write(scored(ids))
    assert fates(outcomes) == {one: Fate.WRITTEN if place < 3 else Fate.FAILED for place, one in enumerate(ids)}
    assert "not processed" in outcomes[4].said


def test_an_answer_that_never_came_is_unclear(salesforce):
    sink = crm(salesforce, collections_up_to=10**9)
    ids = salesforce.ids[:250]
    sink.read(ids[:1])
    salesforce.faults.planned = [Fault(faults.LOST_AFTER, "composite"), Fault(500, "composite")]
    outcomes = sink.write(scored(ids))
    assert set(fates(outcomes).values()) == {Fate.UNCLEAR}
    held = sink.read(ids)
    assert [held[one]["score"] for one in ids] == [50.0] * 200 + [None] * 50  # the first 200 took effect


@pytest.mark.parametrize(
    ("fault", "fate"),
    [
        (Fault(faults.LOST_AFTER, "/jobs/ingest", "POST"), Fate.WRITTEN),  # a job twice: the first does nothing
        (Fault(faults.LOST_AFTER, "/batches", "PUT"), Fate.FAILED),  # never closed: nothing was written
        (Fault(faults.LOST_AFTER, "/jobs/ingest/", "PATCH"), Fate.WRITTEN),  # its state tells
        (Fault(faults.LOST_BEFORE, "/jobs/ingest/", "PATCH"), Fate.WRITTEN),
        (Fault(503, "/jobs/ingest/", "GET", times=3, wait=0), Fate.WRITTEN),
        (Fault(faults.CUT, "successfulResults", "GET"), Fate.WRITTEN),
        (Fault(500, "successfulResults", "GET", times=10**6), Fate.UNCLEAR),
    ],
    ids=str,
)
def test_a_job_survives_what_can_be_survived(salesforce, fault, fate):
    sink = crm(salesforce, collections_up_to=0)
    salesforce.faults.planned = [fault]
    ids = salesforce.ids[:3]
    assert fates(sink.write(scored(ids))) == dict.fromkeys(ids, fate)
    salesforce.faults.planned = []
    written = fate is not Fate.FAILED
    assert [values["score"] for values in sink.read(ids).values()] == [50.0 if written else None] * 3


def test_what_was_refused_before_it_was_looked_at_is_sent_again(salesforce):
    sink = crm(salesforce)
    salesforce.faults.planned = [
        Fault(429, "composite", wait=0),
        Fault("concurrent", "composite"),
        Fault(503, "composite"),
    ]
    ids = salesforce.ids[:3]
    assert fates(sink.write(scored(ids))) == dict.fromkeys(ids, Fate.WRITTEN)
    assert len(salesforce.company.written) == 3


def test_no_calls_left_is_said_of_each_row_and_nothing_is_written(salesforce):
    sink = crm(salesforce, collections_up_to=10**9)
    salesforce.calls_left = 1
    outcomes = sink.write(scored(salesforce.ids[:201]))
    assert sorted(fates(outcomes).values()) == [Fate.FAILED] + [Fate.WRITTEN] * 200
    assert "REQUEST_LIMIT_EXCEEDED" in outcomes[200].said


def test_records_are_known_by_an_external_id_and_none_is_made(salesforce):
    table = salesforce.company.tables["Opportunity"]
    table.fields["Warehouse__c"] = Field("Warehouse__c")
    for number, row in enumerate(table.rows.values()):
        row["Warehouse__c"] = f"O'{number}"
    for most in (0, 10**9):
        sink = crm(salesforce, key="Warehouse__c", collections_up_to=most)
        outcomes = sink.write({"O'3": {"score": 33}, "O'4": {"score": 44}, "O'9999": {"score": 99}})
        assert fates(outcomes) == {"O'3": Fate.WRITTEN, "O'4": Fate.WRITTEN, "O'9999": Fate.FAILED}
        assert sink.read(["O'3", "O'9999"]).keys() == {"O'3"}
    assert len(table.rows) == 450


def test_long_ids_are_asked_for_a_few_at_a_time(salesforce):
    table = salesforce.company.tables["Opportunity"]
    table.fields["Warehouse__c"] = Field("Warehouse__c")
    for number, row in enumerate(table.rows.values()):
        row["Warehouse__c"] = f"{number:_>200}"
    sink = crm(salesforce, key="Warehouse__c")
    ids = [row["Warehouse__c"] for row in table.rows.values()]
    assert list(sink.read(ids)) == ids


def test_closed_deals_are_known(salesforce):
    salesforce.company.tables["Opportunity"].rows[salesforce.ids[1]]["IsClosed"] = True
    sink = crm(salesforce)
    assert sink.closed(salesforce.ids[:3]) == frozenset({salesforce.ids[1]})


def test_missing_fields_are_named_with_what_creates_them(salesforce):
    del salesforce.company.tables["Opportunity"].fields["Dealcast_Score__c"]
    salesforce.company.tables["Opportunity"].fields["Dealcast_Grade__c"] = Field("Dealcast_Grade__c", updateable=False)
    sink = crm(salesforce)
    with pytest.raises(WrongUse, match="Dealcast_Score__c, Dealcast_Grade__c") as refused:
        sink.read(salesforce.ids[:1])
    assert "--fields" in refused.value.remedy


def test_the_definitions_are_metadata_of_every_field(salesforce):
    sink: Sink = crm(salesforce, secrets={"": ""})  # whoever asks need not get in
    space = "{http://soap.sforce.com/2006/04/metadata}"
    root = ElementTree.fromstring(sink.definitions())
    made = {one.find(f"{space}fullName").text: one for one in root.findall(f"{space}fields")}
    assert list(made) == [api_name(field) for field in FIELDS]
    assert all(len(name.removesuffix("__c")) <= 40 for name in made)
    assert all(len(one.find(f"{space}label").text) <= 40 for one in made.values())
    assert made["Dealcast_Win_Probability__c"].find(f"{space}type").text == "Percent"


def test_the_kind_opens_with_the_secrets_it_is_given(salesforce):
    kind = kind_called("salesforce", "[sinks.crm]")
    assert {*CLIENT} <= {*kind.secrets}
    sink = kind.open("crm", kind.settings(url=f"salesforce://{salesforce.host}"), CLIENT)
    assert (sink.name, sink.address) == ("crm", f"salesforce://{salesforce.host}")

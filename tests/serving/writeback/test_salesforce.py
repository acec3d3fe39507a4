"""The whole way round: fetched from Salesforce, written back, fetched again, taken back."""

from datetime import UTC, datetime

import pytest

from crm.simulator import SimulatorSettings, simulate
from crm.sources.mirror.sync import sync
from serving.sinks.salesforce_fields import api_name
from serving.store import Store
from serving.writeback.fields import FIELDS
from tests.serving.writeback.memory import answers
from tests.serving.writeback.works import look_and_apply, undo
from tests.vendors.salesforce import faults
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.faults import Fault
from tests.vendors.salesforce.filling import empty_company, fill
from tests.vendors.salesforce.opened import crm, source
from tests.vendors.salesforce.server import Server, running

AT = int(datetime.now(UTC).timestamp() * 1000)
OWN = [api_name(field) for field in FIELDS]


@pytest.fixture
def salesforce(tmp_path):
    company = empty_company()
    company.tracked |= set(OWN)  # an administrator may have their history kept
    fill(company, simulate(SimulatorSettings(deals=40, seed=5)).tables)
    with running(Server(company), write_certificate(tmp_path)) as server:
        yield server


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def records(server):
    """Every record without what Salesforce itself stamps."""
    stamps = {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}
    rows = server.company.tables["Opportunity"].rows
    return {key: {name: value for name, value in row.items() if name not in stamps} for key, row in rows.items()}


@pytest.mark.parametrize("collections_up_to", [10**9, 0], ids=["sObject Collections", "Bulk API 2.0"])
def test_round(salesforce, store, tmp_path, collections_up_to):
    before = records(salesforce)
    mirror = sync(source(salesforce), tmp_path / "mirror", AT)
    held = {path.name: path.read_bytes() for path in mirror.folder.glob("*.parquet")}
    sink = crm(salesforce, collections_up_to=collections_up_to)
    wanted = answers(1, [key for key, row in before.items() if not row["IsClosed"]])
    refused, *others = wanted
    salesforce.company.refuses[refused] = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "frozen")
    salesforce.faults.planned = [
        Fault(faults.LOST_AFTER, "composite", "PATCH"),  # it took effect, and nobody was told
        Fault(500, "/jobs/ingest/", "PATCH"),
        Fault(429, "query", wait=0),
    ]
    done = look_and_apply(sink, store, wanted)
    assert sorted(done.written) == sorted(others)
    assert list(done.failed) == [refused]
    del salesforce.company.refuses[refused]
    sent = len(salesforce.company.written)
    done_again = look_and_apply(sink, store, wanted)
    assert done_again.written == [refused]
    assert len(salesforce.company.written) == sent + 1  # a rerun tries only what failed
    assert look_and_apply(sink, store, wanted).written == []
    assert {name for _, _, changes in salesforce.company.written for name in changes} <= set(OWN)

    again = sync(source(salesforce), tmp_path / "mirror", AT)
    assert all((came.new, came.changed, came.gone) == (0, 0, 0) for came in again.came.values())
    assert {path.name: path.read_bytes() for path in again.folder.glob("*.parquet")} == held

    by_hand = others[0]
    salesforce.company.update("Opportunity", by_hand, {"Dealcast_Grade__c": "?"}, "005ada")
    for run in (done.run_id, done_again.run_id):
        undo(sink, store, run)
    after = records(salesforce)
    assert after.pop(by_hand) == {**before.pop(by_hand), "Dealcast_Grade__c": "?"}
    assert after == before

"""Tasks in HubSpot, through HubSpot's own client: with their deals, told apart by a property of ours."""

import json

import pytest

from crm.errors import DealcastError
from crm.hubspot.account import Door
from crm.patience import Patience
from serving.sinks.hubspot import HubSpotSettings, HubSpotSink
from serving.sinks.sink import Fate
from serving.sinks.tasks import NO_TASK, DealNow
from serving.store import Store
from serving.tasks.plan import Why
from tests.serving.tasks.places import ask, looked_at, undo, undo_looked_at, wanted
from tests.vendors.hubspot.company import TOKEN, an_account
from tests.vendors.hubspot.faults import CUT, LOST_AFTER, LOST_BEFORE, SILENT, Fault, Faults
from tests.vendors.hubspot.limits import EVERY_SCOPE
from tests.vendors.hubspot.server import running

DEALS = 130


@pytest.fixture
def office():
    account = an_account()
    stages = [{"id": key, "metadata": {"isClosed": closed}} for key, closed in (("1", "false"), ("2", "true"))]
    account.portal.pipelines[:] = [{"id": "p", "stages": stages}]
    for _ in range(DEALS):
        account.portal.enter("deals", {"dealstage": "1", "hubspot_owner_id": "77"})
    account.portal.clock.sleep(60)
    with running(account.hubspot):
        yield account


@pytest.fixture
def place(office):
    made = place_of(office)
    for call, body in json.loads(made.definitions()).items():
        method, path = call.split(" ")
        status, _, _ = office.hubspot.answer(method, path, json.dumps(body).encode(), f"Bearer {TOKEN}")
        assert status == 201
    return made


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def place_of(office):
    patience = Patience(budget=60, sleep=office.portal.clock.sleep)
    sink = HubSpotSink("crm", HubSpotSettings(), Door(TOKEN, office.hubspot.url.removeprefix("http://")), patience)
    sink._account._timeout = (2.0, 0.3)  # a minute of silence would be long
    return sink.tasks()


def deals_of(office):
    return list(office.portal.objects["deals"])


def standing(office):
    return [one for one in office.portal.objects["tasks"].values() if one.archived_at is None]


def deal_of(office, task):
    (deal,) = office.portal.associations["tasks", "deals", task.id]
    return deal


def test_tasks_are_made_with_their_deals_and_read_back_equal(office, place, store):
    theirs = office.portal.enter("tasks", {"hs_task_subject": "by hand", "hs_task_status": "NOT_STARTED"})
    before = {key: dict(one.versions) for key, one in office.portal.objects["deals"].items()}
    done = ask(place, store, wanted(deals_of(office), owner=None))
    assert (len(done.written), done.whole) == (DEALS, True)
    made = {deal_of(office, one): one for one in standing(office) if one is not theirs}
    assert sorted(made) == sorted(deals_of(office))
    one = made[deals_of(office)[0]]
    assert one.value("hs_task_body").startswith("No demo yet. Of the won 74 % had one &amp; more &lt;3.")
    assert (one.value("hubspot_owner_id"), one.value("hs_timestamp")) == ("77", "2026-11-25T12:00:00.000Z")
    assert {key: dict(one.versions) for key, one in office.portal.objects["deals"].items()} == before
    assert set(looked_at(place, store, wanted(deals_of(office))).left_out.values()) == {Why.HAS_ONE}
    # HubSpot's editor wraps what a task says, and nobody has changed a word of it
    office.portal.change("tasks", one.id, {"hs_task_body": f"<div><p>{one.value('hs_task_body')}</p></div>"})
    assert undo_looked_at(place, store, done.run_id).kept == ()
    assert undo(place, store, done.run_id).whole
    assert standing(office) == [theirs]
    assert place.read(["no such key"]) == {"no such key": NO_TASK}


def test_what_people_did_is_left_alone(office, place, store):
    ids = deals_of(office)[:5]
    done = ask(place, store, wanted(ids))
    made = {deal_of(office, one): one for one in standing(office)}
    office.portal.change("tasks", made[ids[0]].id, {"hs_task_status": "COMPLETED"})
    office.portal.change("tasks", made[ids[1]].id, {"hs_timestamp": "2026-12-01T12:00:00.000Z"})
    office.portal.archive("tasks", made[ids[2]].id)
    office.portal.associate("tasks", made[ids[3]].id, "deals", deals_of(office)[9])
    back = undo_looked_at(place, store, done.run_id)
    assert {kept.field for kept in back.kept} == {"status", "due", "opportunity_id"}
    assert (len(back.changes), back.unchanged) == (1, 1)
    undo(place, store, done.run_id)
    assert {one.id for one in standing(office)} == {made[ids[place_]].id for place_ in (0, 1, 3)}
    assert looked_at(place, store, wanted(ids)).left_out[ids[2]] is Why.DELETED


@pytest.mark.parametrize("fault", [LOST_BEFORE, LOST_AFTER, SILENT, CUT, 500, 429])
def test_an_answer_that_never_came_makes_no_second_task(office, place, store, fault):
    ids = deals_of(office)[:3]
    office.hubspot.faults.planned = [Fault(fault, "tasks/batch/create")]
    done = ask(place, store, wanted(ids))
    assert (len(done.written), done.whole) == (3, True)
    assert sorted(deal_of(office, one) for one in standing(office)) == sorted(ids)
    office.hubspot.faults.planned = [Fault(fault, "tasks/batch/archive")]
    assert undo(place, store, done.run_id).whole
    assert standing(office) == []


def test_random_faults_double_nothing(office, place, store):
    ids = deals_of(office)[:20]
    office.hubspot.faults = Faults(rate=25, seed=3)
    steps = wanted(ids)
    confirmed = looked_at(place, store, steps).plan.hash
    for _ in range(6):
        done = ask(place, store, steps, confirmed)
        if done.whole:
            break
    assert sorted(deal_of(office, one) for one in standing(office)) == sorted(ids)


def test_some_are_refused_and_the_others_made(office, place, store):
    ids = deals_of(office)[:4]
    seen = looked_at(place, store, wanted(ids)).plan
    office.portal.archive("deals", ids[1])  # after it was looked at
    with_four = place.write({one.record_id: one.after for one in seen.changes})
    failed = [one for one in with_four if one.fate is Fate.FAILED]
    assert len(failed) == 1
    assert "INVALID_OBJECT_IDS" in failed[0].said
    assert sorted(deal_of(office, one) for one in standing(office)) == sorted(set(ids) - {ids[1]})
    again = place.write({one.record_id: one.after for one in seen.changes})
    assert {one.fate for one in again} == {Fate.FAILED, Fate.UNCLEAR}, "a key is given once; who is quicker is read"
    assert len(standing(office)) == 3


def test_deals_as_they_stand_there(office, place):
    one, other, gone, *_ = deals_of(office)
    office.portal.change("deals", one, {"dealstage": "2"})
    office.portal.change("deals", other, {"hubspot_owner_id": ""})
    office.portal.archive("deals", gone)
    assert place.deals([one, other, gone]) == {one: DealNow("77", is_closed=True), other: DealNow(None)}


def test_a_key_that_is_missing_or_may_be_doubled_is_said_before_anything_is_made(office, store):
    place = place_of(office)
    with pytest.raises(DealcastError, match="tasks have no property dealcast_key") as said:
        ask(place, store, wanted(deals_of(office)))
    assert "dealcast tasks --sink crm --fields" in said.value.remedy
    office.portal.define("tasks", "dealcast_key")
    with pytest.raises(DealcastError, match="need not be unique"):
        ask(place_of(office), store, wanted(deals_of(office)))
    assert standing(office) == []


def test_without_the_scope_it_says_which(office, place, store):
    office.hubspot.limits.tokens[TOKEN] = tuple(one for one in EVERY_SCOPE if one != "crm.objects.contacts.write")
    done = ask(place, store, wanted(deals_of(office)[:2]))
    assert "crm.objects.contacts.write" in done.stopped.expected
    assert TOKEN not in str(done.stopped)
    assert standing(office) == []

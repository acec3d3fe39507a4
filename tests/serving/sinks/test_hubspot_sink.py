"""Answers in HubSpot's deals, through HubSpot's own client: a hundred at a time, and only our own properties."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from crm.errors import DealcastError, WrongUse
from crm.hubspot.account import Door
from crm.hubspot.problems import TOKEN as SECRET
from crm.patience import Patience
from serving.sinks.hubspot import HubSpotSettings, HubSpotSink
from serving.sinks.kinds import kind_called
from serving.sinks.sink import Fate, KnowsClosed, Sink, Values
from serving.store import Store
from serving.writeback.apply import Applied
from serving.writeback.confirmed import Confirmation, carry_out, work_at
from serving.writeback.fields import BY_NAME, settled_all
from serving.writeback.plan import Plan, plan_undo, plan_writeback, read_all
from tests.vendors.hubspot import faults as going_wrong
from tests.vendors.hubspot.company import TOKEN, an_account
from tests.vendors.hubspot.company import Account as Office
from tests.vendors.hubspot.faults import CUT, LOST_AFTER, LOST_BEFORE, SILENT, Fault, Faults
from tests.vendors.hubspot.server import running

DEALS = 230


@pytest.fixture
def office() -> Iterator[Office]:
    account = an_account()
    for label, key, closed in (("Open", "1", "false"), ("Won", "2", "true")):
        stage = {"id": key, "label": label, "displayOrder": int(key), "metadata": {"isClosed": closed}}
        account.portal.pipelines[:] = account.portal.pipelines or [
            {"id": "default", "label": "Sales", "displayOrder": 0, "stages": []}
        ]
        account.portal.pipelines[0]["stages"].append(stage)
    for place in range(DEALS):
        values = {"dealname": f"Deal {place}", "dealstage": "1", "pipeline": "default", "amount": "5"}
        account.portal.enter("deals", values)
    account.portal.clock.sleep(60)
    with running(account.hubspot):
        yield account


def sink_of(office: Office, prefix: str = "dealcast_") -> HubSpotSink:
    patience = Patience(budget=60, sleep=office.portal.clock.sleep)
    through = Door(TOKEN, office.hubspot.url.removeprefix("http://"))
    sink = HubSpotSink("crm", HubSpotSettings(prefix=prefix), through, patience)
    sink._account._timeout = (2.0, 0.3)  # a minute of silence would be long
    return sink


def prepare(office: Office, sink: HubSpotSink) -> None:
    """An administrator creates what the sink's definitions say, with the calls that they say."""
    for call, body in json.loads(sink.definitions()).items():
        method, path = call.split(" ")
        status, _, _ = office.hubspot.answer(method, path, json.dumps(body).encode(), f"Bearer {TOKEN}")
        assert status == 201


@pytest.fixture
def sink(office: Office) -> HubSpotSink:
    made = sink_of(office)
    prepare(office, made)
    return made


def ids_of(office: Office) -> list[str]:
    return list(office.portal.objects["deals"])


def answers(ids: list[str], number: int = 1) -> dict[str, Values]:
    return {
        one: settled_all(
            {
                "win_probability": ((number * 7 + place) % 100) / 100,
                "win_probability_change": -0.031,
                "score": (number * 7 + place) % 100,
                "grade": "ABCD"[(number + place) % 4],
                "expected_close_date": f"2026-09-{1 + (number + place) % 28:02}",
                "expected_amount": 12_345.67 + place,
                "reasons": None if place % 5 == 0 else f"For: fact {number} “of” {one}.\nAgainst: 🙂 <b>",
                "model_version": str(number),
                "scored_at": f"2026-08-{1 + number % 28:02}T06:00:00Z",
            }
        )
        for place, one in enumerate(ids)
    }


def outside(office: Office) -> dict[str, dict[str, list[tuple[str | None, int]]]]:
    """Every version of every property that is not ours."""
    return {
        key: {
            n: [(v.value, v.at) for v in found] for n, found in deal.versions.items() if not n.startswith("dealcast_")
        }
        for key, deal in office.portal.objects["deals"].items()
    }


def carry(plan: Plan, sink: HubSpotSink, store: Store) -> Applied:
    said = Confirmation(plan.hash, DEALS, "ada")
    with work_at(sink, store, "test") as still_alone:
        run_id = f"run-{len(store.writebacks())}"
        return carry_out(plan, said, sink, store, still_alone, lambda: run_id, lambda done, of: None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def look(sink: HubSpotSink, wanted: Mapping[str, Values]) -> Plan:
    return plan_writeback(sink, "scored", wanted, (), lambda done, of: None)


def test_it_is_a_sink_that_is_found_by_its_name() -> None:
    kind = kind_called("hubspot", "here")
    sink = kind.open("crm", kind.settings(), {SECRET: TOKEN})
    assert isinstance(sink, KnowsClosed)
    assert (sink.name, sink.address, sink.batch) == ("crm", "hubspot://api.hubapi.com", 100)
    assert TOKEN not in repr(vars(sink))
    _: Sink = sink
    shut = kind.open("crm", kind.settings(), {})
    assert shut.definitions() == sink.definitions()  # that needs no way in
    with pytest.raises(WrongUse, match="no token is given"):
        shut.read(["1"])
    for prefix in ("score_", "Dealcast_", "dealcast-", "dealcast_é"):
        with pytest.raises(WrongUse, match="does not fit"):
            HubSpotSettings(prefix=prefix)


def test_what_is_written_is_read_back_and_a_second_time_nothing_is(
    office: Office, sink: HubSpotSink, store: Store
) -> None:
    wanted, before = answers(ids_of(office)), outside(office)
    plan = look(sink, wanted)
    assert len(plan.changes) == DEALS
    office.hubspot.requests.clear()
    done = carry(plan, sink, store)
    assert done.whole
    assert len(done.written) == DEALS
    calls = [path for _, path in office.hubspot.requests if path.endswith("/batch/update")]
    assert len(calls) == 3  # a hundred a call
    assert read_all(sink, ids_of(office)) == wanted
    assert outside(office) == before
    assert {name for _, name, _ in office.portal.writes} <= {f"dealcast_{name}" for name in BY_NAME}
    again = look(sink, wanted)
    assert (len(again.changes), again.unchanged) == (0, DEALS)


def test_undo_brings_back_what_was_there(office: Office, sink: HubSpotSink, store: Store) -> None:
    ids = ids_of(office)
    first, second = answers(ids, 1), answers(ids, 2)
    carry(look(sink, first), sink, store)
    carry(look(sink, second), sink, store)
    office.portal.change("deals", ids[0], {"dealcast_grade": "mine"})
    written = store.written("run-1")
    plan = plan_undo(sink, "run-1", written, lambda done, of: None)
    assert [kept.now for kept in plan.kept] == ["mine"]
    carry(plan, sink, store)
    held = read_all(sink, ids)
    assert {one: values for one, values in held.items() if one != ids[0]} == {one: first[one] for one in ids[1:]}
    assert held[ids[0]] == {**first[ids[0]], "grade": "mine"}


def test_a_batch_in_which_some_fail_tells_them_apart(office: Office, sink: HubSpotSink) -> None:
    ids = ids_of(office)[:6]
    office.portal.archive("deals", ids[1])
    wanted = dict(answers(ids))
    wanted[ids[2]] = {"expected_close_date": "soon"}
    outcomes = {one.record_id: one for one in sink.write(wanted)}
    assert {one: outcomes[one].fate for one in ids} == {
        one: Fate.FAILED if one in ids[1:3] else Fate.WRITTEN for one in ids
    }
    assert "not exist" in outcomes[ids[1]].said
    assert "not a valid date" in outcomes[ids[2]].said
    assert {one for one, _, _ in office.portal.writes} == set(ids) - {ids[1], ids[2]}


@pytest.mark.parametrize("fault", [LOST_BEFORE, LOST_AFTER, CUT, SILENT, 500, 502])
def test_an_answer_that_does_not_come_is_unclear_and_read_back(
    office: Office, sink: HubSpotSink, store: Store, fault: str | int
) -> None:
    wanted = answers(ids_of(office)[:150])
    plan = look(sink, wanted)
    office.hubspot.faults = Faults([Fault(fault, "/batch/update")])
    done = carry(plan, sink, store)
    assert done.whole
    assert read_all(sink, list(wanted)) == wanted
    # What had taken effect was not written again, what had not was written once.
    scores = [(one, name) for one, name, _ in office.portal.writes if name == "dealcast_score"]
    assert len(scores) == len(set(scores)) == 150


def test_faults_at_random_lose_nothing_and_touch_nothing_else(office: Office, sink: HubSpotSink, store: Store) -> None:
    wanted, before = answers(ids_of(office)), outside(office)
    for seed in range(3):
        wanted = answers(ids_of(office), seed)
        office.hubspot.faults = going_wrong.Faults(rate=35, seed=seed)
        for _ in range(20):
            plan = look(sink, wanted)
            if not plan.changes:
                break
            carry(plan, sink, store)
        office.hubspot.faults = Faults()
        assert read_all(sink, ids_of(office)) == wanted
    assert outside(office) == before


def test_limits_are_waited_for(office: Office, sink: HubSpotSink, store: Store) -> None:
    wanted = answers(ids_of(office))
    office.hubspot.limits.ten_seconds = 2
    before = office.portal.clock.ms
    assert carry(look(sink, wanted), sink, store).whole
    assert office.portal.clock.ms - before > 20_000
    filled = [value for values in wanted.values() for value in values.values() if value is not None]
    assert len(office.portal.writes) == len(filled)  # each once


def test_hubspot_takes_no_more_than_a_hundred(office: Office, sink: HubSpotSink) -> None:
    with pytest.raises(DealcastError, match="exceeds the limit of 100"):
        sink.write(answers(ids_of(office)[:101]))
    assert not office.portal.writes


def test_properties_that_are_missing_or_of_another_kind_are_said(office: Office) -> None:
    sink = sink_of(office)
    with pytest.raises(DealcastError, match="no property dealcast_win_probability, ") as missing:
        sink.read(ids_of(office)[:1])
    assert "dealcast writeback --sink crm --fields" in str(missing.value)
    prepare(office, sink)
    office.portal.properties["deals"]["dealcast_score"]["type"] = "string"
    with pytest.raises(DealcastError, match="dealcast_score holds a string"):
        sink_of(office).read(ids_of(office)[:1])
    assert not office.portal.writes


def test_deals_that_are_gone_merged_or_closed(office: Office, sink: HubSpotSink) -> None:
    gone, one, other, won, alive = ids_of(office)[:5]
    office.portal.archive("deals", gone)
    new = office.portal.merge(one, other)
    office.portal.change("deals", won, {"dealstage": "2"})
    assert set(sink.read([gone, one, other, won, alive])) == {won, alive}
    assert sink.closed([won, alive, new.id]) == {won}
    plan = look(sink, answers([gone, one, other, won, alive]))
    assert [change.record_id for change in plan.changes] == [alive]
    assert (set(plan.missing), plan.closed) == ({gone, one, other}, (won,))


def test_a_token_that_expires_midway_stops_the_run_which_goes_on_later(
    office: Office, sink: HubSpotSink, store: Store
) -> None:
    wanted = answers(ids_of(office))
    plan = look(sink, wanted)
    office.hubspot.faults = Faults()
    allowed = 4
    admit = office.hubspot.limits.admit

    def expiring(authorization: str, scope: str, *, search: bool) -> dict[str, str]:
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            office.hubspot.limits.expired = {TOKEN}
        return admit(authorization, scope, search=search)

    office.hubspot.limits.admit = expiring  # type: ignore[method-assign]
    done = carry(plan, sink, store)
    assert done.stopped is not None
    assert "DEALCAST_HUBSPOT_TOKEN" in str(done.stopped)
    assert TOKEN not in str(done.stopped)
    assert 0 < len(done.written) < DEALS
    office.hubspot.limits.expired, allowed = set(), 10**6
    carry(look(sink, wanted), sink, store)
    assert read_all(sink, ids_of(office)) == wanted

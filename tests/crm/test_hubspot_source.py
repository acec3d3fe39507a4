"""A HubSpot account through HubSpot's own client: fetched whole, then what is new, whatever goes wrong on the way."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from crm.errors import DataRefused, DealcastError, WrongUse
from crm.hubspot.account import Account, Door, door
from crm.patience import Patience
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import Reading, read_folder
from crm.sources.hubspot.remote import HubSpotSource
from crm.sources.mirror import sync as mirror
from crm.tables import CrmTables
from tests.vendors.hubspot import company, fivetran
from tests.vendors.hubspot import faults as going_wrong
from tests.vendors.hubspot.company import TOKEN, an_account, the_account_of
from tests.vendors.hubspot.faults import Fault
from tests.vendors.hubspot.server import HubSpot, running

NOW = 1_790_000_000_000
KEYS = {
    "opportunities": ["opportunity_id"],
    "changes": ["opportunity_id", "field", "changed_at"],
    "activities": ["activity_id"],
    "contact_roles": ["opportunity_id", "contact_id"],
    "accounts": ["account_id"],
    "users": ["user_id"],
    "stages": ["stage"],
}


@pytest.fixture(scope="module")
def tables() -> CrmTables:
    return simulate(SimulatorSettings(deals=60, seed=5)).tables


@contextmanager
def an_office(tables: CrmTables) -> Iterator[company.Account]:
    """A company's account that can be called."""
    account = the_account_of(tables)
    account.hubspot.limits.ten_seconds = 1_000  # what waiting costs is tested by itself
    with running(account.hubspot):
        yield account


@pytest.fixture
def office(tables: CrmTables) -> Iterator[company.Account]:
    with an_office(tables) as account:
        yield account


def line(hubspot: HubSpot, token: str = TOKEN, budget: float = 600.0) -> Account:
    """The real client, whose waiting moves the account's clock rather than ours."""
    patience = Patience(budget=budget, sleep=hubspot.portal.clock.sleep)
    return Account(Door(token, hubspot.url.removeprefix("http://")), patience, timeout=(2.0, 0.4))


def sync(hubspot: HubSpot, folder: Path, **wishes: bool) -> mirror.Synced:
    return mirror.sync(HubSpotSource(line(hubspot)), folder, NOW, mirror.Wishes(**wishes))


def assert_same(one: Reading, other: Reading, tables: tuple[str, ...] = tuple(KEYS)) -> None:
    for table in tables:
        first, second = (reading.tables[table].sort_values(KEYS[table], ignore_index=True) for reading in (one, other))
        columns = [c for c in first.columns if c in second.columns]
        assert len(columns) >= 3
        pd.testing.assert_frame_equal(first[columns], second[columns])


def test_the_mirror_reads_as_fivetrans_export_does(office: company.Account, tmp_path: Path) -> None:
    done = sync(office.hubspot, tmp_path / "mirror")
    exported = tmp_path / "fivetran"
    exported.mkdir()
    fivetran.write(office, exported)
    ours, theirs = read_folder(done.folder), read_folder(exported)
    assert ours.shape == theirs.shape == "hubspot"
    assert len(ours.tables["activities"]) > 800
    assert_same(ours, theirs)
    for file in ours.report.files:
        assert file.rows_in == file.accepted + sum(file.set_aside.values())


def test_only_what_is_new_is_fetched(office: company.Account, tmp_path: Path) -> None:
    sync(office.hubspot, tmp_path)
    office.hubspot.requests.clear()
    office.portal.clock.sleep(3600)
    key = next(iter(office.portal.objects["deals"]))
    office.portal.change("deals", key, {"amount": "4711"})
    done = sync(office.hubspot, tmp_path)
    assert {name: came.changed + came.new for name, came in done.came.items() if came.changed + came.new} == {
        "deal": 1,
        "deal_property_history": 1,
    }
    read = [path for _, path in office.hubspot.requests if path == "/crm/v3/objects/deals/batch/read"]
    assert len(read) <= 4  # of deals and of histories: those that were changed last, and the new one


def days_work(office: company.Account, seed: int) -> None:
    """What people do between two syncs."""
    portal, chance = office.portal, random.Random(seed)
    portal.clock.sleep(3 * 3600)
    alive = [key for key, deal in portal.objects["deals"].items() if deal.archived_at is None]
    first, second, third, fourth = chance.sample(alive, 4)
    portal.change("deals", first, {"dealstage": chance.choice(list(office.stage_ids.values()))}, user=41_000_005)
    portal.change("deals", second, {"amount": str(chance.randint(1, 99_999)), "product": f"Product {seed}"})
    portal.archive("deals", third)
    values = {"dealname": "New", "dealstage": "1000000", "pipeline": "default", "amount": "99"}
    new = portal.enter("deals", values)
    portal.associate("deals", new.id, "companies", next(iter(portal.objects["companies"])))
    email = portal.enter("emails", {"hs_timestamp": "2026-06-01T10:00:00.000Z", "hs_email_direction": "EMAIL"})
    portal.associate("emails", email.id, "deals", new.id)
    portal.associate("emails", email.id, "deals", second)
    links = portal.associations.get(("deals", "contacts", fourth), {})
    if links:  # a contact is taken off a deal, which changes no record's date
        gone = next(iter(links))
        del links[gone]
    portal.archive("calls", chance.choice([k for k, c in portal.objects["calls"].items() if c.archived_at is None]))


def test_what_is_new_makes_the_same_of_it_as_fetching_all(office: company.Account, tmp_path: Path) -> None:
    sync(office.hubspot, tmp_path / "grown")
    for seed in range(3):
        days_work(office, seed)
        done = sync(office.hubspot, tmp_path / "grown")
    grown, fresh = read_folder(done.folder), read_folder(sync(office.hubspot, tmp_path / "fresh").folder)
    # Of deals in the recycle bin HubSpot tells no history; where it had been fetched before, it is still there.
    assert_same(grown, fresh)
    assert grown.report.set_aside["rule"].value_counts().to_dict()["deleted in the CRM"] == 6
    assert (grown.tables["opportunities"]["name"] == "New").sum() >= 1


def test_deals_that_were_merged_are_one(office: company.Account, tmp_path: Path) -> None:
    sync(office.hubspot, tmp_path)
    one, other = list(office.portal.objects["deals"])[:2]
    office.portal.clock.sleep(3600)
    new = office.portal.merge(one, other)
    reading = read_folder(sync(office.hubspot, tmp_path).folder)
    ids = set(reading.tables["opportunities"]["opportunity_id"])
    assert new.id in ids
    assert not ids & {one, other}
    deals = next(file for file in reading.report.files if file.table == "opportunities")
    assert deals.set_aside == {"merged into another deal": 2}
    assert (reading.tables["activities"]["opportunity_id"] == new.id).any()


def test_what_we_write_back_is_no_event(office: company.Account, tmp_path: Path) -> None:
    before = read_folder(sync(office.hubspot, tmp_path).folder)
    office.portal.define("deals", "dealcast_score", "number", groupName="dealcast")
    office.portal.clock.sleep(3600)
    for key in list(office.portal.objects["deals"]):
        office.portal.change("deals", key, {"dealcast_score": "77"}, source="INTEGRATION", source_id="21471712")
    done = sync(office.hubspot, tmp_path)
    assert_same(before, read_folder(done.folder))
    assert done.came["deal"].changed == done.came["deal_property_history"].changed == 0
    assert not any("dealcast" in column for column in pd.read_parquet(done.folder / "deal.parquet").columns)


def test_the_mirror_keeps_versions_that_hubspot_drops(office: company.Account, tmp_path: Path) -> None:
    key = next(iter(office.portal.objects["deals"]))
    for batch in range(3):
        office.portal.clock.sleep(3600)
        for step in range(12):
            office.portal.change("deals", key, {"hs_next_step": f"step {batch}-{step}"})
        done = sync(office.hubspot, tmp_path)
    changes = read_folder(done.folder).tables["changes"]
    steps = changes[(changes["opportunity_id"] == key) & (changes["field"] == "next_step")].sort_values("changed_at")
    assert len(office.portal.objects["deals"][key].versions["hs_next_step"]) == 20
    kept = steps["new_value"].tolist()[-36:]
    assert kept == [f"step {batch}-{step}" for batch in range(3) for step in range(12)]


def test_a_flood_of_changes_in_one_instant_is_fetched_whole(tmp_path: Path) -> None:
    """More records than a search answers with, all of the same millisecond, and more after them."""
    account = an_account()
    values = {"dealname": "A deal", "dealstage": "1", "pipeline": "default"}
    account.portal.pipelines.append(
        {
            "id": "default",
            "label": "Sales",
            "displayOrder": 0,
            "stages": [
                {"id": "1", "label": "Open", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.5"}}
            ],
        }
    )
    account.portal.enter("deals", values)
    account.hubspot.limits.ten_seconds = 1_000
    with running(account.hubspot) as hubspot:
        sync(hubspot, tmp_path)
        account.portal.clock.sleep(3600)
        at = account.portal.clock.now()
        for _ in range(450):
            account.portal.enter("deals", values, at=at)
        for _ in range(230):
            account.portal.enter("deals", values)
        done = sync(
            hubspot,
            tmp_path,
        )
        assert done.came["deal"].rows == 681


# --- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_faults_on_the_way_change_nothing(tables: CrmTables, tmp_path: Path, seed: int) -> None:
    with an_office(tables) as office:
        whole = read_folder(sync(office.hubspot, tmp_path / "whole").folder)
        office.hubspot.faults = going_wrong.Faults(rate=25, seed=seed)
        shaky = read_folder(sync(office.hubspot, tmp_path / "shaky").folder)
        assert_same(whole, shaky)


def test_a_sync_that_is_stopped_anywhere_goes_on(office: company.Account, tmp_path: Path) -> None:
    """Stopped at random pages, with people at work in between: nothing is lost, nothing is there twice."""

    class Stopped(BaseException):
        pass

    chance = random.Random(11)
    finished = 0
    for attempt in range(40):
        left = chance.randint(1, 45)

        def step(_said: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Stopped

        try:
            mirror.sync(HubSpotSource(line(office.hubspot)), tmp_path / "shaken", NOW, None, step)
            finished += 1
        except Stopped:
            pass
        if attempt % 8 == 7:
            days_work(office, attempt)
    assert 0 < finished < 40
    shaken = read_folder(sync(office.hubspot, tmp_path / "shaken").folder)
    fresh = read_folder(sync(office.hubspot, tmp_path / "fresh").folder)
    assert_same(shaken, fresh)


def test_limits_are_waited_for_as_told(tables: CrmTables, tmp_path: Path) -> None:
    with an_office(tables) as office:
        whole = read_folder(sync(office.hubspot, tmp_path / "whole").folder)
        office.hubspot.limits.ten_seconds = 12
        office.hubspot.limits.search_second = 1
        before = office.portal.clock.ms
        slow = read_folder(sync(office.hubspot, tmp_path / "slow").folder)
        assert_same(whole, slow)
        calls = len(office.hubspot.limits.calls)
        assert calls <= 12
        assert office.portal.clock.ms - before > 60_000  # the account's own time


def test_search_that_lags_behind_loses_nothing(office: company.Account, tmp_path: Path) -> None:
    office.hubspot.index_lag_ms = 60_000
    sync(office.hubspot, tmp_path)
    key = next(iter(office.portal.objects["deals"]))
    office.portal.clock.sleep(3600)
    office.portal.change("deals", key, {"amount": "1"})
    other = list(office.portal.objects["deals"])[1]
    office.portal.clock.sleep(90)
    office.portal.change("deals", other, {"amount": "2"})  # the index does not know of this one yet
    sync(office.hubspot, tmp_path)
    office.portal.clock.sleep(300)
    done = sync(office.hubspot, tmp_path)
    deals = pd.read_parquet(done.folder / "deal.parquet").set_index("deal_id")["property_amount"]
    assert deals[[key, other]].tolist() == ["1", "2"]


def test_the_days_calls_used_up_is_said_at_once(office: company.Account, tmp_path: Path) -> None:
    office.hubspot.limits.daily = 5
    with pytest.raises(DealcastError, match="daily limit") as error:
        sync(office.hubspot, tmp_path)
    assert "midnight" in str(error.value)
    assert len(office.hubspot.requests) == 6


def test_a_server_that_stays_down_ends_the_patience(office: company.Account, tmp_path: Path) -> None:
    office.hubspot.faults.planned = [Fault(502, times=10**6)]
    with pytest.raises(DealcastError, match="HubSpot answers 502") as error:
        mirror.sync(HubSpotSource(line(office.hubspot, budget=0.5)), tmp_path, NOW)
    assert "run this again later" in str(error.value)


def test_a_token_that_has_expired_or_may_not(office: company.Account, tmp_path: Path) -> None:
    office.hubspot.limits.expired = {TOKEN}
    with pytest.raises(DealcastError, match="expired") as error:
        sync(office.hubspot, tmp_path)
    assert "DEALCAST_HUBSPOT_TOKEN" in str(error.value)
    office.hubspot.limits = replace(
        office.hubspot.limits, expired=set(), tokens={TOKEN: ("crm.schemas.deals.read", "crm.objects.companies.read")}
    )
    with pytest.raises(DealcastError, match=r"crm\.objects\.deals\.read") as refused:
        sync(office.hubspot, tmp_path)
    for said in (str(error.value), str(refused.value), repr(Door(TOKEN))):
        assert TOKEN not in said


def test_the_address_says_what_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert door("hubspot://", TOKEN).url == "https://api.hubapi.com"
    assert door("hubspot://127.0.0.1:8080", TOKEN).url == "http://127.0.0.1:8080"
    assert door("hubspot://api.hubapi.eu", TOKEN).url == "https://api.hubapi.eu"
    with pytest.raises(WrongUse, match="no token is given"):
        door("hubspot://", None)
    with pytest.raises(WrongUse, match="more than a host"):
        door(f"hubspot://{TOKEN}@api.hubapi.com", TOKEN)


def test_a_cursor_that_is_none_is_refused(office: company.Account) -> None:
    deals = HubSpotSource(line(office.hubspot)).tables()[0]
    for cursor in ("soon", json.dumps({"after": "3"}), "[1]"):
        with pytest.raises(DataRefused, match="no place that a sync of HubSpot has reached"):
            next(iter(deals.pages(cursor)))

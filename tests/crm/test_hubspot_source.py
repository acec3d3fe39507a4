"""A HubSpot account through HubSpot's own client: fetched whole, then what is new, whatever goes wrong on the way."""

import json
import random
from collections.abc import Callable, Iterator
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
from crm.sources.remote import RemoteTable
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
    return simulate(SimulatorSettings(deals=30, seed=5)).tables


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


def fetched(hubspot: HubSpot) -> dict[str, pd.DataFrame]:
    """What a source hands out, table by table, the last of each key."""
    found = {}
    for table in HubSpotSource(line(hubspot)).tables():
        pages = [page.rows.to_pandas().astype("str") for page in table.pages(None)]
        rows = pd.concat(pages).drop_duplicates(table.key, keep="last")
        found[table.name] = rows.sort_values(table.key, ignore_index=True)
    return found


def assert_same_fetched(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    assert list(one) == list(other)
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_dtype=False)


class Some(HubSpotSource):
    """A source of a few tables, where the others would only take time."""

    names = ("deal", "deal_property_history")

    def tables(self) -> list[RemoteTable]:
        return [table for table in super().tables() if table.name in self.names]


class MailedDeals(Some):
    names = ("deal", "deal_pipeline", "deal_pipeline_stage", "engagement_email", "engagement_deal")


def sync_deals(
    hubspot: HubSpot, folder: Path, step: Callable[[str], None] = lambda _said: None
) -> dict[str, pd.DataFrame]:
    done = mirror.sync(Some(line(hubspot)), folder, NOW, None, step)
    return {name: pd.read_parquet(done.folder / f"{name}.parquet") for name in done.manifest.tables}


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
    assert len(ours.tables["activities"]) > 400
    assert_same(ours, theirs)
    for file in ours.report.files:
        assert file.rows_in == file.accepted + sum(file.set_aside.values())


def test_only_what_is_new_is_fetched(office: company.Account, tmp_path: Path) -> None:
    sync_deals(office.hubspot, tmp_path)
    office.hubspot.requests.clear()
    office.portal.clock.sleep(3600)
    key = next(iter(office.portal.objects["deals"]))
    office.portal.change("deals", key, {"amount": "4711"})
    deals = sync_deals(office.hubspot, tmp_path)["deal"].set_index("deal_id")
    assert deals.loc[key, "property_amount"] == "4711"
    calls = [path.removeprefix("/crm/v3/") for _, path in office.hubspot.requests]
    assert sorted(calls) == [  # the last of all changes is asked for again, and with it whoever made it
        *["objects/deals"],
        *["objects/deals/batch/read"] * 2,
        *["objects/deals/search"] * 2,
        "properties/deals",
    ]


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
    sync(office.hubspot, tmp_path)
    for seed in range(2):
        days_work(office, seed)
    done = sync(office.hubspot, tmp_path)
    grown = {name: pd.read_parquet(done.folder / f"{name}.parquet") for name in done.manifest.tables}
    fresh = fetched(office.hubspot)
    assert (fresh["deal"]["is_deleted"] == "true").sum() == 2
    # What belongs to records in the recycle bin is not told; where it had been fetched before, it is still there.
    for table, key, flag, of in (
        ("deal", "deal_id", "is_deleted", "deal_property_history"),
        ("engagement_call", "engagement_id", "_fivetran_deleted", "engagement_contact"),
    ):
        gone = grown[of][key].isin(fresh[table].loc[fresh[table][flag] == "true", key])
        assert gone.any()
        grown[of] = grown[of][~gone].reset_index(drop=True)
    assert_same_fetched(fresh, {name: grown[name] for name in fresh})
    reading = read_folder(done.folder)
    assert reading.report.set_aside["rule"].value_counts().to_dict()["deleted in the CRM"] == 4
    assert (reading.tables["opportunities"]["name"] == "New").sum() == 2


def test_deals_that_were_merged_are_one(office: company.Account, tmp_path: Path) -> None:
    mirror.sync(MailedDeals(line(office.hubspot)), tmp_path, NOW)
    one, other = list(office.portal.objects["deals"])[:2]
    office.portal.clock.sleep(3600)
    new = office.portal.merge(one, other)
    reading = read_folder(mirror.sync(MailedDeals(line(office.hubspot)), tmp_path, NOW).folder)
    ids = set(reading.tables["opportunities"]["opportunity_id"])
    assert new.id in ids
    assert not ids & {one, other}
    deals = next(file for file in reading.report.files if file.table == "opportunities")
    assert deals.set_aside == {"merged into another deal": 2}
    assert (reading.tables["activities"]["opportunity_id"] == new.id).any()


def test_what_we_write_back_does_not_reach_the_mirror(office: company.Account, tmp_path: Path) -> None:
    before = sync_deals(office.hubspot, tmp_path)
    office.portal.define("deals", "dealcast_score", "number", groupName="dealcast")
    office.portal.clock.sleep(3600)
    for key in list(office.portal.objects["deals"]):
        office.portal.change("deals", key, {"dealcast_score": "77"}, source="INTEGRATION", source_id="21471712")
    assert_same_fetched(before, sync_deals(office.hubspot, tmp_path))


def test_the_mirror_keeps_versions_that_hubspot_drops(office: company.Account, tmp_path: Path) -> None:
    key = next(iter(office.portal.objects["deals"]))
    for batch in range(3):
        office.portal.clock.sleep(3600)
        for step in range(12):
            office.portal.change("deals", key, {"hs_next_step": f"step {batch}-{step}"})
        versions = sync_deals(office.hubspot, tmp_path)["deal_property_history"]
    steps = versions[(versions["deal_id"] == key) & (versions["name"] == "hs_next_step")].sort_values("timestamp")
    assert len(office.portal.objects["deals"][key].versions["hs_next_step"]) == 20
    assert steps["value"].tolist()[-36:] == [f"step {batch}-{step}" for batch in range(3) for step in range(12)]


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
        sync_deals(hubspot, tmp_path)
        account.portal.clock.sleep(3600)
        at = account.portal.clock.now()
        for _ in range(450):
            account.portal.enter("deals", values, at=at)
        for _ in range(230):
            account.portal.enter("deals", values)
        assert len(sync_deals(hubspot, tmp_path)["deal"]) == 681


def test_a_deal_with_many_engagements_has_them_all(office: company.Account) -> None:
    """More associations of one record than an answer holds."""
    key = next(iter(office.portal.objects["deals"]))
    for _ in range(1_234):
        office.portal.associate("emails", office.portal.enter("emails", {}).id, "deals", key)
    links = fetched(office.hubspot)["engagement_deal"]
    assert (links["deal_id"] == key).sum() >= 1_234


# --- what goes wrong -------------------------------------------------------------------------------


def test_faults_on_the_way_change_nothing(office: company.Account) -> None:
    whole = fetched(office.hubspot)
    for seed in range(3):
        office.hubspot.faults = going_wrong.Faults(rate=25, seed=seed)
        assert_same_fetched(whole, fetched(office.hubspot))


def test_a_sync_that_is_stopped_anywhere_goes_on(office: company.Account, tmp_path: Path) -> None:
    """Stopped at random pages, with people at work in between: nothing is lost, nothing is there twice."""

    class Stopped(BaseException):
        pass

    chance = random.Random(11)
    finished = 0
    for attempt in range(16):
        left = chance.randint(1, 9)

        def step(_said: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Stopped

        try:
            sync_deals(office.hubspot, tmp_path / "shaken", step)
            finished += 1
        except Stopped:
            pass
        if attempt % 4 == 3:
            days_work(office, attempt)
    assert 0 < finished < 16
    shaken, fresh = sync_deals(office.hubspot, tmp_path / "shaken"), sync_deals(office.hubspot, tmp_path / "fresh")
    pd.testing.assert_frame_equal(shaken["deal"], fresh["deal"])
    alive = fresh["deal"].loc[fresh["deal"]["is_deleted"] == "false", "deal_id"]
    kept = shaken["deal_property_history"]
    kept = kept[kept["deal_id"].isin(alive)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, fresh["deal_property_history"])


def test_limits_are_waited_for_as_told(office: company.Account) -> None:
    whole = fetched(office.hubspot)
    office.hubspot.limits.ten_seconds = 12
    office.hubspot.limits.search_second = 1
    before = office.portal.clock.ms
    assert_same_fetched(whole, fetched(office.hubspot))
    assert len(office.hubspot.limits.calls) <= 12
    assert office.portal.clock.ms - before > 60_000  # the account's own time


def test_search_that_lags_behind_loses_nothing(office: company.Account, tmp_path: Path) -> None:
    office.hubspot.index_lag_ms = 60_000
    sync_deals(office.hubspot, tmp_path)
    key = next(iter(office.portal.objects["deals"]))
    office.portal.clock.sleep(3600)
    office.portal.change("deals", key, {"amount": "1"})
    other = list(office.portal.objects["deals"])[1]
    office.portal.clock.sleep(90)
    office.portal.change("deals", other, {"amount": "2"})  # the index does not know of this one yet
    sync_deals(office.hubspot, tmp_path)
    office.portal.clock.sleep(300)
    deals = sync_deals(office.hubspot, tmp_path)["deal"].set_index("deal_id")["property_amount"]
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
        Account(door("hubspot://", None))
    with pytest.raises(WrongUse, match="more than a host"):
        door(f"hubspot://{TOKEN}@api.hubapi.com", TOKEN)


def test_a_cursor_that_is_none_is_refused(office: company.Account) -> None:
    deals = HubSpotSource(line(office.hubspot)).tables()[0]
    for cursor in ("soon", json.dumps({"after": "3"}), "[1]"):
        with pytest.raises(DataRefused, match="no place that a sync of HubSpot has reached"):
            next(iter(deals.pages(cursor)))

"""Tasks that we make of coaching are no activity: with or without them every feature is the same to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm.hubspot.account import Account, Door
from crm.patience import Patience
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from crm.sources.files import Reading, read_folder
from crm.sources.hubspot.remote import HubSpotSource
from crm.sources.mirror.sync import sync
from crm.sources.own_writes import TOLD_TASKS
from serving.sinks.hubspot import HubSpotSettings, HubSpotSink
from serving.sinks.tasks import TaskPlace
from serving.store import Store
from tests.laws.test_own_writes import assert_same_company
from tests.serving.tasks.places import ask, wanted
from tests.vendors.hubspot import fivetran
from tests.vendors.hubspot.company import TOKEN, the_account_of
from tests.vendors.hubspot.server import running as hubspot_running
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.filling import empty_company, fill
from tests.vendors.salesforce.opened import crm, source
from tests.vendors.salesforce.server import Server
from tests.vendors.salesforce.server import running as salesforce_running

AT = int(datetime.now(UTC).timestamp() * 1000)
ASKED = 2


@pytest.fixture(scope="module")
def tables():
    return simulate(SimulatorSettings(deals=18, seed=5)).tables


def told(reading: Reading) -> int:
    return sum(f.normalised.get(TOLD_TASKS, 0) for f in reading.report.files if f.table == "activities")


def set_aside(reading: Reading) -> int:
    return sum(f.rows_in - f.accepted for f in reading.report.files if f.table == "activities")


def asked_for(place: TaskPlace, folder: Path, deals: list[str]) -> None:
    done = ask(place, Store(f"sqlite:///{folder / 'store.db'}"), wanted(deals[:ASKED]))
    assert (len(done.written), done.whole) == (ASKED, True)


def assert_no_activity(before: Reading, after: Reading) -> None:
    assert (told(before), told(after)) == (0, ASKED)
    assert set_aside(after) == set_aside(before), "told as what they are, not set aside as plans"
    assert "Dealcast_Key__c" not in after.tables["activities"]
    assert_same_company(before, after)


@pytest.mark.parametrize("column", ["dealcast_key", "acme__Dealcast_Key__c"])
def test_rows_that_bear_our_key_are_told_and_no_activity(tmp_path, column):
    before, after = tmp_path / "before", tmp_path / "after"
    simulate(SimulatorSettings(deals=18, seed=5)).write(before)
    after.mkdir()
    for path in before.iterdir():
        (after / path.name).write_bytes(path.read_bytes())
    activities = pd.read_csv(before / "activities.csv", dtype=str, keep_default_na=False)
    rng = np.random.default_rng(1)
    ours = activities.sample(ASKED, random_state=1).assign(
        **{column: [f"{number:032x}" for number in range(ASKED)]},
        activity_id=[f"ours-{number}" for number in range(ASKED)],
        kind="meeting",
        occurred_at=rng.choice(activities["occurred_at"], ASKED),
    )
    mixed = pd.concat([activities.assign(**{column: rng.choice(["", "  "], len(activities))}), ours])
    places = np.argsort(np.concatenate([np.arange(len(activities)), rng.uniform(0, len(activities), ASKED)]))
    mixed.iloc[places].to_csv(after / "activities.csv", index=False)
    assert_no_activity(read_folder(before), read_folder(after))


def test_tasks_made_in_salesforce(tables, tmp_path):
    company = empty_company()
    fill(company, tables)
    with salesforce_running(Server(company), write_certificate(tmp_path)) as server:
        before = read_folder(sync(source(server), tmp_path / "mirror", AT).folder)
        deals = [key for key, row in company.tables["Opportunity"].rows.items() if not row["IsClosed"]]
        asked_for(crm(server).tasks(), tmp_path, deals)
        made = [row["Id"] for row in company.tables["Task"].rows.values() if row["Dealcast_Key__c"]]
        for key in made[::2]:
            company.update("Task", key, {"Status": "Completed"})
        after = read_folder(sync(source(server), tmp_path / "mirror", AT).folder)
        assert_no_activity(before, after)
        call = {"WhatId": deals[0], "Subject": "[Call] as asked", "Status": "Completed", "IsClosed": True}
        company.put("Task", [{**call, "CreatedDate": "2026-01-05T10:00:00.000Z", "ActivityDate": "2026-01-05"}])
        more = read_folder(sync(source(server), tmp_path / "mirror", AT).folder)
        assert len(more.tables["activities"]) == len(before.tables["activities"]) + 1, "what the rep logs counts"


@pytest.mark.parametrize("road", ["api", "fivetran"])
def test_tasks_made_in_hubspot(tables, tmp_path, road):
    account = the_account_of(tables)
    account.hubspot.limits.ten_seconds = account.hubspot.limits.search_second = 10**6
    portal = account.portal
    portal.define("tasks", "dealcast_key", hasUniqueValue=True)
    with hubspot_running(account.hubspot):
        through = Door(TOKEN, account.hubspot.url.removeprefix("http://"))
        patience = Patience(budget=60, sleep=portal.clock.sleep)
        read: Callable[[str], Reading] = {
            "api": lambda _: read_folder(sync(HubSpotSource(Account(through, patience)), tmp_path / "m", AT).folder),
            "fivetran": lambda name: exported(account, tmp_path / name),
        }[road]
        before = read("before")
        place = HubSpotSink("crm", HubSpotSettings(), through, patience).tasks()
        deals = sorted(portal.objects["deals"])
        now = place.deals(deals)
        asked_for(place, tmp_path, [one for one in deals if not now[one].is_closed])
        made = [one.id for one in portal.objects["tasks"].values() if one.value("dealcast_key")]
        for key in made[::2]:
            done = {"hs_task_status": "COMPLETED", "hs_task_completion_date": "2026-05-30T10:00:00.000Z"}
            portal.change("tasks", key, done)
        portal.clock.sleep(60)
        assert_no_activity(before, read("after"))


def exported(account: object, folder: Path) -> Reading:
    folder.mkdir()
    fivetran.write(account, folder)
    return read_folder(folder)

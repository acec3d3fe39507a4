"""`dealcast tasks`: the next steps of coaching as tasks in a CRM, on request; and write-back to HubSpot."""

import json
import shlex
import sqlite3
from datetime import UTC, datetime

import pandas as pd
import pytest

from pipelines.tasks import TOP
from serving.store import Store
from serving.tasks.task import ASSOCIATION, working_days_on
from tests.acceptance.worlds import LAST_DAY, copied, dealcast
from tests.vendors.hubspot.company import TOKEN, an_account
from tests.vendors.hubspot.faults import LOST_AFTER, Fault
from tests.vendors.hubspot.server import running
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.filling import empty_company
from tests.vendors.salesforce.login import CLIENT_ID, CLIENT_SECRET
from tests.vendors.salesforce.server import Server
from tests.vendors.salesforce.server import running as salesforce_running


@pytest.fixture
def home(scored, tmp_path):
    return copied(scored.home, tmp_path / "home")


@pytest.fixture
def sheet(home, tmp_path):
    """A home with a file as its sink; the file of its tasks."""
    configure(home, f'[sinks.crm]\nkind = "file"\npath = "{tmp_path / "answers.csv"}"')
    return tmp_path / "answers_tasks.csv"


@pytest.fixture
def hubspot(home, scored, monkeypatch):
    """A home with HubSpot as its sink: an account that has the scored deals, and has created what we need."""
    account = an_account()
    account.hubspot.limits.ten_seconds = account.hubspot.limits.search_second = 100_000
    portal = account.portal
    stages = [{"id": "1", "label": "Open", "displayOrder": 0, "metadata": {"isClosed": "false"}}]
    stages += [{"id": "2", "label": "Won", "displayOrder": 1, "metadata": {"isClosed": "true"}}]
    portal.pipelines[:] = [{"id": "default", "label": "Sales", "displayOrder": 0, "stages": stages}]
    with sqlite3.connect(home / "dealcast.db") as store:  # ids are numbers there
        for table in ("scores", "scored_deals"):
            store.execute(f"UPDATE {table} SET opportunity_id = replace(opportunity_id, 'D', '1')")
    for one in scored.scores["opportunity_id"].str.replace("D", "1"):
        portal.enter("deals", {"dealstage": "1", "pipeline": "default", "hubspot_owner_id": "77"}, key=one)
    with running(account.hubspot) as office:
        configure(home, f'[sinks.crm]\nkind = "hubspot"\nurl = "{office.url.replace("http", "hubspot")}"')
        monkeypatch.setenv("DEALCAST_HUBSPOT_TOKEN", TOKEN)
        for command in ("writeback", "tasks"):
            calls = dealcast(command, "--sink", "crm", "--fields", "--home", home)
            assert calls.code == 0, calls.err
            for call, body in json.loads(calls.out).items():
                method, path = call.split(" ")
                status, _, _ = office.answer(method, path, json.dumps(body).encode(), f"Bearer {TOKEN}")
                assert status == 201
        yield account


def configure(home, text):
    path = home / "dealcast.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def tasks(home, *words):
    told = dealcast("tasks", "--sink", "crm", "--home", home, *words)
    assert max(map(len, told.lines), default=0) <= 80 or "://" in told.out
    return told


def planned(home, *words):
    told = tasks(home, "--json", *words)
    assert told.code == 0, told.err
    return json.loads(told.out)


def due_in(days):
    return working_days_on(datetime.now(UTC).date(), days).isoformat()


def run_of(told):
    return next(line.split()[-1] for line in told.lines if line.startswith("To take it back"))


def in_the_portal(account):
    found = (one for one in account.portal.objects["tasks"].values() if one.archived_at is None)
    return {one.value("dealcast_key"): one for one in found}


def test_tasks_come_and_go_again(home, scored, sheet):
    with_steps = scored.scores[scored.scores["coaching"] != "[]"].sort_values("priority")
    shown = tasks(home)
    assert shown.code == 0, shown.err
    number = min(TOP, len(with_steps))
    assert f"{number} tasks would be made." in shown.out
    assert "Nothing was written." in shown.out
    assert not sheet.exists()
    plan = planned(home)
    assert [one["opportunity_id"] for one in plan["tasks"]] == with_steps["opportunity_id"].tolist()[:TOP]
    applied = dealcast(*shown.lines[-1].split()[1:], "--home", home)
    assert applied.code == 0, applied.err
    assert f"{number} tasks written." in applied.out

    made = pd.read_csv(sheet, dtype=str).set_index("opportunity_id")
    rows = {row["opportunity_id"]: row for row in Store.under(home).listed(plan["scoring_run"])}
    assert set(made.index) == {one["opportunity_id"] for one in plan["tasks"]}
    assert made["task_key"].is_unique
    assert set(made["due"]) == {due_in(2)}
    coaching = with_steps.set_index("opportunity_id")["coaching"]
    for one, task in made.iterrows():
        step = json.loads(coaching[one])[0]
        assert task["subject"] == " ".join(step["brief"].split())
        assert task["description"].startswith(" ".join(step["says"].split()))
        assert task["description"].endswith(ASSOCIATION)
        assert (task["owner_id"], task["status"], task["priority"]) == (rows[one]["owner_id"], "open", "normal")

    again = tasks(home)
    assert "0 tasks would be made." in again.out
    assert f"{number} have this task already" in again.out
    assert "There is nothing to write." in again.out
    rerun = dealcast(*shown.lines[-1].split()[1:], "--home", home)
    assert rerun.code == 0
    assert "nothing was left to write" in rerun.out

    run = run_of(applied)
    assert run.startswith("tasks-")
    assert f"tasks of {plan['scoring_run']}" in " ".join(dealcast("undo", "--home", home).out.split())
    back = dealcast("undo", run, "--home", home)
    assert f"{number} tasks would be deleted again" in back.out
    taken = dealcast(*back.lines[-1].split()[1:], "--home", home)
    assert taken.code == 0, taken.err
    assert len(pd.read_csv(sheet)) == 0
    assert planned(home)["hash"] == plan["hash"], "what was taken back may be asked for again"


def test_only_those_asked_for(home, scored, sheet):
    plan = planned(home, "--top", 3)
    assert len(plan["tasks"]) == 3
    one = plan["tasks"][-1]
    named = planned(home, "--deal", one["opportunity_id"], "--due", 7)
    assert [(task["opportunity_id"], task["due"]) for task in named["tasks"]] == [(one["opportunity_id"], due_in(7))]
    rows = Store.under(home).listed(plan["scoring_run"])
    owner = next(row for row in rows if row["opportunity_id"] == one["opportunity_id"])
    for called in (owner["owner_id"], owner["owner"]):
        theirs = planned(home, "--owner", called)["tasks"]
        assert theirs
        assert {task["owner_id"] for task in theirs} == {owner["owner_id"]}
    shown = tasks(home, "--owner", owner["owner"], "--due", 3)
    applied = dealcast(*_words(shown.lines[-1]), "--home", home)
    assert applied.code == 0, applied.err
    assert set(pd.read_csv(sheet, dtype=str)["owner_id"]) == {owner["owner_id"]}


def _words(line):
    """A command as it is told, split as a shell does; `dealcast` left out."""

    return shlex.split(line)[1:]


def test_what_people_have_done_with_a_task_stands(home, sheet):
    shown = tasks(home, "--top", 4)
    applied = dealcast(*shown.lines[-1].split()[1:], "--home", home)
    assert applied.code == 0, applied.err
    table = pd.read_csv(sheet, dtype=str)
    done, edited, deleted, _left = table["opportunity_id"]
    table.loc[table["opportunity_id"] == done, "status"] = "completed"
    table.loc[table["opportunity_id"] == edited, "subject"] = "call Anna instead"
    table[table["opportunity_id"] != deleted].to_csv(sheet, index=False)
    plan = planned(home, "--top", 4)
    assert plan["tasks"] == []
    assert plan["left_out"]["done"] == [done]
    assert plan["left_out"]["deleted"] == [deleted]
    assert len(plan["left_out"]["has_one"]) == 2
    back = dealcast("undo", run_of(applied), "--home", home)
    assert "1 task would be deleted again; 1 is gone already." in back.out
    assert "Subject, holds call Anna instead" in back.out
    assert "Status, holds completed" in back.out
    assert f"left alone: {done}, " in back.out
    assert dealcast(*back.lines[-1].split()[1:], "--home", home).code == 0
    assert set(pd.read_csv(sheet, dtype=str)["opportunity_id"]) == {done, edited}
    assert planned(home, "--top", 4)["left_out"]["deleted"] == [deleted], "still not asked for again"


def test_more_than_usual_must_be_said(home, sheet):
    shown = tasks(home, "--top", TOP + 1)
    plan = planned(home, "--top", TOP + 1)
    if plan["records"] <= TOP:
        pytest.fail("too few deals have a step")
    assert f"--most {TOP + 1}" in shown.lines[-1]
    refused = tasks(home, "--top", TOP + 1, "--apply", plan["hash"])
    assert refused.code == 3
    assert not sheet.exists()
    assert dealcast(*shown.lines[-1].split()[1:], "--home", home).code == 0
    assert len(pd.read_csv(sheet)) == TOP + 1


def test_snoozed_deals_and_those_held_back_get_none(home, scored, sheet):
    first = planned(home, "--top", 5)["tasks"]
    asleep = first[1]["opportunity_id"]
    until = pd.Timestamp(LAST_DAY) + pd.Timedelta(days=30)
    assert dealcast("feedback", asleep, "snooze", "--until", f"{until:%Y-%m-%d}", "--home", home).code == 0
    plan = planned(home, "--top", 5)
    assert plan["left_out"]["snoozed"] == [asleep]
    assert asleep not in [one["opportunity_id"] for one in plan["tasks"]]
    configure(home, '[trial]\nshare = 0.5\nseed = "pilot"')
    assert dealcast("score", "--data", scored.data, "--home", home, "--as-of", LAST_DAY).code == 0
    store = Store.under(home)
    assigned = store.assigned(store.trials()[0]["trial_id"])
    held = set(assigned.loc[assigned["arm"] == "held back", "opportunity_id"])
    everything = planned(home, "--top", 10_000)
    assert held
    assert not held & {one["opportunity_id"] for one in everything["tasks"]}
    assert set(everything["left_out"]["withheld"]) <= held


def test_what_does_not_fit_is_wrong_use(home, sheet):
    cases = [
        (("--deal", "D99999"), "'D99999' is no deal of the newest scoring run"),
        (("--owner", "Nobody At All"), "nobody called 'Nobody At All'"),
        (("--top", "0"), "whole number from 1"),
        (("--apply", "x", "--fields"), "not allowed with"),
    ]
    for words, said in cases:
        told = tasks(home, *words)
        assert (told.code, said in told.err) == (2, True), told.err
    refused = tasks(home, "--apply", "0123456789abcdef")
    assert refused.code == 3
    assert not sheet.exists()


def test_an_owner_whose_name_is_not_known_is_told_by_id(home, sheet):
    with sqlite3.connect(home / "dealcast.db") as store:
        store.execute("DELETE FROM crm_users")
        store.execute("UPDATE scored_deals SET owner = owner_id")
    assert tasks(home).code == 0


def test_tasks_in_hubspot(home, hubspot):
    portal, shown = hubspot.portal, tasks(home, "--top", 6)
    assert shown.code == 0, shown.err
    six = [one["opportunity_id"] for one in planned(home, "--top", 6)["tasks"]]
    portal.change("deals", six[0], {"dealstage": "2"})
    portal.change("deals", six[1], {"hubspot_owner_id": ""})
    portal.archive("deals", six[2])
    plan = planned(home, "--top", 6)
    assert {name: plan["left_out"][name] for name in ("closed", "unowned", "missing")} == {
        "closed": [six[0]],
        "unowned": [six[1]],
        "missing": [six[2]],
    }
    stale = dealcast(*shown.lines[-1].split()[1:], "--home", home)
    assert (stale.code, in_the_portal(hubspot)) == (3, {})
    hubspot.hubspot.faults.planned = [Fault(LOST_AFTER, "tasks/batch/create")]
    applied = tasks(home, "--top", 6, "--apply", plan["hash"])
    assert applied.code == 0, applied.err
    made = in_the_portal(hubspot)
    assert len(made) == 3
    for task in made.values():
        (deal,) = portal.associations["tasks", "deals", task.id]
        assert deal in six[3:]
        assert task.value("hubspot_owner_id") == "77", "whoever owns the deal now"
        assert (task.value("hs_task_status"), task.value("hs_task_priority")) == ("NOT_STARTED", "MEDIUM")
        assert task.value("hs_timestamp").startswith(due_in(2))
    assert planned(home, "--top", 6)["tasks"] == []
    done = next(iter(made.values()))
    portal.change("tasks", done.id, {"hs_task_status": "COMPLETED"})
    back = dealcast("undo", run_of(applied), "--home", home)
    taken = dealcast(*back.lines[-1].split()[1:], "--home", home)
    assert taken.code == 0, taken.err
    assert list(in_the_portal(hubspot).values()) == [done]
    for told in (shown, applied, back, taken):
        assert TOKEN not in told.out + told.err


def test_answers_in_hubspot(home, hubspot, scored):
    """Write-back to HubSpot, from the first look to the last undo."""
    portal = hubspot.portal
    before = {key: dict(one.versions) for key, one in portal.objects["deals"].items()}
    shown = dealcast("writeback", "--sink", "crm", "--home", home)
    assert shown.code == 0, shown.err
    assert f"{len(scored.scores)} records would change" in shown.out
    hubspot.hubspot.faults.planned = [Fault(LOST_AFTER, "deals/batch/update"), Fault(429, "deals/batch/read")]
    applied = dealcast(*shown.lines[-1].split()[1:], "--home", home)
    assert applied.code == 0, applied.err
    scores = scored.scores.set_index(scored.scores["opportunity_id"].str.replace("D", "1"))
    for key, deal in portal.objects["deals"].items():
        assert float(deal.value("dealcast_win_probability")) == round(scores.loc[key, "win_probability"], 3)
        assert deal.value("dealcast_grade") == scores.loc[key, "grade"]
        foreign = {name: held for name, held in deal.versions.items() if not name.startswith("dealcast_")}
        assert foreign == before[key]
    assert "0 records would change" in dealcast("writeback", "--sink", "crm", "--home", home).out
    back = dealcast("undo", run_of(applied), "--home", home)
    taken = dealcast(*back.lines[-1].split()[1:], "--home", home)
    assert taken.code == 0, taken.err
    assert {one.value("dealcast_grade") for one in portal.objects["deals"].values()} == {None}
    for told in (shown, applied, back, taken):
        assert TOKEN not in told.out + told.err


def test_tasks_in_salesforce(home, scored, tmp_path, monkeypatch):
    company = empty_company()
    ids = {one: company.new_id("Opportunity") for one in scored.scores["opportunity_id"]}
    company.tables["Opportunity"].fields["Warehouse_Id__c"] = company.tables["Opportunity"].fields["Name"]
    owner = company.new_id("User")
    company.put("User", [{"Id": owner, "Name": "Ada", "IsActive": True}])
    deals = ({"Id": key, "Warehouse_Id__c": one, "OwnerId": owner, "IsClosed": False} for one, key in ids.items())
    company.put("Opportunity", deals)
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_SECRET", CLIENT_SECRET)
    with salesforce_running(Server(company), write_certificate(tmp_path)) as server:
        url = f'url = "salesforce://{server.host}"\nkey = "Warehouse_Id__c"'
        configure(home, f'[sinks.crm]\nkind = "salesforce"\n{url}')
        shown = tasks(home, "--top", 5)
        assert shown.code == 0, shown.err
        five = {one["opportunity_id"] for one in planned(home, "--top", 5)["tasks"]}
        applied = dealcast(*shown.lines[-1].split()[1:], "--home", home)
        assert applied.code == 0, applied.err
        made = list(company.tables["Task"].rows.values())
        assert {task["WhatId"] for task in made} == {ids[one] for one in five}
        assert {(t["OwnerId"], t["Status"], t["Priority"]) for t in made} == {(owner, "Not Started", "Normal")}
        assert planned(home, "--top", 5)["tasks"] == []
        back = dealcast("undo", run_of(applied), "--home", home)
        assert dealcast(*back.lines[-1].split()[1:], "--home", home).code == 0
        assert {task["IsDeleted"] for task in company.tables["Task"].rows.values()} == {True}
        assert CLIENT_SECRET not in shown.out + applied.out + back.out

"""The page of one deal: what it shows, to whom, and the verdicts that are given there."""

import json
import re
from datetime import date, timedelta

import pandas as pd
import pytest

from serving.formats import NOBREAK
from serving.store import Store
from tests.scored import FRIDAY, GAP, MONDAY, QUIET, deal, keep, moved, reason, staff
from tests.serving.web.conftest import HASH, ORIGIN, PEOPLE, SEEN, client_of, sign_in

HEADERS = {"Origin": ORIGIN}
RENEWAL = reason("type", "Type: Renewal, of which 61 % were won lately.", 0.14)
RENEWAL["evidence"] = "Deals like it are won 61 % of the time (61 of 100), against 31 % of all."
SILENT = reason("buyer_silence", "No reply to Ada from Globex for 24 days.", -0.05)
TIMELINE = {
    "created": "2026-05-03",
    "tracked": ["stage", "amount", "close_date", "owner"],
    "left_out": 0,
    "events": [
        ["2026-05-03", "stage", "Prospect"],
        ["2026-05-03", "owner", "bo"],
        ["2026-06-22", "stage", "Propose"],
        ["2026-06-23", "owner", "ada"],
        ["2026-06-24", "activity", "<i>Größe</i>", "inbound"],
    ],
}
CURVE = {"first": "2026-08-31", "won": [0.11, 0.35], "lost": [0.02, 0.07]}
LIKE = {
    "record": {"won": 23, "deals": 50},
    "deals": [
        {"name": "Twin", "account": "Initech", "owner_id": "ada", "won": True},
        {"name": "Stranger", "account": "Umbrella", "owner_id": "other", "won": False},
    ],
}
FULL = {
    "name": "<script>alert(1)</script> 🐟 \u202eשלום",
    "win_probability_change": 0.08,
    "expected_close_date": date(2026, 9, 22),
    "close_p10": date(2026, 8, 25),
    "close_p90": date(2026, 11, 30),
    "slip_probability": 0.77,
    "expected_amount": 46_213.4,
    "expected_revenue_this_period": 4_621.3,
    "revenue_at_stake": 1_234.5,
    "reasons": [RENEWAL, SILENT],
    "rest": 0.013,
    "missing": ["next step"],
    "why": moved(stage=0.061, people=0.019),
}


def texts(**of_deal) -> pd.Series:
    return pd.Series({key: json.dumps(one) for key, one in of_deal.items()}, dtype=object)


@pytest.fixture
def store(tmp_path) -> Store:
    """Deal a of ada's has all that there can be, o is somebody else's, b and c have the least."""
    kept = Store.under(tmp_path)
    like = {**LIKE, "deals": [{**one, **_ENDED, "opportunity_id": f"L{n}"} for n, one in enumerate(LIKE["deals"])]}
    users = staff(ada="head", bo="head", head=None, other=None)
    others = [deal("b", 0.2), deal("c", owner="Bo", owner_id="bo"), deal("o", owner="Other", owner_id="other")]
    keep(kept, FRIDAY, deal("a", 0.333), *others, deal("gone", 0.5), users=users)
    keep(
        kept,
        MONDAY,
        deal("a", 0.413, **FULL),
        *others,
        users=users,
        timelines=texts(a=TIMELINE, b={**TIMELINE, "tracked": [], "events": []}),
        curves=texts(a=CURVE),
        like=texts(a=like),
        closed=pd.DataFrame([_GONE]),
    )
    for name, (role, user_id) in PEOPLE.items():
        kept.add_account(name, role, user_id, HASH)
    facts = {
        "data": {"won": 1374, "lost": 2869},
        "parameters": {"stall_days": 30},
        "scores": {"win": {"deals": 730, "kept": 0.3, "lines": [{"name": "model", "mean": 0.32}]}},
    }
    kept.record_model("3", "0" * 64, tmp_path, "run", True, facts)
    return kept


_ENDED = {"days": 34, "closed_on": "2026-05-03", "amount": 48_300.0, "currency": "EUR"}
_GONE = {"opportunity_id": "gone", "closed_at": MONDAY - timedelta(days=1), "is_won": True, "name": "", "account": ""}
_GONE |= {"owner_id": "ada", "amount": None, "currency": ""}


def words(text: str) -> str:
    """What a person reads, without what lies in drawings."""
    plain = re.sub(r"<svg.*?</svg>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", plain).replace(NOBREAK, " ").split())


def test_every_number_on_the_page_is_the_stores(signed_in):
    said = words(signed_in("ada").get("/deals/a").text)
    for told in (
        "Win chance 41 % grade B, score 40; +8 points since the run before",
        "Won this period 10 % expected revenue 4,621",
        "Stall risk 30 % 1,234 at stake, place 1 by what is at stake",
        "Likely close 2026-09-22, if won (8 of 10 between 25 Aug and 30 Nov)",
        "Planned close 2026-09-30: 77 % chance that it is still open then",
        "Worth 46,213 48,000 in the CRM",
        "Data confidence 80 % (missing: next step)",
        "A typical open deal 31 %",
        f"{RENEWAL['says']} {RENEWAL['evidence']} +14 points",
        f"{SILENT['says']} −5 points",
        "Everything else together. +1 point",
        "This deal 41 %",
        "Why it moved since 2026-08-07 33 % → 41 % ( +8 points )",
        "Because of stage. ( +6 points )",
        f"→ {GAP['says']}",
        "Association, not a promise",
        "Stall risk 30 %; a typical open deal: 20 %.",
        f"{QUIET['says']} (+12 points of risk)",
        "2026-08-31 11 % 2 % 87 %",
        "2026-09-30 35 % 7 % 58 %",
        "23 of the nearest 50 were won",
        "Twin · Initech : won 34 days later, on 2026-05-03, EUR 48 k",
        "2026-08-10 41 % 2026-08-07 33 %",
    ):
        assert told in said, told


def test_every_figure_says_how_it_is_known(signed_in):
    text = signed_in("ada").get("/deals/a").text
    said = words(text)
    assert "Learned from 4,243 closed deals (1,374 won)." in said
    assert "On 730 later deals it promised 32 % on average, and 30 % came true." in said
    assert "over the next 30 days" in said
    figures = re.findall(r"<dt>.*?</dd>", text, re.DOTALL)
    assert len(figures) == 7
    for figure in figures:
        assert "How do you know?" in figure
        assert "As of 2026-08-10, by model 3, trained " in figure


def test_names_and_notes_are_escaped_and_never_markup(signed_in, store):
    ada = signed_in("ada")
    ada.post("/deals/a/feedback", data={"verdict": "agree", "note": "<img src=x> =cmd 🐙"}, headers=HEADERS)
    text = ada.get("/deals/a").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 🐟 \u202eשלום" in text
    assert "&lt;img src=x&gt; =cmd 🐙" in text
    assert "&lt;i&gt;Größe&lt;/i&gt;, inbound" in text
    assert not re.search(r"<(script|img|i)[ >]", text)
    assert " style=" not in text
    assert store.feedback("a")[0]["note"] == "<img src=x> =cmd 🐙"


@pytest.mark.parametrize("name", PEOPLE)
def test_what_one_may_not_see_is_not_there(signed_in, name):
    client = signed_in(name)
    nothing = client.get("/deals/never-there")
    assert nothing.status_code == 404
    for key in ("a", "c", "o"):
        answer = client.get(f"/deals/{key}")
        assert answer.status_code == (200 if key in SEEN[name] else 404)
        given = client.post(f"/deals/{key}/feedback", data={"verdict": "agree"}, headers=HEADERS)
        assert given.status_code == (404 if key not in SEEN[name] else 403 if name == "ana" else 303)
        if key not in SEEN[name]:
            assert answer.text == nothing.text


def test_like_deals_of_others_are_not_named(signed_in):
    for name, hidden in (("ada", "Stranger"), ("root", None)):
        text = signed_in(name).get("/deals/a").text
        assert ("Stranger" in text) == (hidden is None)
        assert "lost 34" in text
    said = words(signed_in("ada").get("/deals/a").text)
    assert "A colleague's deal : lost 34 days later, on 2026-05-03 How" in said.replace("&#39;", "'")


def test_an_analyst_sees_no_name_of_anybody(signed_in, store):
    note = {"verdict": "override", "probability": "25 %", "note": "Zoe at Globex froze it"}
    signed_in("head").post("/deals/a/feedback", data=note, headers=HEADERS)
    text = signed_in("ana").get("/deals/a").text
    said = words(text)
    for name in ("alert(1)", "Globex", "Ada", "Bo", "Head", "Zoe", "Twin", "Initech", "Stranger", "Umbrella"):
        assert not re.search(rf"\b{re.escape(name)}\b", text), name
    assert "No reply to ada from A7 for 24 days." in said, "ids stand for names in what is told"
    assert "L0 : won 34" in said
    assert "Somebody , " in said
    assert ": too low" not in said
    assert "too high, 25 %" in said
    assert '<form method="post" action="/deals' not in text
    assert "Owner: ada" in said


def test_a_verdict_is_kept_under_the_persons_name_and_shown(signed_in, store):
    ada = signed_in("ada")
    until = MONDAY.date() + timedelta(days=5)
    for form, row in (
        ({"verdict": "agree", "side": "", "probability": "", "until": ""}, {"verdict": "agree"}),
        ({"verdict": "dispute", "side": "high"}, {"verdict": "dispute", "side": "high"}),
        ({"verdict": "override", "probability": "25 %"}, {"verdict": "override", "probability": 0.25}),
        ({"verdict": "snooze", "until": str(until)}, {"verdict": "snooze", "until": until}),
    ):
        answer = ada.post("/deals/a/feedback", data=form, headers=HEADERS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/deals/a#people")
        kept = store.feedback("a")[-1]
        assert {name: kept[name] for name in row} == row
        assert (kept["author"], kept["run_id"], kept["win_probability"]) == ("Ada", store.scoring_run(), 0.413)
    said = words(ada.get("/deals/a").text)
    assert "too high, 25 %" in said, "the newest judgement"
    assert "snoozed until 15 Aug 2026" in said
    assert "it is out of the list until" in said
    assert 'href="/deals/a"' not in ada.get("/deals").text
    assert store.audit(1)[0]["about"] == "a: snooze"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"verdict": "override", "probability": "lots"}, "is not a chance"),
        ({"verdict": "override"}, "an override needs your own chance"),
        ({"verdict": "dispute"}, "a dispute needs the side"),
        ({"verdict": "snooze", "until": "2020-01-01"}, "cannot be snoozed until"),
        ({"verdict": "agree", "probability": "0.2"}, "your own chance does not go with"),
    ],
)
def test_what_does_not_fit_is_said_on_the_page_and_not_kept(signed_in, store, form, says):
    answer = signed_in("ada").post("/deals/a/feedback", data=form, headers=HEADERS)
    assert answer.status_code == 422
    assert f"That was not kept: {says}" in words(answer.text) or says in words(answer.text)
    assert "--" not in words(answer.text), "a page has no options of a command line"
    assert store.feedback() == ()


def test_a_form_that_is_none_of_ours_is_refused(signed_in, store):
    ada = signed_in("ada")
    for form in (
        {},
        {"verdict": "win"},
        {"verdict": "dispute", "side": "left"},
        {"verdict": "agree", "note": "x" * 2001},
    ):
        assert ada.post("/deals/a/feedback", data=form, headers=HEADERS).status_code == 422
    for headers in ({}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/deals/a"}):
        assert ada.post("/deals/a/feedback", data={"verdict": "agree"}, headers=headers).status_code == 403
    assert store.feedback() == ()


def test_what_is_not_there_is_said_in_its_place(signed_in):
    ada = signed_in("ada")
    said = words(ada.get("/deals/b").text)
    assert "The CRM gives no history of stages" in said
    assert "No curve was kept with this score" in said
    assert "Nobody has said anything yet." in said
    assert "Why it moved" not in said
    assert "Closed deals most like it" not in said
    assert "Nothing of its history is kept yet" in words(signed_in("bo").get("/deals/c").text)


def test_a_deal_that_has_closed_is_shown_as_it_stood_and_takes_no_verdict(signed_in, store):
    ada = signed_in("ada")
    said = words(ada.get("/deals/gone").text)
    assert "Won on 2026-08-09." in said
    assert "how this one stood on 2026-08-07" in said
    assert "Your own chance" not in said
    answer = ada.post("/deals/gone/feedback", data={"verdict": "agree"}, headers=HEADERS)
    assert answer.status_code == 422
    assert "was not open any more" in words(answer.text)
    assert store.feedback() == ()


def test_rates_are_told_as_such(tmp_path):
    kept = Store.under(tmp_path / "rates")
    keep(kept, MONDAY, deal("a", stall_risk=None, revenue_at_stake=None, stalling=[]), model_version="baseline")
    kept.add_account("root", *PEOPLE["root"], HASH)
    client = client_of(kept)
    sign_in(client, "root")
    said = words(client.get("/deals/a").text)
    assert "No model has answered here yet" in said
    assert "Rates tell no months" in said
    assert "Stall risk not known place 1 by what is at stake" in said
    assert "Why it may stall" not in said
    assert "SHAP" not in said


def test_ids_of_any_kind_are_found(tmp_path):
    kept = Store.under(tmp_path / "ids")
    ids = ["00 1/2", "ä&b=c", "a?b#c"]
    keep(kept, MONDAY, *[deal(key) for key in ids])
    kept.add_account("root", *PEOPLE["root"], HASH)
    client = client_of(kept)
    sign_in(client, "root")
    links = re.findall(r'href="(/deals/[^"]+)"', client.get("/deals").text)
    assert len(links) == len(ids)
    for key, link in zip(ids, links, strict=True):
        text = client.get(link).text
        assert key.replace("&", "&amp;") in text
        action = re.findall(r'action="(/deals/[^"]+)"', text)[0]
        assert client.post(action, data={"verdict": "agree"}, headers=HEADERS).status_code == 303
        assert store_author(kept, key) == "root"


def store_author(store: Store, key: str) -> str:
    (row,) = store.feedback(key)
    return row["author"]

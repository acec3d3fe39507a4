"""The list of deals as a page."""

import re
from datetime import timedelta

import pytest

from serving.formats import NOBREAK
from serving.store import Store
from tests.scored import GAP, MONDAY, SILENCE, deal, keep
from tests.serving.web.conftest import client_of, sign_in


def ids(text: str) -> list[str]:
    return re.findall(r'<a href="/deals/(\w+)"', text)


def words(text: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).replace(NOBREAK, " ").split())


def test_a_deal_is_told_in_a_row_with_its_reason_and_its_step(signed_in):
    said = words(signed_in("ada").get("/deals").text)
    assert "2 open deals, the most urgent first." in said
    assert "Propose 9 days B 62 % 30 % – 900 2026-09-30" in said
    assert f"− {SILENCE['says']} (−9 points)" in said
    assert f"→ {GAP['brief']}" in said
    assert "as of 2026-08-10" in said


def test_what_changed_stands_above(signed_in):
    assert "Since 2026-08-07: 1 moved up, 1 moved down." in words(signed_in("ada").get("/deals").text)


def test_names_stand_as_they_are_and_are_no_markup(signed_in):
    text = signed_in("ada").get("/deals").text
    assert "&lt;b&gt;Fish &amp; Chips&lt;/b&gt;" in text
    assert "&#34;O&#39;Neill&#34; 🐟" in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c", "h", "o", "n"]),
        ("?sort=win", ["b", "o", "n", "c", "h", "a"]),
        ("?sort=-win", ["a", "h", "c", "o", "n", "b"]),
        ("?sort=amount", ["a", "c", "h", "o", "n", "b"]),  # what is not known stands last
        ("?sort=-amount", ["a", "c", "h", "o", "n", "b"]),
        ("?sort=close", ["b", "a", "c", "h", "o", "n"]),
        ("?stage=Negotiate", ["b"]),
        ("?stage=&grade=&search=", ["a", "b", "c", "h", "o", "n"]),
        ("?stage=Negotiate&stage=Propose&search=deal", ["b", "c", "h", "o", "n"]),
        ("?search=umbrella", ["o"]),
        ("?search=%25", []),  # a sign of the database's own is none here
        ("?grade=A", []),
    ],
)
def test_the_address_says_which_deals_in_which_order(signed_in, query, found):
    assert ids(signed_in("root").get(f"/deals{query}").text) == found


def test_a_long_list_comes_in_pages_that_leave_none_out(tmp_path):
    store = Store.under(tmp_path)
    keep(store, MONDAY, *[deal(f"d{number}", 0.4) for number in range(120)])
    store.add_account("root", "admin", None, None)
    token = store.add_token("root", "", None)
    client = client_of(store)
    client.headers["Authorization"] = f"Bearer {token}"
    found, address = [], "/deals?sort=win"
    while address:
        text = client.get(address).text
        found += ids(text)
        further = re.search(r'rel="next" href="([^"]*)"', text)
        address = further.group(1).replace("&amp;", "&") if further else ""
    assert found == [f"d{number}" for number in range(120)]
    assert client.get("/deals?page=9").status_code == 404


def test_a_deal_that_is_snoozed_is_left_out(signed_in, store):
    (run,) = [one for one in store.runs_between(None, None) if one.as_of.day == MONDAY.day]
    said = {"opportunity_id": "a", "verdict": "snooze", "until": (MONDAY + timedelta(days=9)).date(), "note": ""}
    seen = {"run_id": run.run_id, "as_of": run.as_of, "scored_at": run.as_of, "win_probability": 0.4}
    store.add_feedback({**said, **seen, "author": "Ada", "model_version": "3"})
    assert ids(signed_in("ada").get("/deals").text) == ["b"]


def test_the_chance_over_time_is_drawn_and_said(signed_in):
    text = signed_in("ada").get("/deals").text
    assert f'aria-label="30{NOBREAK}% on 2026-08-07, 62{NOBREAK}% now"' in text


def test_before_anything_was_scored_the_page_says_what_to_do(tmp_path):
    store = Store.under(tmp_path)
    store.add_account("root", "admin", None, None)
    client = client_of(store)
    client.headers["Authorization"] = f"Bearer {store.add_token('root', '', None)}"
    assert "Nothing has been scored yet" in client.get("/deals").text


def test_a_list_of_fifty_deals_is_light(tmp_path, store):
    keep(store, MONDAY + timedelta(days=1), *[deal(f"d{number}", 0.4) for number in range(60)])
    client = client_of(store)
    sign_in(client, "root")
    weight = sum(len(client.get(path).content) for path in ("/deals", "/static/style.css", "/static/icon.svg"))
    assert weight < 150_000

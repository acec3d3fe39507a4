"""Who gets in, and what everybody sees: every route for every role."""

import re

import pytest
from starlette.routing import Route

from crm.errors import DealcastError
from serving.accounts import Role
from serving.web.app import routers
from serving.web.guard import PROXY_SECRET
from serving.web.pages import sign_in as page_of_sign_in
from serving.web.settings import WebSettings
from tests.serving.web.conftest import ORIGIN, PEOPLE, SEEN, client_of, sign_in

OPEN = {"/sign-in", "/sign-out"}
"""What somebody who is not signed in may ask for."""


def routes() -> list[tuple[str, str]]:
    """Every method and path that is served, with a deal's id where one is asked for."""
    found = []
    for router in routers():
        for route in router.routes:
            assert isinstance(route, Route), route  # a kind of route that nobody looks at here
            found += [(method, re.sub(r"{[^}]*}", "o", route.path)) for method in sorted(route.methods - {"HEAD"})]
    return found


def test_whoever_is_not_signed_in_sees_nothing_of_any_page(client):
    asked = [(method, path) for method, path in routes() if path not in OPEN]
    assert ("GET", "/deals") in asked
    for method, path in asked:
        answer = client.request(method, path, headers={"Origin": ORIGIN})
        if path == "/":
            assert answer.headers["location"] == "/deals"
            continue
        assert answer.status_code in (303, 401), path
        assert "Globex" not in answer.text


@pytest.mark.parametrize("name", PEOPLE)
def test_no_page_shows_a_deal_that_is_not_seen(name, signed_in, store):
    client = signed_in(name)
    hidden = {"a", "b", "c", "h", "o", "n"} - SEEN[name]
    rows = {row["opportunity_id"]: row for row in store.listed(store.scoring_run())}
    for method, path in routes():
        if method != "GET":
            continue
        answer = client.get(path)
        assert answer.status_code in (200, 303, 404), path
        if path.endswith("/o") and "o" in hidden:
            assert answer.status_code == 404, path
        for key in hidden:
            assert f'/deals/{key}"' not in answer.text, (path, key)
            if key in ("a", "o"):
                assert rows[key]["name"] not in answer.text
                assert rows[key]["account"] not in answer.text
    assert set(re.findall(r'href="/deals/(\w)"', client.get("/deals").text)) == SEEN[name]


def test_an_analyst_reads_no_name(signed_in):
    text = signed_in("ana").get("/deals").text
    assert not any(name in text for name in ("Secret deal", "Umbrella", "Fish", "Neill", "Ada", ">Bo<", "Globex"))
    assert '<a href="/deals/o" dir="auto">o</a>' in text
    assert "Secret deal" in signed_in("root").get("/deals").text


def test_an_analyst_finds_nothing_by_a_name(signed_in):
    assert "No open deal fits" in signed_in("ana").get("/deals?search=Umbrella").text
    assert "Secret deal" in signed_in("root").get("/deals?search=umbrella").text


def test_asking_for_anothers_deals_by_the_address_gives_none(signed_in):
    assert "No open deal fits" in signed_in("ada").get("/deals?owner=bo").text
    assert "Initech" in signed_in("head").get("/deals?owner=bo").text


def test_signing_in_leads_back_and_out_ends_it(client):
    asked = client.get("/deals?search=fish")
    assert asked.headers["location"] == "/sign-in?next=%2Fdeals%3Fsearch%3Dfish"
    assert 'value="/deals?search=fish"' in client.get(asked.headers["location"]).text
    answer = sign_in(client, " Ada ", next="/deals?search=fish")
    assert (answer.status_code, answer.headers["location"]) == (303, "/deals?search=fish")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/deals").status_code == 200
    secret = client.cookies["dealcast_session"]
    client.post("/sign-out", headers={"Origin": ORIGIN})
    client.cookies.set("dealcast_session", secret)  # whoever has kept it gets nothing for it
    assert client.get("/deals").status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", ""])
def test_signing_in_leads_to_our_own_pages_alone(client, target):
    assert sign_in(client, "ada", next=target).headers["location"] == "/"
    assert "evil" not in client.get("/sign-in", params={"next": target}).text


def test_what_was_wrong_is_not_told(client):
    wrong, unknown = sign_in(client, "ada", "not the password"), sign_in(client, "nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text


def test_after_some_tries_of_a_name_even_the_right_password_has_to_wait(client, store):
    for _ in range(page_of_sign_in.MOST_BY_NAME):
        assert sign_in(client, "ada", "a guess").status_code == 401
    waits = sign_in(client, "ada")
    assert waits.status_code == 429
    assert int(waits.headers["retry-after"]) > 0
    assert sign_in(client, "bo").status_code == 303
    assert "a guess" not in str(store.audit(100))


def test_after_many_tries_from_one_place_every_name_has_to_wait(client, monkeypatch):
    monkeypatch.setattr(page_of_sign_in, "MOST_BY_ADDRESS", 3)
    for name in ("x", "y", "z"):
        assert sign_in(client, name, "a guess").status_code == 401
    assert sign_in(client, "ada").status_code == 429


def test_an_account_that_is_switched_off_is_out_at_once(signed_in, store):
    client = signed_in("ada")
    store.change_account("ada", active=False)
    assert client.get("/deals").status_code == 303
    assert sign_in(client, "ada").status_code == 401


def test_a_change_that_another_site_asks_for_is_refused(signed_in, client):
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "http://localhost:81"}, {"Origin": "null"}):
        said = {"username": "ada", "password": "a long enough phrase"}
        assert client.post("/sign-in", data=said, headers=origin).status_code == 403
        inside = signed_in("ada")
        assert inside.post("/sign-out", headers=origin).status_code == 403
        assert inside.get("/deals").status_code == 200


def test_the_pages_answer_to_their_own_names_alone(client):
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_cookies_go_by_https_alone_where_people_come_by_it(store):
    client = client_of(store, WebSettings(public="https://deals.example.com"))
    answer = client.post(
        "/sign-in",
        data={"username": "ada", "password": "a long enough phrase"},
        headers={"Origin": "https://deals.example.com", "Host": "deals.example.com"},
    )
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-User": "ada", PROXY_SECRET: "s" * 32}, 200),
        ({"X-User": "ADA", PROXY_SECRET: "s" * 32}, 200),
        ({"X-User": "ada"}, 303),
        ({"X-User": "ada", PROXY_SECRET: "t" * 32}, 303),
        ({"X-User": "stranger", PROXY_SECRET: "s" * 32}, 303),
        ({PROXY_SECRET: "s" * 32}, 303),
    ],
)
def test_a_proxy_that_proves_itself_says_who_it_is(store, headers, status):
    client = client_of(store, WebSettings(trusted_header="X-User"), proxy_secret="s" * 32)
    assert client.get("/deals", headers=headers).status_code == status
    nobody_trusted = client_of(store)
    assert nobody_trusted.get("/deals", headers=headers).status_code == 303


def test_a_token_opens_what_its_account_sees(client, store):
    token = store.add_token("bo", "reports", None)
    answer = client.get("/deals", headers={"Authorization": f"Bearer {token}"})
    assert set(re.findall(r'href="/deals/(\w)"', answer.text)) == SEEN["bo"]
    assert client.get("/deals", headers={"Authorization": "Bearer nonsense"}).status_code == 303


def test_every_answer_tells_the_browser_to_run_nothing_that_is_not_ours(signed_in):
    client = signed_in("root")
    for path in ("/deals", "/sign-in", "/nonsense", "/static/style.css"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    for path in ("/deals", "/sign-in", "/nonsense"):
        text = client.get(path).text
        assert "style=" not in text
        assert not re.search(r"<script(?! src)|\son\w+=", text)


def test_a_store_that_fails_is_said_and_nothing_old_is_shown(signed_in, store, monkeypatch):
    client = signed_in("ada")

    def fails(*_args):
        raise DealcastError("the store cannot be used: disk I/O error at /srv/secret/place")

    monkeypatch.setattr(type(store), "page", fails)
    answer = client.get("/deals")
    assert answer.status_code == 503
    assert "secret" not in answer.text


@pytest.mark.parametrize("query", ["page=0", "page=x", "sort=password_hash", "sort=--win", f"search={'x' * 300}"])
def test_an_address_that_does_not_fit_is_said(signed_in, query):
    assert signed_in("ada").get(f"/deals?{query}").status_code == 422


def test_roles_that_are_somebody_of_the_crm_see_nothing_without_being_one(store):
    store.add_account("lost", Role.REP, None, store.password_hash("ada"))
    client = client_of(store)
    sign_in(client, "lost")
    assert "No open deal is yours" in client.get("/deals").text

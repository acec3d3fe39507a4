"""`dealcast users` and `dealcast serve`: accounts from the command line, pages over a real server."""

import json
import os
import signal
import socket
from unittest.mock import patch

import pytest
import requests

from serving.store import Store
from tests.acceptance.worlds import dealcast, served
from tests.scored import FRIDAY, MONDAY, deal, keep

PASSWORD = "correct horse battery"


@pytest.fixture
def home(tmp_path):
    """A home in which a small company was scored twice."""
    store = Store.under(tmp_path / "home")
    deals = [deal("a", 0.6), deal("b", 0.2, owner="Bo", owner_id="bo")]
    keep(store, FRIDAY, *deals)
    keep(store, MONDAY, *deals)
    return tmp_path / "home"


@pytest.fixture
def password(tmp_path):
    file = tmp_path / "password.txt"
    file.write_text(f"{PASSWORD}\n")
    return file


def users(home, *arguments):
    return dealcast("users", *arguments, "--home", home)


def add(home, password, name, *arguments):
    told = users(home, "add", name, *arguments, "--password-file", password)
    assert told.code == 0, told.err
    assert PASSWORD not in told.out
    return told


def test_accounts_are_made_looked_at_changed_and_taken_away(home, password):
    assert "There is no account yet" in users(home).out
    assert "ada (rep, ada in the CRM) was added" in add(home, password, "Ada", "--role", "rep", "--as", "Ada").out
    add(home, password, "root", "--role", "admin")
    assert users(home, "add", "proxied", "--role", "manager", "--as", "head", "--no-password").code == 0
    listed = {one["username"]: one for one in json.loads(users(home, "--json").out)}
    assert {name: (one["role"], one["user_id"], one["has_password"]) for name, one in listed.items()} == {
        "ada": ("rep", "ada", True),
        "proxied": ("manager", "head", False),
        "root": ("admin", None, True),
    }
    assert "by proxy" in users(home).out
    assert users(home, "role", "ada", "--role", "manager").code == 0
    assert users(home, "off", "root").code == 0
    assert users(home, "token", "ada", "--label", "reports", "--days", "30").code == 0
    assert "1 sessions and tokens of ada are over" in users(home, "sign-out", "ada").out
    assert users(home, "remove", "proxied").code == 0
    listed = {one["username"]: one for one in json.loads(users(home, "--json").out)}
    assert (listed["ada"]["role"], listed["ada"]["user_id"]) == ("manager", "ada")
    assert not listed["root"]["active"]
    assert set(listed) == {"ada", "root"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "x", "--role", "rep"), "a rep is somebody of the CRM"),
        (("add", "x", "--role", "rep", "--as", "Adda"), "the CRM knows no 'Adda'"),
        (("add", "a b", "--role", "admin"), "cannot be a name"),
        (("add", "x", "--role", "boss"), "invalid"),
        (("remove", "x"), "there is no account 'x'"),
        (("token", "x"), "there is no account 'x'"),
        (("password", "x"), "there is no account 'x'"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_made(home, arguments, says, capfd):
    told = users(home, *arguments)
    assert told.code == 2
    assert says in told.err
    assert json.loads(users(home, "--json").out) == []


def test_a_password_that_is_easily_guessed_makes_no_account(home, tmp_path):
    (tmp_path / "short.txt").write_text("secret\n")
    told = users(home, "add", "root", "--role", "admin", "--password-file", tmp_path / "short.txt")
    assert told.code == 2
    assert "12 to 256 characters" in told.err
    assert json.loads(users(home, "--json").out) == []


def test_a_rep_signs_in_and_sees_the_list_until_the_server_is_ended(home, password):
    add(home, password, "ada", "--role", "rep", "--as", "ada")
    with served(home) as (address, process):
        browser = requests.Session()
        assert "Sign in" in browser.get(f"{address}/").text
        said = {"username": "ada", "password": PASSWORD, "next": "/"}
        page = browser.post(f"{address}/sign-in", data=said, headers={"Origin": address})
        assert page.url == f"{address}/deals"
        assert "Deal a" in page.text
        assert "Deal b" not in page.text
        assert "server" not in {name.casefold() for name in page.headers}
        keep(Store.under(home), MONDAY.replace(day=11), deal("new", 0.5))  # the night goes on meanwhile
        assert "Deal new" in browser.get(f"{address}/deals").text
        token = users(home, "token", "ada").out.split()[0]
        by_token = requests.get(f"{address}/deals", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert "Deal new" in by_token.text
        users(home, "off", "ada")
        assert browser.get(f"{address}/deals").url.startswith(f"{address}/sign-in")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


def test_without_an_account_it_says_how_one_is_made(home):
    with served(home) as (_, process):
        assert "dealcast users add NAME --role ROLE" in process.stdout.readline()


def test_where_nothing_was_scored_there_is_nothing_to_serve(tmp_path):
    told = dealcast("serve", "--home", tmp_path)
    assert told.code == 2
    assert "nothing has been scored here yet" in told.err


def test_a_port_that_somebody_else_has_is_said(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = dealcast("serve", "--home", home, "--port", taken.getsockname()[1])
    assert told.code == 1
    assert "another --port" in told.err


@pytest.mark.parametrize(
    ("lines", "secret", "says"),
    [
        ("", None, "[serve] public"),
        ('public = "http://deals.example.com"', None, "https"),
        ('public = "https://deals.example.com"\ntrusted_header = "X-User"', None, "cannot prove itself"),
        ('public = "https://deals.example.com"\ntrusted_header = "X-User"', "short", "32 or more"),
        ('public = "ftp://x"', None, "is no address"),
        ('idle_minutes = "long"', None, "does not fit"),
    ],
)
def test_it_does_not_open_to_others_what_is_not_safe(home, lines, secret, says):
    (home / "dealcast.toml").write_text(f"[serve]\n{lines}\n")
    with patch.dict(os.environ, {"DEALCAST_PROXY_SECRET": secret} if secret else {}):
        told = dealcast("serve", "--home", home, "--host", "0.0.0.0", "--port", "0")
    assert told.code == 2
    assert says in told.err
    assert secret is None or secret not in told.err

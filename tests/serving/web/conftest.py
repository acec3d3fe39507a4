"""Pages over a small store, and people who are signed in to them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.accounts import Role, hashed
from serving.store import Store
from serving.web.app import create_app
from serving.web.guard import Served
from serving.web.settings import WebSettings
from tests.scored import FRIDAY, MONDAY, deal, keep, staff

PASSWORD = "a long enough phrase"
HASH = hashed(PASSWORD, "somebody")
ORIGIN = "http://localhost"
PEOPLE = {
    "ada": (Role.REP, "ada"),
    "bo": (Role.REP, "bo"),
    "head": (Role.MANAGER, "head"),
    "other": (Role.MANAGER, "other"),
    "ana": (Role.ANALYST, None),
    "root": (Role.ADMIN, None),
}
SEEN = {
    "ada": {"a", "b"},
    "bo": {"c"},
    "head": {"a", "b", "c", "h"},
    "other": {"o"},
    "ana": {"a", "b", "c", "h", "o", "n"},
    "root": {"a", "b", "c", "h", "o", "n"},
}
"""Whose deals everybody sees: ada and bo report to head; nobody owns n."""

Client = TestClient
SignedIn = Callable[[str], TestClient]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A company of six open deals, scored on a Friday and on the Monday after it; an account each."""
    kept = Store.under(tmp_path)
    users = staff(ada="head", bo="head", head=None, other=None)
    deals = [
        deal("a", 0.62, name="<b>Fish & Chips</b>", account='"O\'Neill" 🐟', revenue_at_stake=900.0),
        deal("b", 0.2, stage="Negotiate", close_date=date(2026, 8, 1), amount=None),
        deal("c", 0.4, owner="Bo", owner_id="bo", account="Initech"),
        deal("h", 0.5, owner="Head", owner_id="head"),
        deal("o", 0.3, owner="Other", owner_id="other", name="Secret deal", account="Umbrella"),
        deal("n", 0.3, owner="The owner", owner_id=None),
    ]
    keep(kept, FRIDAY, *[{**one, "win_probability": 0.3} for one in deals], users=users)
    keep(kept, MONDAY, *deals, users=users)
    for name, (role, user_id) in PEOPLE.items():
        kept.add_account(name, role, user_id, HASH)
    return kept


def client_of(store: Store, settings: WebSettings | None = None, **served: str) -> TestClient:
    """A browser that follows no redirect by itself."""
    app = create_app(Served(store, settings or WebSettings(), **served))
    return TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def client(store: Store) -> TestClient:
    """Nobody is signed in."""
    return client_of(store)


@pytest.fixture
def signed_in(store: Store) -> SignedIn:
    """A browser in which somebody is signed in, by name."""

    def one(name: str) -> TestClient:
        found = client_of(store)
        answer = sign_in(found, name)
        assert answer.status_code == 303
        return found

    return one


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **form: str):
    """The form as a browser sends it."""
    said = {"username": name, "password": password, **form}
    return client.post("/sign-in", data=said, headers={"Origin": ORIGIN})

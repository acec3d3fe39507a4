"""Accounts, sessions and tokens."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from crm.errors import WrongUse
from serving import store_accounts
from serving.accounts import Role, checked_name, fits, hashed
from serving.database import now
from serving.store import Store
from serving.store_tables import API_TOKENS, SESSIONS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PASSWORD = "a long enough phrase"


@pytest.fixture
def store(store_url) -> Store:
    kept = Store(store_url)
    kept.add_account("ada", Role.REP, "u1", hashed(PASSWORD, "ada"))
    return kept


@pytest.fixture
def later(monkeypatch):
    """Time goes by."""

    def goes_by(span: timedelta) -> None:
        monkeypatch.setattr(store_accounts, "now", lambda: now() + span)

    return goes_by


@pytest.mark.parametrize(
    "password", ["short", "x" * 300, "aaaaaaaaaaaaaaaa", "abababababababab", "my name is ada, you see"]
)
def test_a_password_that_is_easily_guessed_is_none(password):
    with pytest.raises(WrongUse):
        hashed(password, "ada")


def test_a_password_is_kept_as_argon2id_and_told_by_nobody():
    kept = hashed(PASSWORD, "ada")
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert fits(PASSWORD, kept)
    assert not fits(PASSWORD + ".", kept)
    assert not fits(PASSWORD, None)
    assert hashed(PASSWORD, "ada") != kept


@pytest.mark.parametrize("name", ["", " ", "-x", "a b", "a/b", "ä", "a" * 101, "a\nb"])
def test_a_name_that_cannot_be_typed_is_none(name):
    with pytest.raises(WrongUse, match="cannot be a name"):
        checked_name(name)


def test_names_are_kept_in_small_letters():
    assert checked_name(" Ada.Baker@Example.com ") == "ada.baker@example.com"


def test_a_session_stands_for_its_account_until_it_ends(store, later):
    secret = store.begin_session("ada", DAY)
    assert store.session(secret, HOUR).username == "ada"
    assert store.session(secret + "x", HOUR) is None
    later(HOUR - timedelta(minutes=5))
    assert store.session(secret, HOUR) is not None  # and is used now
    later(2 * HOUR - timedelta(minutes=10))
    assert store.session(secret, HOUR) is not None
    later(4 * HOUR)
    assert store.session(secret, HOUR) is None
    assert store.session(secret, 10 * HOUR) is not None
    later(DAY + HOUR)
    assert store.session(secret, 10 * DAY) is None


def test_no_secret_is_kept(store, store_url):
    secrets = [store.begin_session("ada", DAY), store.add_token("ada", "reports", None)]
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        kept = str([connection.execute(sa.select(table)).all() for table in (SESSIONS, API_TOKENS)])
    engine.dispose()
    assert not any(secret in kept for secret in secrets)


def test_signing_out_ends_one_session_and_a_change_ends_all(store):
    first, second = store.begin_session("ada", DAY), store.begin_session("ada", DAY)
    token = store.add_token("ada", "reports", None)
    store.end_session(first)
    assert store.session(first, HOUR) is None
    assert store.session(second, HOUR) is not None
    store.change_account("ada", role=Role.MANAGER)
    assert store.account("ada").role is Role.MANAGER
    assert store.session(second, HOUR) is None
    assert store.token(token) is None


def test_an_account_that_is_put_to_rest_lets_nobody_in(store):
    store.change_account("ada", active=False)
    secret, token = store.begin_session("ada", DAY), store.add_token("ada", "reports", None)
    assert store.session(secret, HOUR) is None
    assert store.token(token) is None
    assert store.password_hash("ada") is None


def test_a_token_ends_when_it_was_made_to(store, later):
    short, lasting = store.add_token("ada", "short", DAY), store.add_token("ada", "lasting", None)
    assert store.token(short).username == "ada"
    later(2 * DAY)
    assert store.token(short) is None
    assert store.token(lasting).username == "ada"
    assert [one["label"] for one in store.tokens("ada")] == ["short", "lasting"]


def test_two_accounts_cannot_have_one_name_and_none_can_be_changed_that_is_not_there(store):
    with pytest.raises(WrongUse, match="already"):
        store.add_account("ada", Role.ADMIN, None, None)
    with pytest.raises(WrongUse, match="no account 'bo'"):
        store.change_account("bo", active=False)
    with pytest.raises(WrongUse, match="no account 'bo'"):
        store.remove_account("bo")
    store.begin_session("ada", DAY)
    store.remove_account("ada")
    assert store.accounts() == ()


def test_what_was_done_is_counted_by_who_and_from_where(store):
    for address in ("1.1.1.1", "1.1.1.1", "2.2.2.2"):
        store.note("ada", address, "sign-in refused")
    before = now() - HOUR
    assert store.noted("sign-in refused", before) == 3
    assert store.noted("sign-in refused", before, address="1.1.1.1") == 2
    assert store.noted("sign-in refused", now() + HOUR) == 0
    assert [row["address"] for row in store.audit(2)] == ["2.2.2.2", "1.1.1.1"]

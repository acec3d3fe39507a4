"""What an account may see of deals."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from serving.accounts import Account, Role
from serving.staff import Staff
from serving.visible import EVERYTHING, Sight, masked, visible_deals

STAFF = Staff.of(
    {"user_id": user, "name": user.title(), "manager_id": manager}
    for user, manager in {
        "head": None,
        "east": "head",
        "west": "head",
        "ada": "east",
        "bo": "east",
        "cy": "west",
    }.items()
)


def account(role: Role, user_id: str | None = None, *, active: bool = True) -> Account:
    return Account("someone", role, user_id, active, has_password=True)


@pytest.mark.parametrize(
    ("who", "owners"),
    [
        (account(Role.REP, "ada"), {"ada"}),
        (account(Role.REP, "east"), {"east"}),  # whoever they manage: the role decides
        (account(Role.MANAGER, "east"), {"east", "ada", "bo"}),
        (account(Role.MANAGER, "head"), {"head", "east", "west", "ada", "bo", "cy"}),
        (account(Role.MANAGER, "stranger"), {"stranger"}),
        (account(Role.REP), set()),
        (account(Role.MANAGER), set()),
        (account(Role.ADMIN, active=False), set()),
    ],
)
def test_a_role_sees_its_own_part(who, owners):
    sight = visible_deals(who, STAFF)
    assert sight == Sight(frozenset(owners))
    assert not sight.sees(None)


def test_an_admin_sees_everything_and_an_analyst_everything_without_names():
    assert visible_deals(account(Role.ADMIN), STAFF) == EVERYTHING
    assert visible_deals(account(Role.ANALYST), STAFF) == Sight(None, masked=True)
    assert EVERYTHING.sees(None)


OWNERS = st.sampled_from(["ada", "bo", "cy", "east", "O'Neill", None])


@given(st.one_of(st.none(), st.frozensets(OWNERS.filter(bool))), st.lists(OWNERS))
def test_the_condition_of_a_query_is_what_is_seen(owners, deals):
    sight = Sight(owners)
    engine = sa.create_engine("sqlite://")
    table = sa.Table("deals", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("owner_id", sa.String))
    table.create(engine)
    rows = [{"id": number, "owner_id": owner} for number, owner in enumerate(deals)]
    with engine.begin() as connection:
        if rows:
            connection.execute(sa.insert(table), rows)
        found = set(connection.execute(sa.select(table.c.id).where(sight.condition(table.c.owner_id))).scalars())
    assert found == {row["id"] for row in rows if sight.sees(row["owner_id"])}


@given(st.frozensets(OWNERS.filter(bool)), st.frozensets(OWNERS.filter(bool)))
def test_asking_for_some_owners_never_widens_what_is_seen(seen, asked):
    assert Sight(seen).among(asked).owners == seen & asked
    assert Sight(None, masked=True).among(asked) == Sight(asked, masked=True)


def test_a_masked_deal_names_nobody_and_keeps_its_facts():
    row = {
        "opportunity_id": "D1",
        "name": "Globex renewal",
        "account": "Globex",
        "account_id": "A7",
        "owner": "Ada Baker",
        "owner_id": "u1",
        "amount": 5.0,
        "reasons": {
            "against": [{"says": "Ada Baker won 41 % of the deals; Globex has bought before.", "points": -0.1}]
        },
    }
    hidden = masked(row)
    assert hidden["reasons"]["against"] == [{"says": "u1 won 41 % of the deals; A7 has bought before.", "points": -0.1}]
    assert {name: hidden[name] for name in ("name", "account", "owner")} == {
        "name": "D1",
        "account": "A7",
        "owner": "u1",
    }
    assert (hidden["amount"], hidden["owner_id"], hidden["opportunity_id"]) == (5.0, "u1", "D1")
    assert not any(word in str(hidden) for word in ("Globex", "Ada", "Baker"))


def test_a_name_within_a_word_is_none():
    row = {"opportunity_id": "D1", "name": "In", "account": "", "owner": None, "says": "Inbound mail in In."}
    assert masked(row)["says"] == "Inbound mail in D1."

"""Who belongs to whom: the keys of each level, and sums that come to the same at all of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crm.hierarchy import COMPANY, LEVELS, NOBODY, Hierarchy
from features.histories import Histories
from tests.histories import change, company, crm, deal, millis, show, with_managers

USERS = [
    {"user_id": "ann", "name": "Ann", "manager_id": "max", "region": "North"},
    {"user_id": "bob", "manager_id": "max", "region": "South"},
    {"user_id": "cat", "name": "Cat", "region": None},
    {"user_id": "max", "name": "Max", "manager_id": "zoe"},
    {"user_id": "zoe", "name": "Zoe"},
]


def hierarchy(*deals: tuple[str, str | None, str | None], **tables: list[dict[str, object]]) -> Hierarchy:
    """Of deals as (id, owner, region)."""
    rows = [deal(name, "2024-01-01", owner_id=owner, region=region) for name, owner, region in deals]
    return Histories(crm(rows, **tables)).hierarchy


def keys_of(made: Hierarchy, level: str) -> dict[str, str]:
    assert len(made.places[level]) == len(made.owners) + 1
    return {name: made.key_of(level, code) for code, name in enumerate([*made.owners, "nobody"])}


def test_every_owner_has_a_key_at_every_level() -> None:
    made = hierarchy(("1", "ann", "West"), ("2", "bob", None), ("3", "cat", "East"), ("4", None, "East"), users=USERS)
    assert made.levels == LEVELS
    assert keys_of(made, "company") == {"ann": COMPANY, "bob": COMPANY, "cat": COMPANY, "nobody": COMPANY}
    assert keys_of(made, "region") == {"ann": "North", "bob": "South", "cat": "East", "nobody": NOBODY}
    assert keys_of(made, "manager") == {"ann": "max", "bob": "max", "cat": NOBODY, "nobody": NOBODY}
    assert keys_of(made, "owner") == {"ann": "ann", "bob": "bob", "cat": "cat", "nobody": NOBODY}
    assert made.keys["region"] == ("East", "North", "South", NOBODY)


def test_a_region_that_users_do_not_have_is_that_of_most_of_their_deals() -> None:
    made = hierarchy(
        *(("1", "ann", "West"), ("2", "ann", "East"), ("3", "ann", "West")),
        *(("4", "bob", "West"), ("5", "bob", "East"), ("6", "cat", None)),
    )
    assert keys_of(made, "region") == {"ann": "West", "bob": "East", "cat": NOBODY, "nobody": NOBODY}
    assert made.levels == ("company", "region", "owner")


def test_levels_that_tell_nothing_are_left_out() -> None:
    assert hierarchy(("1", None, "West"), users=USERS).levels == ("company",)
    assert hierarchy(("1", "ann", None)).levels == ("company", "owner")
    without_regions = [{**user, "region": None} for user in USERS]
    assert hierarchy(("1", "ann", None), users=without_regions).levels == ("company", "manager", "owner")
    # managers that are nobody's who sells
    assert hierarchy(("1", "zoe", None), users=USERS).levels == ("company", "owner")


def test_who_has_a_quota_and_no_deal_yet_stands_behind_the_owners_of_deals() -> None:
    quotas = [
        {"user_id": user, "period_start": "2024-01-01", "amount": 5.0} for user in ("zed", "bob", "max", "ann", "aaa")
    ]
    made = hierarchy(("1", "bob", None), users=USERS, quotas=quotas)
    assert list(made.owners) == ["bob", "aaa", "ann", "zed"]  # max manages others: no quota of an owner's
    assert keys_of(made, "manager") == {"bob": "max", "aaa": NOBODY, "ann": "max", "zed": NOBODY, "nobody": NOBODY}
    assert hierarchy(("1", None, None), users=USERS, quotas=quotas).levels == ("company",)


def test_keys_are_called_by_name() -> None:
    made = hierarchy(("1", "ann", None), ("2", "bob", None), ("3", "dan", None), users=USERS)
    assert [made.name("owner", key) for key in made.keys["owner"]] == ["Ann", "bob", "dan", NOBODY]
    assert made.name("manager", "max") == "Max"
    assert made.name("region", "ann") == "ann"
    assert made.name("company", COMPANY) == COMPANY


def test_the_owner_is_the_one_of_then_where_owners_are_tracked() -> None:
    rows = [deal("1", "2024-01-01", owner_id="bob"), deal("2", "2024-01-01", owner_id="ann"), deal("3", "2024-01-01")]
    tables = crm(rows, changes=[change("1", "2024-03-01T12:00:00", "owner_id", "ann", "bob")])
    histories = Histories(tables)

    def owners(at: int) -> list[int]:
        return histories.owner_before(np.arange(3), np.full(3, at)).tolist()

    moved = millis("2024-03-01T12:00:00")
    ann, bob = 0, 1
    assert owners(moved) == [ann, ann, histories.hierarchy.nobody]
    assert owners(moved + 1) == [bob, ann, histories.hierarchy.nobody]
    without = Histories(tables.with_frames(changes=tables["changes"].iloc[:0]))
    assert without.owner_before(np.arange(3), np.full(3, moved)).tolist() == [bob, ann, 2]


@given(seed=st.integers(0, 2**32 - 1), trailing=st.sampled_from([(), (3,), (2, 4)]))
def test_every_level_sums_to_the_company(seed: int, trailing: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    made = Histories(with_managers(rng, show(company(rng)))).hierarchy
    cents = rng.integers(-(10**12), 10**12, (len(made.owners) + 1, *trailing))
    for level in made.levels:
        keys, sums = made.total(level, cents)
        assert sums.shape == (len(keys), *trailing)
        assert len(set(keys)) == len(keys)
        np.testing.assert_array_equal(sums.sum(axis=0), cents.sum(axis=0))
        for place, key in enumerate(keys):
            np.testing.assert_array_equal(sums[place], cents[made.places[level] == place].sum(axis=0), err_msg=key)

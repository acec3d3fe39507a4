"""What may be banned, and which declared columns are refused for what they are."""

import tomllib

import pytest

from crm.errors import WrongUse
from crm.sources.mapping import mapping_from_toml
from crm.tables import CrmTables, Wishes
from tests.histories import change, crm, deal


def declared(text: str):
    return mapping_from_toml(tomllib.loads(text)).wishes


def test_columns_of_opportunities_and_of_other_tables():
    found = declared('[data]\nbanned = ["owner_id", "accounts.country", "Budget__c", "opportunities.region"]').banned
    assert found == {
        ("opportunities", "owner_id"),
        ("accounts", "country"),
        ("opportunities", "Budget__c"),
        ("opportunities", "region"),
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("stage", "without it"),
        ("is_won", "without it"),
        ("activities.recorded_at", "without it"),
        ("accounts.account_id", "without it"),
        ("acounts.country", "accounts"),
        ("accounts.contry", "country"),
        ("quotas.amount", "no table 'quotas'"),
        ("changes.old_value", "no table 'changes'"),
    ],
)
def test_what_cannot_be_banned_is_refused_with_a_remedy(name, says):
    with pytest.raises(WrongUse) as refused:
        declared(f'[data]\nbanned = ["{name}"]')
    assert says in str(refused.value)
    assert "[data] banned" in str(refused.value)


def test_a_banned_column_is_as_if_it_were_not_there():
    deals = [deal("D1", "2026-01-01", "Propose", owner_id="u1", amount=5.0)]
    tables = crm(deals, changes=[change("D1", "2026-01-02", "owner_id", "u0", "u1")])
    banned = CrmTables(tables.frames, wishes=Wishes(banned=frozenset({("opportunities", "owner_id")})))
    assert tables.gives("opportunities", "owner_id")
    assert "owner_id" in tables.facts.tracked
    assert not banned.gives("opportunities", "owner_id")
    assert "owner_id" not in banned.facts.tracked
    assert banned.gives("opportunities", "amount")


@pytest.mark.parametrize("column", ["Gender__c", "ContactAge", "buyer_nationality", "Religion", "date of birth"])
def test_a_column_called_after_a_protected_attribute_is_refused(column):
    for text in (f'[fields]\n"{column}" = "category"', f'[fields."{column}"]\nkind = "category"\nlabel = "x"'):
        with pytest.raises(WrongUse, match="protected"):
            declared(text)


def test_so_is_one_that_people_call_so():
    with pytest.raises(WrongUse, match="gender"):
        declared('[fields.Code_7__c]\nkind = "category"\nlabel = "the buyer\'s gender"')


@pytest.mark.parametrize("column", ["Package__c", "Average_Price__c", "Account_Health__c", "Stage_Note", "Usage"])
def test_words_that_only_contain_one_are_not(column):
    assert declared(f'[fields]\n"{column}" = "category"').columns[0].name == column


def test_a_column_that_only_looks_so_is_taken_when_that_is_said():
    (column,) = declared('[fields.Lead_Age__c]\nkind = "number"\nprotected = false').columns
    assert column.label == "lead age"
    with pytest.raises(WrongUse, match="protected"):
        declared('[fields.Lead_Age__c]\nkind = "number"\nprotected = true')

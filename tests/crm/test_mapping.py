"""What dealcast.toml may declare about the files, and what it must not."""

import tomllib

import pytest

from crm.errors import WrongUse
from crm.sources.mapping import SourceMapping, mapping_from_toml

FULL = """
[data]
time_zone = "Europe/Berlin"
decimal = ","
date_format = "%d.%m.%Y"
fixed = ["product"]
inbound_subject = ["^in:"]
[data.stage_aliases]
Quoted = "Offer"
[tables.opportunities]
file = "pipeline.csv"
[tables.opportunities.columns]
owner_id = "rep"
[tables.opportunities.values.product]
GTXPro = "GTX Pro"
[tables.stages]
[training]
anything = "else"
"""


def test_everything_declared_arrives():
    mapping = mapping_from_toml(tomllib.loads(FULL))
    assert (mapping.time_zone, mapping.decimal, mapping.date_format) == ("Europe/Berlin", ",", "%d.%m.%Y")
    assert mapping.fixed == frozenset({"product"})
    assert mapping.stage_aliases == {"Quoted": "Offer"}
    assert mapping.inbound_subject == ("^in:",)
    assert mapping.outbound_subject == SourceMapping().outbound_subject
    deals = mapping.tables["opportunities"]
    assert (deals.file, deals.columns, deals.values) == (
        "pipeline.csv",
        {"owner_id": "rep"},
        {"product": {"GTXPro": "GTX Pro"}},
    )
    assert mapping.tables["stages"].file == ""


def test_nothing_declared_is_the_default():
    assert mapping_from_toml({}) == SourceMapping()
    assert SourceMapping().time_zone is None


@pytest.mark.parametrize(
    ("text", "where", "found", "remedy"),
    [
        ("[data]\ntimezone = 'UTC'", "[data]", "'timezone'", "'time_zone'"),
        ("[tables.opportunity]", "[tables]", "'opportunity'", "'opportunities'"),
        ("[tables.users]\nfiles = 'x'", "[tables.users]", "'files'", "'file'"),
        ("[tables.users.columns]\nuserid = 'x'", "[tables.users.columns]", "'userid'", "'user_id'"),
        ("[tables.users.values.names]\na = 'x'", "[tables.users.values]", "'names'", "'name'"),
        ("[data]\nxyz = 1", "[data]", "'xyz'", "remove"),
        ("[data]\ntime_zone = 'Berlin'", "time_zone", "'Berlin'", "correct"),
        ("[data]\ntime_zone = 1", "time_zone", "1", "correct"),
        ("[data]\ndecimal = ';'", "decimal", "';'", "correct"),
        ("[data]\nfixed = 'product'", "fixed", "'product'", "correct"),
        ("[data]\ninbound_subject = ['(']", "inbound_subject", "'('", "correct"),
        ("[data.stage_aliases]\nOld = 3", "stage_aliases", "3", "correct"),
        ("data = 3", "[data]", "3", "correct"),
    ],
)
def test_what_is_unknown_or_off_is_named_with_its_place_and_the_nearest_known(text, where, found, remedy):
    with pytest.raises(WrongUse) as wrong:
        mapping_from_toml(tomllib.loads(text))
    assert where in wrong.value.where
    assert found in wrong.value.found
    assert remedy in wrong.value.remedy
    assert wrong.value.exit_code == 2

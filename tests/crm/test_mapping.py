"""What dealcast.toml may declare about the files, and what it must not."""

import tomllib

import pytest

from crm.errors import WrongUse
from crm.sources.mapping import SourceMapping, mapping_from_toml, readable
from crm.tables import OPPORTUNITIES, OWN_KINDS, OwnColumn, Wishes

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
[fields]
competitor = "category"
"Budget (EUR)" = "money"
[fields.Demo_Day__c]
kind = "date"
label = " Day of the demo"
actionable = true
[activities]
kinds = ["offer:sent", "Site visit", "offer:sent"]
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
    assert mapping.wishes == Wishes(
        (
            OwnColumn("competitor", "category", "competitor"),
            OwnColumn("Budget (EUR)", "money", "budget (EUR)"),
            OwnColumn("Demo_Day__c", "date", "Day of the demo", actionable=True),
        ),
        ("offer:sent", "Site visit"),
    )


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
        ("[fields]\nrival = 'categry'", "[fields] rival", "'categry'", "'category'"),
        ("[fields]\nrival = 'x'", "[fields] rival", "'x'", "name its kind"),
        ("[fields]\nrival = 3", "[fields] rival", "3", "correct"),
        ("[fields.rival]\nlabel = 'Rival'", "[fields.rival] kind", "not given", "name its kind"),
        ("[fields.rival]\nkind = 3", "[fields.rival] kind", "3", "name its kind"),
        ("[fields.rival]\nknd = 'text'", "[fields.rival]", "'knd'", "'kind'"),
        ("[fields.rival]\nkind = 'text'\nlabel = 5", "[fields.rival] label", "5", "correct"),
        ("[fields.rival]\nkind = 'text'\nactionable = 'yes'", "[fields.rival] actionable", "'yes'", "correct"),
        ("[fields]\namount = 'money'", "[fields]", "'amount'", "[data] fixed"),
        ("[fields.type]\nkind = 'category'", "[fields]", "'type'", "remove it"),
        ("[fields]\nowner = 'category'", "[fields]", "'owner'", "rename"),
        ("fields = 'rival'", "[fields]", "'rival'", "correct"),
        ("[activities]\nkind = ['offer']", "[activities]", "'kind'", "'kinds'"),
        ("[activities]\nkinds = 'offer'", "[activities] kinds", "'offer'", "correct"),
        ("[activities]\nkinds = [' ']", "[activities] kinds", "''", "correct"),
    ],
)
def test_what_is_unknown_or_off_is_named_with_its_place_and_the_nearest_known(text, where, found, remedy):
    with pytest.raises(WrongUse) as wrong:
        mapping_from_toml(tomllib.loads(text))
    assert where in wrong.value.where
    assert found in wrong.value.found
    assert remedy in wrong.value.remedy
    assert wrong.value.exit_code == 2


@pytest.mark.parametrize("column", [column.name for column in OPPORTUNITIES.columns])
def test_no_column_of_the_contract_can_be_declared_as_ones_own(column):
    with pytest.raises(WrongUse, match="a column that Dealcast knows"):
        mapping_from_toml({"fields": {column: "text"}})


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_kind_can_be_declared_short_or_long(kind):
    short, long = (mapping_from_toml({"fields": {"x": entry}}) for entry in (kind, {"kind": kind}))
    assert short == long
    assert short.wishes.columns[0].kind is OWN_KINDS[kind]


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("competitor", "competitor"),
        ("Competitor__c", "competitor"),
        ("Main_Competitor__c", "main competitor"),
        ("MainCompetitor", "main competitor"),
        ("budgetEUR", "budget EUR"),
        ("GTMRegion__c", "GTM region"),
        ("NPS", "NPS"),
        ("X", "x"),
        ("__c", "__c"),
        ("größe_des_Teams", "größe des teams"),
    ],
)
def test_a_columns_name_is_made_readable(column, says):
    assert readable(column) == says


@pytest.mark.parametrize("name", ["Dealcast_Score__c", "dealcast_reasons", "acme__Dealcast_Grade__c"])
def test_our_own_answers_are_not_learned_from(name):
    with pytest.raises(WrongUse, match="of its own answers nothing is learned"):
        mapping_from_toml({"fields": {name: "number"}})


def test_the_user_that_we_write_as_may_be_named():
    assert mapping_from_toml({"data": {"written_by": "0051G000005Mumu"}}).written_by == "0051G000005Mumu"
    assert mapping_from_toml({}).written_by is None
    with pytest.raises(WrongUse, match="written_by"):
        mapping_from_toml({"data": {"written_by": 5}})

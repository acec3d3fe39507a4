"""A company's own columns: typed by their kind, kept as plain text, and never a reason to lose a row."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm.errors import DataRefused, WrongUse
from crm.history import known_by
from crm.sources import rules
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping, TableMapping
from crm.tables import OWN_KINDS, Kind, OwnColumn, Wishes
from crm.values import plain_text, value_history

T = "2024-03-01T09:00:00Z"
LATER = "2024-03-05T09:00:00Z"
STAGES = "stage,position,is_closed,is_won\nNew,1,0,0\nWon,2,1,1\n"
KINDS = {
    "rival": "category",
    "score": "number",
    "budget": "money",
    "demo on": "date",
    "approved": "flag",
    "remarks": "text",
}


def wishes(kinds=None, *, activity_kinds=()):
    columns = tuple(OwnColumn(name, kind, name) for name, kind in (KINDS if kinds is None else kinds).items())
    return Wishes(columns, activity_kinds)


def write(folder, deals, changes=(), header=tuple(KINDS), delimiter=","):
    """Deals of own columns' cells, and changes of (field, old, new), all of the first deal."""
    rows = [["opportunity_id", "created_at", "stage", *header]]
    rows += [[f"D{i}", T, "New", *cells] for i, cells in enumerate(deals)]
    moves = [["opportunity_id", "changed_at", "field", "old_value", "new_value"]]
    moves += [["D0", LATER, *change] for change in changes]
    for name, table in (("opportunities", rows), ("changes", moves)):
        lines = [delimiter.join(f'"{cell}"' for cell in row) for row in table]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "stages.csv").write_text(STAGES, encoding="utf-8")
    return folder


def cells(reading, column):
    """A column of the deals; None where missing."""
    return [None if pd.isna(value) else value for value in reading.tables["opportunities"][column]]


def changed(reading, field):
    """The old and new values of a field's changes; None where missing."""
    changes = reading.tables["changes"]
    found = changes.loc[changes["field"] == field, ["old_value", "new_value"]].astype(object)
    return [tuple(row) for row in found.where(found.notna(), None).itertuples(index=False)]


def counted(reading, file):
    return dict(next(f for f in reading.report.files if f.file == f"{file}.csv").normalised)


GOOD = [
    ("Acme ", "12.50", "1,250,000.5", "2024-3-31", "Yes", " as it stands "),
    (" ", "-3", "1e3", "2024-03-31T23:30:00Z", "0", "  "),
    ("acme", "", "", "", "", ""),
]
BAD = [("NA", "a lot", "1,5", "31/03/2024", "perhaps", "x"), ("a", "NaN", "inf", "1900-01-01", "2", "x")]


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    changes = [
        ("rival", " Acme", "Globex "),
        ("score", "1.50", "12.5"),
        ("score", "soon", "nan"),
        ("budget", "", "1,250,000.5"),
        ("demo on", "2024-03-01T10:00:00Z", "2024-3-31"),
        ("demo on", "12/03/2024", "45000"),
        ("approved", "No", "TRUE"),
        ("approved", "maybe", ""),
        ("remarks", " before", "after "),
        ("unknown", " 1.50 ", "x"),
    ]
    folder = write(tmp_path_factory.mktemp("native"), GOOD + BAD, changes)
    return read_folder(folder, SourceMapping(wishes=wishes()))


def test_values_are_typed_by_their_kind_and_kept_as_plain_text(native):
    assert cells(native, "rival")[:3] == ["Acme", None, "acme"]
    assert cells(native, "score")[:3] == ["12.5", "-3", None]
    assert cells(native, "budget")[:3] == ["1250000.5", "1000", None]
    assert cells(native, "demo on")[:3] == ["2024-03-31", "2024-03-31", None]
    assert cells(native, "approved")[:3] == ["true", "false", None]
    assert cells(native, "remarks")[:3] == [" as it stands ", None, None]


def test_what_cannot_be_read_is_missing_and_counted_and_its_row_stays(native):
    assert len(native.tables["opportunities"]) == len(GOOD + BAD)
    for column in ("score", "budget", "demo on", "approved"):
        assert cells(native, column)[3:] == [None, None], column
    assert native.report.set_aside.empty
    assert counted(native, "opportunities") == {
        "score: not a number, read as missing": 2,
        "budget: not a number, read as missing": 1,
        f"budget: {rules.UNDECLARED_LOCALE.name}, read as missing": 1,
        "demo on: not a day, read as missing": 1,
        f"demo on: {rules.DAY_OR_MONTH_FIRST.name}, read as missing": 1,
        "approved: neither yes nor no, read as missing": 2,
        "thousands marks removed": 1,
        "times cut to their day": 1,
    }


def test_a_history_is_read_by_the_same_rules(native):
    assert changed(native, "rival") == [("Acme", "Globex")]
    assert changed(native, "score") == [("1.5", "12.5"), (None, None)]
    assert changed(native, "budget") == [(None, "1250000.5")]
    assert changed(native, "demo on") == [("2024-03-01", "2024-03-31"), (None, None)]
    assert changed(native, "approved") == [("false", "true"), (None, None)]
    assert changed(native, "remarks") == [(" before", "after ")]
    assert changed(native, "unknown") == [(" 1.50 ", "x")]
    found = counted(native, "changes")
    assert found["score: not a number, read as missing"] == 1  # rows, not cells
    assert found[f"demo on: {rules.DAY_OR_MONTH_FIRST.name}, read as missing"] == 1
    assert found[f"demo on: {rules.EXCEL_SERIAL.name}, read as missing"] == 1
    assert found["approved: neither yes nor no, read as missing"] == 1
    assert "values renamed by an alias" not in found


def test_the_tables_know_the_kinds_and_histories_are_typed_by_them(native):
    tables = native.tables
    assert tables.own == {name: OWN_KINDS[kind] for name, kind in KINDS.items()}
    assert tables.wishes == wishes()
    assert tables.kind_of("budget") is Kind.MONEY
    first = value_history(tables, "demo on")
    assert first.value[first.deal == 1].tolist() == [19813.0]
    assert value_history(tables, "approved").value.dtype.kind == "f"


def test_undeclared_columns_stay_text(tmp_path):
    reading = read_folder(write(tmp_path, GOOD + BAD))
    assert cells(reading, "budget") == ["1,250,000.5", "1e3", None, "1,5", "inf"]
    assert reading.tables.own == {}


def test_a_mapped_file_is_read_in_its_own_locale(tmp_path):
    header = ("Wettbewerber", "Budget", "Termin")
    folder = write(
        tmp_path,
        [("Acme", "1.234,56", "31.03.2024"), ("", "0,5", "2024-04-01"), ("", "1,234.56", "31/03/2024")],
        [("Budget", "1.000", "1.234,56"), ("Termin", "1.2.2024", "31.03.2024")],
        header,
        ";",
    )
    mapping = SourceMapping(
        decimal=",",
        date_format="%d.%m.%Y",
        tables={"opportunities": TableMapping("opportunities.csv", {"name": "Wettbewerber"})},
        wishes=wishes({"Budget": "money", "Termin": "date"}),
    )
    reading = read_folder(folder, mapping)
    assert reading.shape == "mapped"
    assert cells(reading, "Budget") == ["1234.56", "0.5", None]
    assert cells(reading, "Termin") == ["2024-03-31", "2024-04-01", None]
    assert changed(reading, "Budget") == [("1000", "1234.56")]
    assert changed(reading, "Termin") == [("2024-02-01", "2024-03-31")]


def test_parquet_with_typed_columns_gives_the_same(tmp_path):
    frame = pd.DataFrame(
        {
            "opportunity_id": ["D0"],
            "created_at": [pd.Timestamp(T)],
            "stage": ["New"],
            "score": [1.5],
            "budget": [15000],
            "demo on": [pd.Timestamp("2024-03-31")],
            "approved": [True],
            "rival": ["Acme"],
            "remarks": ["x"],
        }
    )
    frame.to_parquet(tmp_path / "opportunities.parquet")
    (tmp_path / "stages.csv").write_text(STAGES, encoding="utf-8")
    reading = read_folder(tmp_path, SourceMapping(decimal=",", wishes=wishes()))
    found = [cells(reading, name)[0] for name in KINDS]
    assert found == ["Acme", "1.5", "15000", "2024-03-31", "true", "x"]


def test_many_own_columns_are_each_counted(tmp_path):
    names = [f"n{i}" for i in range(80)]
    reading = read_folder(
        write(tmp_path, [["x"] * 80], header=names), SourceMapping(wishes=wishes(dict.fromkeys(names, "number")))
    )
    found = counted(reading, "opportunities")
    assert all(found[f"{name}: not a number, read as missing"] == 1 for name in names)


def test_rows_that_differ_in_how_a_value_is_written_are_duplicates(tmp_path):
    folder = write(tmp_path, [("Acme", "1.50", "", "", "yes", "")] * 2)
    text = (folder / "opportunities.csv").read_text(encoding="utf-8")
    (folder / "opportunities.csv").write_text(text.replace('"D1"', '"D0"').replace("1.50", "1.5", 1), encoding="utf-8")
    reading = read_folder(folder, SourceMapping(wishes=wishes()))
    assert reading.report.set_aside["rule"].tolist() == ["exact duplicate"]


# Salesforce -----------------------------------------------------------------------------------------------------

DEAL = "0061G00000Ja7B6QAJ"
SALESFORCE = {
    "Opportunity": f"Id,StageName,CreatedDate,Competitor__c,Score__c,Demo__c,Approved__c\n"
    f"{DEAL},New,2024-03-01T09:00:00.000+0000,Globex,7.0,2024-03-31,true\n",
    "OpportunityFieldHistory": "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate,CreatedById\n"
    f"017a,{DEAL},Competitor__c,Acme,Globex,2024-03-05T09:00:00.000+0000,0051G000005Mump\n"
    f"017b,{DEAL},Score__c,3.50,7.0,2024-03-05T09:00:00.000+0000,0051G000005Mump\n"
    f"017c,{DEAL},Approved__c,false,true,2024-03-05T09:00:00.000+0000,0051G000005Mump\n"
    f"017d,{DEAL},Demo__c,soon,2024-03-31,2024-03-05T09:00:00.000+0000,0051G000005Mump\n",
    "OpportunityStage": "ApiName,SortOrder,IsClosed,IsWon\nNew,1,false,false\nWon,2,true,true\n",
}


def test_salesforces_own_fields_are_read_under_their_own_names(tmp_path):
    for name, text in SALESFORCE.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    kinds = {"Competitor__c": "category", "Score__c": "number", "Demo__c": "date", "Approved__c": "flag"}
    reading = read_folder(tmp_path, SourceMapping(wishes=wishes(kinds)))
    assert reading.shape == "salesforce"
    assert [cells(reading, name)[0] for name in kinds] == ["Globex", "7", "2024-03-31", "true"]
    assert changed(reading, "Competitor__c") == [("Acme", "Globex")]
    assert changed(reading, "Score__c") == [("3.5", "7")]
    assert changed(reading, "Approved__c") == [("false", "true")]
    assert changed(reading, "Demo__c") == [(None, "2024-03-31")]
    assert counted(reading, "OpportunityFieldHistory")["Demo__c: not a day, read as missing"] == 1


def test_a_field_that_salesforce_names_and_dealcast_reads_already_is_refused(tmp_path):
    for name, text in SALESFORCE.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(WrongUse, match="'StageName' is read as stage"):
        read_folder(tmp_path, SourceMapping(wishes=wishes({"StageName": "category"})))


# What is declared and not there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "remedy"), [("Rivals", "write 'rival'"), ("Budgets", "write 'budget'"), ("zzz", "remove it from [fields]")]
)
def test_a_declared_column_that_is_not_there_is_refused_with_the_nearest(tmp_path, name, remedy):
    folder = write(tmp_path, GOOD)
    with pytest.raises(DataRefused, match=f"no column '{name}'") as refused:
        read_folder(folder, SourceMapping(wishes=wishes({name: "text"})))
    assert refused.value.where == "opportunities.csv"
    assert remedy in refused.value.remedy


def test_a_column_that_is_mapped_already_is_refused(tmp_path):
    mapping = SourceMapping(
        tables={"opportunities": TableMapping("opportunities.csv", {"owner_id": "rival"})},
        wishes=wishes({"rival": "category"}),
    )
    with pytest.raises(WrongUse, match="'rival' is read as owner_id"):
        read_folder(write(tmp_path, GOOD), mapping)


def notes(reading):
    return [note for note in reading.report.notes if note.startswith("[")]


def test_a_declared_column_without_a_value_is_noted(tmp_path):
    deals = [("", "soon", "", "", "", "")]
    reading = read_folder(write(tmp_path, deals, [("budget", "", "5")]), SourceMapping(wishes=wishes()))
    assert notes(reading) == [
        "[fields] rival: no deal has a value that can be read",
        "[fields] score: no deal has a value that can be read as a number",
        "[fields] demo on: no deal has a value that can be read as a day",
        "[fields] approved: no deal has a value that can be read as yes or no",
        "[fields] remarks: no deal has a value that can be read",
    ]


def test_an_activity_kind_that_never_occurs_and_a_fixed_column_that_is_not_there_are_noted(tmp_path):
    folder = write(tmp_path, GOOD)
    activities = f"opportunity_id,occurred_at,kind\nD0,{LATER},offer:sent\n"
    (folder / "activities.csv").write_text(activities, encoding="utf-8")
    mapping = SourceMapping(
        fixed=frozenset({"rival", "accounts.employees", "prodct", "zzzz"}),
        wishes=wishes({}, activity_kinds=("offer:snt", "offer:sent", "qqqq")),
    )
    assert notes(read_folder(folder, mapping)) == [
        "[activities] kinds: 'offer:snt' does not occur among the activities; perhaps 'offer:sent' is meant",
        "[activities] kinds: 'qqqq' does not occur among the activities",
        "[data] fixed: there is no column 'prodct'; perhaps 'product' is meant",
        "[data] fixed: there is no column 'zzzz'",
    ]


# As of a date ---------------------------------------------------------------------------------------------------


def test_what_a_column_held_by_a_date_is_plain_text_again(native):
    then = known_by(native.tables, pd.Timestamp("2024-03-02T00:00:00Z").value // 1_000_000)["opportunities"]
    assert then.loc[0, ["rival", "score", "demo on", "approved", "remarks"]].tolist() == [
        "Acme",
        "1.5",
        "2024-03-01",
        "false",
        " before",
    ]
    assert pd.isna(then.loc[0, "budget"])
    assert then.loc[1, ["score", "budget"]].tolist() == ["-3", "1000"]


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (15000.0, Kind.MONEY, "15000"),
        (-0.5, Kind.NUMBER, "-0.5"),
        (1e15, Kind.NUMBER, "1000000000000000.0"),
        (19813.0, Kind.DATE, "2024-03-31"),
        (1.0, Kind.FLAG, "true"),
        (0.0, Kind.FLAG, "false"),
        (float("nan"), Kind.FLAG, None),
    ],
)
def test_numbers_are_written_as_the_tables_hold_them(number, kind, text):
    assert plain_text(pd.Series([number]).to_numpy(), kind).tolist() == [text]


def test_a_parquet_file_with_a_name_twice_is_refused_as_a_csv_is(tmp_path):
    texts = [pa.array(["x"])] * 5
    names = ["opportunity_id", "created_at", "stage", "rival", "rival"]
    pq.write_table(pa.table(texts, names=names), tmp_path / "opportunities.parquet")
    with pytest.raises(DataRefused, match=r"opportunities\.parquet: the header has 'rival' twice"):
        read_folder(tmp_path)

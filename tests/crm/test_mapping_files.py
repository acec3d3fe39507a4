"""Files in a shape of their own, read through a mapping."""

import pytest

from crm.errors import DataRefused
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping, TableMapping

PIPELINE = "Deal,entered,Step,Value,name,owner_id\n7,2024-01-02T00:00:00Z,Won,5,Ann,Fritz\n"
COLUMNS = {"opportunity_id": "Deal", "created_at": "entered", "stage": "Step", "amount": "Value", "owner_id": "name"}
HISTORY = """opportunity_id,changed_at,field,old_value,new_value
7,2024-02-02T00:00:00Z,Step,Open,Done
7,2024-02-02T00:00:00Z,Value,1.0,2
"""
STAGES = "stage,position,is_closed,is_won\nOpen,1,0,0\nWon,2,1,1\n"


def fill(folder):
    for name, text in {"pipeline": PIPELINE, "changes": HISTORY, "stages": STAGES, "other": "a\n1\n"}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path)


def mapping(file="pipeline.csv", columns=COLUMNS, **more):
    values = {"stage": {"Done": "Won"}}
    return SourceMapping(tables={"opportunities": TableMapping(file, columns, values)}, **more)


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    return read_folder(fill(tmp_path_factory.mktemp("mapped")), mapping())


def test_mapped_and_native_files_are_read_together(reading):
    assert reading.shape == "mapped"
    assert sorted(f.file for f in reading.report.files) == ["changes.csv", "pipeline.csv", "stages.csv"]
    deal = reading.tables["opportunities"].iloc[0]
    assert deal[["opportunity_id", "stage", "amount", "owner_id"]].tolist() == ["7", "Won", 5.0, "Ann"]


def test_a_source_column_whose_name_the_contract_needs_elsewhere_is_kept_aside(reading):
    deals = reading.tables["opportunities"]
    assert deals["owner_id (source)"].tolist() == ["Fritz"]
    assert deals["name"].isna().all()


def test_a_history_speaks_the_sources_names_and_values_and_is_understood(reading):
    tables = reading.tables
    assert tables["changes"]["field"].tolist() == ["stage", "amount"]
    assert tables["changes"]["new_value"].tolist() == ["Won", "2"]
    assert tables["opportunities"]["closed_at"].iloc[0] == tables["changes"]["changed_at"].iloc[0]


def test_a_mapped_column_that_is_not_there_is_named_with_its_neighbour(folder):
    with pytest.raises(DataRefused, match=r"no column 'Vaule'") as refused:
        read_folder(folder, mapping(columns={**COLUMNS, "amount": "Vaule"}))
    assert "'Value'" in refused.value.remedy


def test_a_mapped_file_that_is_not_there_is_named_with_its_neighbour(folder):
    with pytest.raises(DataRefused, match=r"pipelin\.csv is not there") as refused:
        read_folder(folder, mapping(file="pipelin.csv"))
    assert "'pipeline.csv'" in refused.value.remedy


def test_a_message_names_the_sources_own_column(folder):
    (folder / "pipeline.csv").write_text(PIPELINE.replace("2024-01-02T00:00:00Z", "2024-01-02"), encoding="utf-8")
    with pytest.raises(DataRefused) as refused:
        read_folder(folder, mapping())
    assert refused.value.where == "pipeline.csv, row 2, column entered"

"""A shape is found by its tables' names; a file of two shapes, or of none, is said."""

import pytest

from crm.errors import DataRefused
from crm.sources.finding import find_files, shapes
from crm.sources.mapping import SourceMapping, TableMapping
from crm.tables import TABLES


def folder(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.name)
def test_every_shape_is_told_by_its_marks_and_feeds_tables_of_the_contract(tmp_path, shape):
    for form in shape.named:
        there = tmp_path / form.format("x")
        there.mkdir()
        names = dict.fromkeys(table.name for table in shape.tables)
        found = find_files(folder(there, *(f"{form.format(name)}.csv" for name in names)), SourceMapping())
        assert found.shape == shape.name
        assert {file.source for file in found.files} == set(names)
        assert {file.table for file in found.files} <= {"", *TABLES}
        assert found.unread == ()
        feeding = [file.table for file in found.files if file.table]
        assert feeding == sorted(feeding, key=list(TABLES).index), "deals first: histories look at them"


def test_the_contracts_own_tables_stand_beside_a_crms(tmp_path):
    found = find_files(folder(tmp_path, "Opportunity.csv", "Task.csv", "quotas.csv", "costs.csv"), SourceMapping())
    assert found.shape == "salesforce"
    assert [(file.source, file.shape.name) for file in found.files] == [
        ("Opportunity", "salesforce"),
        ("Task", "salesforce"),
        ("quotas", "native"),
        ("costs", "native"),
    ]


def test_one_table_of_the_contract_from_two_shapes_stops(tmp_path):
    with pytest.raises(DataRefused, match="hold the same table") as refused:
        find_files(folder(tmp_path, "Opportunity.csv", "User.csv", "users.csv"), SourceMapping())
    assert "User.csv" in refused.value.found
    assert "users.csv" in refused.value.found


def test_a_mapping_may_name_a_table_without_its_ending(tmp_path):
    mapping = SourceMapping(tables={"opportunities": TableMapping("pipeline", {"stage": "phase"})})
    found = find_files(folder(tmp_path, "pipeline.parquet", "other.csv"), mapping)
    assert (found.shape, [file.name for file in found.files]) == ("mapped", ["pipeline.parquet"])
    assert found.unread == ("other.csv",)

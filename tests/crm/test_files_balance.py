"""Laws of reading: no row is lost whatever the dirt, and clean tables come back as they were written."""

import csv
import re
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.errors import DataRefused
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping
from crm.tables import TABLES

# Cells that no rule stops at, whatever their column (the decimal mark and the zone are declared below).
PLAIN = "D1 D2 D3 New Won Lost Gone stage amount close_date NA 1 0 -1 1e400 nan 12k maybe yes ü =1+1"
TIMES = "2024-01-01 2024-02-01T10:00:00Z 2024-03-01T10:00 2024-02-30 2999-01-01 1970-01-01T00:00:00Z"
CELLS = st.sampled_from(["", " ", " D1", *PLAIN.split(), *TIMES.split(), 'a "quoted", cell', "two\nlines", "\0"])
SENSIBLE = {
    "opportunity_id": st.sampled_from(["D1", "D2", "D3", "D4", "D5", ""]),
    "created_at": st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-02", "2024-01-03 10:00:00"]),
    "stage": st.sampled_from(["New", "Won", "Lost"]),
    "changed_at": st.sampled_from(["2024-02-01T10:00:00Z", "2024-02-02T10:00:00Z"]),
    "field": st.sampled_from(["stage", "amount", "close_date", "other"]),
}
TABLE_COLUMNS = {
    "opportunities": ["opportunity_id", "created_at", "stage", "amount", "close_date", "closed_at", "is_won", "extra"],
    "changes": ["opportunity_id", "changed_at", "field", "old_value", "new_value"],
    "activities": ["activity_id", "opportunity_id", "occurred_at", "kind", "duration_minutes"],
}


def tables(name):
    columns = [st.one_of(SENSIBLE.get(c, CELLS), SENSIBLE.get(c, CELLS), CELLS) for c in TABLE_COLUMNS[name]]
    row = st.one_of(st.tuples(*columns), st.tuples(*columns), st.tuples(*columns[:-1]))
    return st.lists(row, max_size=12).flatmap(lambda rows: st.just(rows + rows[:2]))


@settings(max_examples=8)
@given(st.fixed_dictionaries({name: tables(name) for name in TABLE_COLUMNS}), st.sampled_from([",", ";", "\t"]))
def test_rows_in_are_rows_accepted_and_set_aside_in_every_file(contents, delimiter):
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in contents.items():
            with (Path(folder) / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter=delimiter)
                writer.writerows([TABLE_COLUMNS[name], *rows])
        try:
            reading, refused = read_folder(Path(folder), SourceMapping(time_zone="UTC")), None
        except DataRefused as error:
            reading, refused = None, error
    if reading is None:
        assert re.search("none of its|no row|5 % of the rows", refused.found)
        return
    for report in reading.report.files:
        rows = contents[report.table]
        aside = reading.report.set_aside[reading.report.set_aside["file"] == report.file]
        assert report.rows_in == len(rows)
        assert report.accepted == len(reading.tables[report.table])
        assert report.rows_in == report.accepted + sum(report.set_aside.values())
        assert len(aside) == aside["row"].nunique() == report.rows_in - report.accepted
        assert aside["row"].between(2, len(rows) + 1).all()
    assert reading.report.balance[0] == sum(map(len, contents.values()))


@pytest.fixture(scope="module")
def company():
    return simulate(SimulatorSettings(deals=400, seed=3, dirt=0.02))


@pytest.fixture(scope="module")
def soiled(company, tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    dirt = company.write(folder)
    return dirt, read_folder(folder)


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("activities", "opportunities", "accounts")])
def test_what_is_left_of_a_soiled_company_is_the_clean_company(company, soiled, name):
    pd.testing.assert_frame_equal(soiled[1].tables[name], company.tables[name])


def test_the_deals_and_touches_left_are_the_clean_ones_but_for_cells_that_were_edited(company, soiled):
    dirt, reading = soiled
    for name, key in (("opportunities", "opportunity_id"), ("accounts", "account_id")):
        edited = {spot.column for spot in dirt.spots if spot.table == name and not spot.added}
        left, clean = reading.tables[name], company.tables[name]
        pd.testing.assert_frame_equal(left.drop(columns=list(edited)), clean.drop(columns=list(edited)))
        assert left[key].is_unique
    early = {f"{spot.line}" for spot in dirt.of("activities", "before_creation")}
    assert len(reading.tables["activities"]) == len(company.tables["activities"]) + len(early)


def test_every_added_spot_is_set_aside_under_its_rule(soiled):
    dirt, reading = soiled
    aside = reading.report.set_aside.set_index(["file", "row"])["rule"]
    names = {
        "duplicate_row": "exact duplicate",
        "blank_id": "blank id",
        "amount_not_a_number": "not a number",
        "before_creation": "event before the deal's creation",
        "unknown_stage": "unknown stage",
        "unknown_deal": "event of an unknown deal",
    }
    expected = {
        (f"{spot.table}.csv", spot.line): names[spot.rule]
        for spot in dirt.spots
        if spot.added and (spot.table, spot.rule) != ("activities", "before_creation")  # real, so they are kept
    }
    assert aside.to_dict() == expected

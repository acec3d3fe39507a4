"""Written files hold the clean tables and exactly the dirt that is on record."""

import csv
import hashlib

import pandas as pd
import pytest

from crm.simulator import SimulatorSettings, simulate
from crm.simulator.dirt import RULES
from crm.tables import TABLES

SETTINGS = SimulatorSettings(deals=600, seed=9, dirt=0.02)


@pytest.fixture(scope="module")
def simulation():
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("company")


@pytest.fixture(scope="module")
def dirt(simulation, folder):
    return simulation.write(folder)


def rows_of(folder, name):
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def as_written(value, dtype):
    """A clean value as a file is expected to show it; written apart from the code that writes files."""
    if pd.isna(value):
        return ""
    if dtype == "datetime64[us, UTC]":
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if dtype == "datetime64[us]":
        return value.strftime("%Y-%m-%d")
    if dtype == "float64":
        return f"{value:.0f}"
    return str(value).lower() if dtype == "boolean" else value


@pytest.mark.parametrize("name", TABLES)
def test_without_the_recorded_dirt_the_file_is_the_clean_table(simulation, folder, dirt, name):
    header, *rows = rows_of(folder, name)
    clean = simulation.tables[name]
    assert header == list(clean.columns)
    spots = [spot for spot in dirt.spots if spot.table == name]
    added = {spot.line for spot in spots if spot.added}
    edited = {(spot.line, spot.column) for spot in spots if not spot.added}
    assert len({spot.line for spot in spots}) == len(spots), "no row is dirtied twice"
    left = [(line, row) for line, row in enumerate(rows, start=2) if line not in added]
    assert len(left) == len(clean)
    dtypes = [str(dtype) for dtype in clean.dtypes]
    found = set()
    for (line, row), values in zip(left, clean.itertuples(index=False), strict=True):
        expected = [as_written(value, dtype) for value, dtype in zip(values, dtypes, strict=True)]
        found |= {(line, column) for column, a, b in zip(header, row, expected, strict=True) if a != b}
    assert found == edited


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.table}-{rule.name}")
def test_each_spot_is_where_the_record_says_and_of_the_kind_it_says(simulation, folder, dirt, rule):
    header, *rows = rows_of(folder, rule.table)
    spots = dirt.of(rule.table, rule.name)
    share = SETTINGS.dirt * len(simulation.tables[rule.table])
    assert len(spots) == max(1, round(share / sum(other.table == rule.table for other in RULES)))
    for spot in spots:
        row = dict(zip(header, rows[spot.line - 2], strict=True))
        if spot.column:
            assert row[spot.column] == (spot.value or "")
        assert CHECKS[rule.name](row, simulation, rows[: spot.line - 2], rows[spot.line - 2])


def _is_number(text):
    return text.replace(".", "", 1).isdigit()


def _before_creation(row, simulation, *_):
    deals = simulation.tables["opportunities"].set_index("opportunity_id")["created_at"]
    at = pd.Timestamp(row.get("changed_at") or row["occurred_at"])
    return at < deals[row["opportunity_id"]]


CHECKS = {
    "duplicate_row": lambda row, simulation, before, itself: itself in before,
    "blank_id": lambda row, *_: row["opportunity_id"] == "",
    "amount_not_a_number": lambda row, *_: not _is_number(row.get("amount") or row["new_value"]),
    "odd_name": lambda row, *_: row["name"] in {"NA", "None", "null"} or not row["name"].isalnum(),
    "surrounding_spaces": lambda row, *_: any(v != v.strip() for v in row.values()),
    "missing_amount": lambda row, *_: row["amount"] == "",
    "before_creation": _before_creation,
    "unknown_stage": lambda row, simulation, *_: row["new_value"] not in set(simulation.tables["stages"]["stage"]),
    "unknown_deal": lambda row, simulation, *_: (
        row["opportunity_id"] not in set(simulation.tables["opportunities"]["opportunity_id"])
    ),
    "missing_direction": lambda row, *_: row["direction"] == "",
}


def test_what_a_reader_must_set_aside_is_an_added_row_with_an_id_of_its_own(folder, dirt):
    header, *rows = rows_of(folder, "activities")
    key = header.index("activity_id")
    duplicates = {spot.line for spot in dirt.of("activities", "duplicate_row")}
    ids = [row[key] for line, row in enumerate(rows, start=2) if line not in duplicates]
    assert len(ids) == len(set(ids))


def test_counts_add_up(dirt):
    counts = dirt.counts()
    assert sum(counts.values()) == len(dirt.spots)
    assert set(counts) == {(rule.table, rule.name) for rule in RULES}


def test_without_dirt_the_files_are_clean(tmp_path):
    simulation = simulate(SimulatorSettings(deals=100, dirt=0.0))
    assert simulation.write(tmp_path).spots == ()
    for name in TABLES:
        assert len(rows_of(tmp_path, name)) == len(simulation.tables[name]) + 1


def test_writing_leaves_the_tables_in_memory_clean(simulation, dirt):
    again = simulate(SETTINGS).tables
    for name in TABLES:
        pd.testing.assert_frame_equal(simulation.tables[name], again[name])


def _fingerprint(folder):
    files = sorted(folder.iterdir())
    return [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(folder, dirt, tmp_path):
    assert simulate(SETTINGS).write(tmp_path / "same") == dirt
    assert _fingerprint(tmp_path / "same") == _fingerprint(folder)
    simulate(SimulatorSettings(deals=600, seed=10, dirt=0.02)).write(tmp_path / "other")
    ours, other = dict(_fingerprint(folder)), dict(_fingerprint(tmp_path / "other"))
    assert set(ours) == set(other) == {*(f"{name}.csv" for name in TABLES), "README.md"}
    assert [name for name in ours if ours[name] == other[name]] == ["stages.csv"]


def test_the_readme_says_which_fields_are_fixed(folder, dirt):
    text = (folder / "README.md").read_text()
    for field in ("`type`", "`lead_source`", "`product`", "`region`"):
        assert field in text
    assert "600 deals" in text

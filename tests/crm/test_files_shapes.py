"""Which files are read, in whichever encoding and format they come, and the dtypes they end in."""

import gzip

import duckdb
import pandas as pd
import pytest

from crm.errors import DataRefused
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping, TableMapping
from crm.tables import OPPORTUNITIES, TABLES

ROWS = [
    "opportunity_id,created_at,stage,amount,close_date,is_won,name,Größe",
    "007,2024-01-02T03:04:05.678901Z,New,1500,2024-06-01,,Ärger & 🚀,groß",
    "8,2024-01-03T00:00:00+01:00,New,,,,,",
]
CSV = "\n".join(ROWS) + "\n"
EXPECTED_ID = ["007", "8"]


def encodings():
    quoted = CSV.replace("groß", '"gr""o,ß\r\nzwei"')
    yield "utf-8", CSV.encode(), "groß"
    yield "bom", CSV.encode("utf-8-sig"), "groß"
    yield "utf-16", CSV.encode("utf-16"), "groß"
    yield "utf-16-le without a mark", CSV.encode("utf-16-le"), "groß"
    yield "semicolon", CSV.replace(",", ";").encode(), "groß"
    yield "tab", CSV.replace(",", "\t").encode(), "groß"
    yield "bar", CSV.replace(",", "|").encode(), "groß"
    yield "crlf", CSV.replace("\n", "\r\n").encode(), "groß"
    yield "no last line end", CSV.rstrip("\n").encode(), "groß"
    yield "blank lines", (CSV + "\n\n").encode(), "groß"
    yield "quoted", quoted.encode(), 'gr"o,ß\r\nzwei'
    yield (
        "mixed line ends",
        quoted.replace("8,2024", "8,2024").replace("Größe\n", "Größe\r\n").encode(),
        'gr"o,ß\r\nzwei',
    )


@pytest.mark.parametrize(("content", "size"), [pytest.param(c, s, id=n) for n, c, s in encodings()])
def test_39_every_encoding_and_delimiter_gives_the_same_table(tmp_path, content, size):
    (tmp_path / "opportunities.csv").write_bytes(content)
    table = read_folder(tmp_path).tables["opportunities"]
    assert table["opportunity_id"].tolist() == EXPECTED_ID
    assert table["name"].iloc[0] == "Ärger & 🚀"
    assert table["Größe"].iloc[0] == size
    assert table["created_at"].iloc[0] == pd.Timestamp("2024-01-02T03:04:05.678901Z")


def test_39_gzip_is_read(tmp_path):
    (tmp_path / "opportunities.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    assert read_folder(tmp_path).tables["opportunities"]["opportunity_id"].tolist() == EXPECTED_ID


def test_39_undecodable_utf16_is_named_with_its_offset(tmp_path):
    (tmp_path / "opportunities.csv").write_bytes(CSV.encode("utf-16") + b"x")
    with pytest.raises(DataRefused, match="UTF-16"):
        read_folder(tmp_path)


def test_frames_have_the_contracts_columns_and_dtypes_then_custom_ones_as_text(tmp_path):
    (tmp_path / "opportunities.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "users.csv").write_text("user_id\n1\n\n2\n\n", encoding="utf-8")
    (tmp_path / "changes.csv").write_text("opportunity_id,changed_at,field\n", encoding="utf-8")
    reading = read_folder(tmp_path)
    assert reading.shape == "native"
    for name, frame in reading.tables.frames.items():
        contract = [(c.name, c.kind.dtype) for c in TABLES[name].columns]
        assert [(column, str(dtype)) for column, dtype in frame.dtypes.items()][: len(contract)] == contract
    deals = reading.tables["opportunities"]
    assert list(deals.columns[len(OPPORTUNITIES.columns) :]) == ["Größe"]
    assert str(deals["Größe"].dtype) == "str"
    assert reading.tables["users"]["user_id"].tolist() == ["1", "2"], "a blank line is no row"
    assert len(reading.tables["changes"]) == 0


def test_parquet_goes_through_the_same_rules(tmp_path):
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            "COPY (SELECT CAST(7 AS DOUBLE) AS opportunity_id, 'New' AS stage, "
            "TIMESTAMPTZ '2024-01-02 03:04:05.678901+02' AS created_at, "
            "CAST(1234.5 AS DECIMAL(10, 2)) AS amount, DATE '2024-06-01' AS close_date, "
            "CAST(NULL AS BOOLEAN) AS is_won, TIMESTAMP '2024-01-01' AS seen UNION ALL "
            "SELECT 8, 'New', '2024-01-02 00:00:00+00', -1, NULL, NULL, NULL) "
            f"TO '{tmp_path}/opportunities.parquet'"
        )
    reading = read_folder(tmp_path, SourceMapping(decimal=","))  # a locale says nothing about typed numbers
    deal = reading.tables["opportunities"].iloc[0]
    assert deal[["opportunity_id", "amount", "seen"]].tolist() == ["7", 1234.5, "2024-01-01 00:00:00"]
    assert deal["created_at"] == pd.Timestamp("2024-01-02T01:04:05.678901Z")
    assert reading.report.set_aside[["row", "rule", "value"]].values.tolist() == [[2, "negative amount", "-1.00"]]


def test_10_a_parquet_timestamp_without_zone_is_a_time_without_a_zone(tmp_path):
    with duckdb.connect() as con:
        con.execute(
            "COPY (SELECT 'D1' AS opportunity_id, TIMESTAMP '2024-01-02 03:04:05' AS created_at, 'New' AS stage) "
            f"TO '{tmp_path}/opportunities.parquet'"
        )
    with pytest.raises(DataRefused, match="a time without a zone") as refused:
        read_folder(tmp_path)
    assert refused.value.where == "opportunities.parquet, row 1, column created_at"
    assert len(read_folder(tmp_path, SourceMapping(time_zone="UTC")).tables["opportunities"]) == 1


def test_39_a_truncated_parquet_stops(tmp_path):
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT range AS opportunity_id FROM range(9999)) TO '{tmp_path}/opportunities.parquet'")
    whole = (tmp_path / "opportunities.parquet").read_bytes()
    (tmp_path / "opportunities.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataRefused, match="cannot be read as Parquet"):
        read_folder(tmp_path)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataRefused, match="no folder") as refused:
        read_folder(tmp_path / "nowhere")
    assert refused.value.where == str(tmp_path / "nowhere")
    assert refused.value.remedy


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "opportunities.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(DataRefused, match="a file, not a folder"):
        read_folder(tmp_path / "opportunities.csv")


def test_a_folder_without_deals_says_what_it_looked_for_and_what_it_found(tmp_path):
    (tmp_path / "pipeline.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(DataRefused, match=r"pipeline\.csv") as refused:
        read_folder(tmp_path)
    assert "Opportunity" in refused.value.expected
    assert "[tables.opportunities]" in refused.value.remedy


@pytest.mark.parametrize("second", ["opportunities.csv.gz", "Opportunity.parquet"])
def test_one_table_in_two_files_stops(tmp_path, second):
    (tmp_path / "opportunities.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / second).write_bytes(gzip.compress(CSV.encode()))
    with pytest.raises(DataRefused, match="hold the same table"):
        read_folder(tmp_path)


def test_a_file_that_no_table_is_named_after_is_noted(tmp_path):
    (tmp_path / "opportunities.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "activites.csv").write_text("activity_id\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("hello", encoding="utf-8")
    reading = read_folder(tmp_path)
    assert reading.report.notes[1:] == ("not read, for no table has their name: activites.csv",)


def test_names_and_values_with_quotes_are_no_sql(tmp_path):
    folder = tmp_path / 'it\'s "here"'
    folder.mkdir()
    text = (
        CSV.replace("Größe", 'x""\' y')
        .replace("name,", '"name\'; DROP",')
        .replace('x""', '"x""')
        .replace("' y", "' y\"")
    )
    (folder / "opportunities.csv").write_text(text, encoding="utf-8")
    mapping = SourceMapping(
        stage_aliases={"New": 'O\'Neil "stage"'},
        inbound_subject=("it's",),
        tables={"opportunities": TableMapping("opportunities.csv", {"name": "name'; DROP"}, {"name": {"'": "''"}})},
    )
    deals = read_folder(folder, mapping).tables["opportunities"]
    assert deals["stage"].tolist() == ['O\'Neil "stage"'] * 2
    assert deals["name"].iloc[0] == "Ärger & 🚀"
    assert deals["x\"' y"].iloc[0] == "groß"

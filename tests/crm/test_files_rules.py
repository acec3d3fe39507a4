"""Each rule of reading, through one dirty company and through folders of one wrong thing each."""

import gzip
from datetime import UTC, datetime

import pandas as pd
import pytest

from crm.errors import DataRefused
from crm.sources.files import read_folder
from crm.sources.mapping import SourceMapping

STAGES = "stage,position,is_closed,is_won\nNew,1,0,0\nOffer,2,0,0\nWon,3,1,1\nLost,4,1,0\n"
DEALS = "opportunity_id,created_at,stage,amount,close_date,closed_at,is_won,owner_id,name,Ticket No\n"
CHANGES = "opportunity_id,changed_at,field,old_value,new_value\n"
ACTIVITIES = "activity_id,opportunity_id,occurred_at,kind,direction,recorded_at,duration_minutes,subject\n"
T = "2024-03-01T09:00:00Z"
FAR = "2999-01-01T00:00:00Z"

# What each row of the dirty company is for stands in its last column, the rule that must set it aside
# ("" = none); the rows are written without it.
DIRTY_DEALS = [
    (f"0012,{T},New,100,2024-06-01,,,U1,NA,None", ""),
    (f"D2,{T},Won,1e3,2024-04-01,2024-04-02T10:00:00Z,yes,U1,=cmd|' /C calc'!A0,7", ""),
    (f"D3,{T},Lost,,,2024-04-03T10:00:00+02:00,FALSE,,🚀 <b>شركة</b>,", ""),
    (f"0012,{T},New,100,2024-06-01,,,U1,NA,None", "exact duplicate"),
    (f"D2,{T},Won,2e3,2024-04-01,2024-04-02T10:00:00Z,yes,U1,x,7", "same id, different content"),
    (f",{T},New,1,,,,,,", "blank id"),
    ("D7, ,New,1,,,,,,", "blank required value"),
    (f"D8,{T},Sleeping,1,,,,,,", "unknown stage"),
    ("D9,1970-01-01T00:00:00Z,New,1,,,,,,", "time before 1990"),
    (f"D10,{T},New,1,1900-01-01,,,,,", "time before 1990"),
    (f"D11,{FAR},New,1,,,,,,", "created in the future"),
    (f"D12,{T},New,-5,,,,,,", "negative amount"),
    (f"D13,{T},New,inf,,,,,,", "amount is infinite or not a number"),
    (f"D14,{T},New,NaN,,,,,,", "amount is infinite or not a number"),
    (f"D15,{T},New,12k?,,,,,,", "not a number"),
    (f"D16,{T},Won,1,,{T},0,,,", "both won and lost"),
    (f"D17,{T},Lost,1,,{T},1,,,", "both won and lost"),
    (f"D18,{T},New,1,,,1,,,", "both won and lost"),
    (f"D19,{T},Won,1,,2024-02-01T00:00:00Z,1,,,", "event before the deal's creation"),
    (f"D20,{T},Won,1,,,1,,,", "closed, but not known when"),
    (f"D21,{T},New,1,,,maybe,,,", "neither yes nor no"),
    ("D22,2024-13-01T00:00:00Z,New,1,,,,,,", "not a time"),
    (f"D23,{T},New,1,2024-02-30,,,,,", "not a day"),
    (f"D24,{T},New,1,,,,,a\0b,", "NUL character or cell over 10 MB"),
    (f"D25,{T},New", "short row"),
    (f'D30,{T},New,-1,,,,,"two\nlines",', "negative amount"),
    (f"D31,{T}", "short row"),
    (f"D32,{T},New,-1,,,,,,", "negative amount"),
    (" D26 ,2024-03-01 09:00:00+0000,Lost,5,2099-12-31T00:00:00Z,,,U2,kept  ,\xa0", ""),
    ("D27,2024-03-01T09:00:00.123456789Z,New,5,,,0,U2,,", ""),
    (f"D28,{T},New,5,,2024-03-05T00:00:00Z,0,U2,,", ""),
    (f"D29,{T},Offer,5,,2024-03-05T00:00:00Z,,U2,,", ""),
    *((f"F{i},{T},New,5,2024-06-01,,,U2,,", "") for i in range(20)),
]
DIRTY_CHANGES = [
    ("0012,2024-03-02T09:00:00Z,stage,New,Offer", ""),
    ("0012,2024-03-02T09:00:00Z,stage,Offer,New", ""),
    ("0012,2024-03-02T09:00:00Z,stage,New,Offer", ""),  # to and fro within an instant is no duplicate
    ("0012,2024-03-02T09:00:00Z,stage,New,Offer", "exact duplicate"),
    ("D26,2024-03-10T09:00:00Z,stage,New,Lost", ""),
    ("D28,2024-03-06T09:00:00Z,stage,Lost,New", ""),
    ("0012,2024-02-28T09:00:00Z,stage,New,Offer", "event before the deal's creation"),
    ("0012,2024-03-01T08:30:00Z,next_step,,call", ""),  # within the hour that clocks may differ by
    ("0012,2024-03-03T09:00:00Z,stage,New,Sleeping", "unknown stage"),
    ("0012,2024-03-03T09:00:00Z,amount,100.50,200.0", ""),
    ("0012,2024-03-03T09:00:00Z,amount,100,TBD", "not a number"),
    ("0012,2024-03-03T09:00:00Z,close_date,2024-06-01T00:00:00Z,2024-7-1", ""),
    ("0012,2024-03-03T09:00:00Z,close_date,,soon", "not a day"),
    ("0012,2024-03-03T09:00:00Z,close_date,,2099-12-31", ""),
    ("0012,2024-03-03T09:00:00Z,Colour,red, TBD ", ""),
    ("D99,2024-03-03T09:00:00Z,stage,New,Offer", "event of an unknown deal"),
    ("D12,2024-03-03T09:00:00Z,stage,New,Offer", "event of a deal that was set aside"),
    ("0012,2024-03-03T09:00:00Z,,New,Offer", "blank required value"),
    *((f"F{i},2024-03-04T09:00:00Z,stage,New,Offer", "") for i in range(20)),
]
DIRTY_ACTIVITIES = [
    ("a1,0012,2024-01-01T00:00:00Z,email,,,,[Email] [In] Re: hello", ""),  # work before the deal is real
    ("a2,0012,2024-03-02T10:00:00Z, Call ,OUTBOUND,,12.5,", ""),
    (f"a3,0012,{FAR},meeting,,2024-03-02T10:00:00Z,,", ""),  # planned: held back until due
    ("a3,0012,2024-03-02T10:00:00Z,email,,,,", "same id, different content"),
    (",0012,2024-03-02T10:00:00Z,email,,,,x", ""),
    (",0012,2024-03-02T10:00:00Z,email,,,,y", ""),
    (",0012,2024-03-02T10:00:00Z,email,,,,y", "exact duplicate"),
    ("a8,,2024-03-02T10:00:00Z,email,,,,", "blank id"),
    ("a9,D99,2024-03-02T10:00:00Z,email,,,,", "event of an unknown deal"),
    ("a10,D25,2024-03-02T10:00:00Z,email,,,,", "event of an unknown deal"),
]


def rows(lines):
    return "".join(line + "\n" for line, _ in lines)


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    folder = write(
        tmp_path_factory.mktemp("dirty"),
        stages=STAGES,
        opportunities=DEALS + rows(DIRTY_DEALS),
        changes=CHANGES + rows(DIRTY_CHANGES),
        activities=ACTIVITIES + rows(DIRTY_ACTIVITIES),
    )
    return read_folder(folder)


def deal(reading, key):
    deals = reading.tables["opportunities"]
    return deals[deals["opportunity_id"] == key].iloc[0]


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("opportunities.csv", DIRTY_DEALS),
        ("changes.csv", DIRTY_CHANGES),
        ("activities.csv", DIRTY_ACTIVITIES),
    ],
)
def test_exactly_the_rows_meant_are_set_aside_with_their_row_and_rule(reading, file, lines):
    aside = reading.report.set_aside
    found = aside.loc[aside["file"] == file, ["row", "rule"]].itertuples(index=False, name=None)
    assert list(found) == [(row, rule) for row, (_, rule) in enumerate(lines, start=2) if rule]


def test_each_row_set_aside_has_its_column_value_and_remedy(reading):
    aside = reading.report.set_aside.set_index(["file", "row"])
    place = {line.split(",")[0].strip(): row for row, (line, _) in enumerate(DIRTY_DEALS, start=2)}
    shown = {
        key: tuple(aside.loc[("opportunities.csv", place[key]), ["column", "value"]])
        for key in place
        if key in ("D8", "D12", "D15", "D21", "D22")
    }
    assert shown == {
        "D8": ("stage", "Sleeping"),
        "D12": ("amount", "-5"),
        "D15": ("amount", "12k?"),
        "D21": ("is_won", "maybe"),
        "D22": ("created_at", "2024-13-01T00:00:00Z"),
    }
    assert (aside["remedy"].str.len() > 5).all()


def test_rows_in_are_rows_accepted_and_set_aside(reading):
    rows_in, accepted, aside = reading.report.balance
    assert rows_in == len(DIRTY_DEALS) + len(DIRTY_CHANGES) + len(DIRTY_ACTIVITIES) + 4
    assert aside == len(reading.report.set_aside)
    assert accepted == sum(len(reading.tables[name]) for name in ("opportunities", "changes", "activities", "stages"))


def test_05_an_id_with_zeros_in_front_stays_text(reading):
    assert reading.tables["opportunities"]["opportunity_id"].iloc[0] == "0012"


def test_09_times_in_other_zones_become_utc(reading):
    assert deal(reading, "D3")["closed_at"] == datetime(2024, 4, 3, 8, tzinfo=UTC)
    report = next(f for f in reading.report.files if f.file == "opportunities.csv")
    assert report.normalised["times converted to UTC"] == 1


def test_15_a_close_date_of_2099_is_missing_and_counted(reading):
    assert pd.isna(deal(reading, "D26")["close_date"])
    report = next(f for f in reading.report.files if f.file == "opportunities.csv")
    assert report.normalised["close dates more than 20 years ahead, read as missing"] == 1
    changes = reading.tables["changes"]
    late = changes[(changes["field"] == "close_date") & changes["old_value"].isna()]
    assert late["new_value"].isna().tolist() == [True]


def test_17_an_event_in_the_future_is_kept_with_its_time(reading):
    activities = reading.tables["activities"].set_index("activity_id")
    assert activities.loc["a3", "occurred_at"] == pd.Timestamp(FAR)


def test_18_events_of_one_instant_keep_the_order_of_the_file(reading):
    changes = reading.tables["changes"]
    stages = changes[(changes["opportunity_id"] == "0012") & (changes["field"] == "stage")]
    assert stages["new_value"].tolist() == ["Offer", "New", "Offer"]


def test_20_a_missing_amount_stays_missing(reading):
    assert pd.isna(deal(reading, "D3")["amount"])


def test_25_a_deal_that_left_its_closed_stage_is_open_again(reading):
    reopened = deal(reading, "D28")
    assert pd.isna(reopened["closed_at"])
    assert reopened["is_won"] is pd.NA


def test_29_closing_times_and_outcomes_come_from_history_and_stage(reading):
    lost = deal(reading, "D26")
    assert lost["closed_at"] == datetime(2024, 3, 10, 9, tzinfo=UTC)
    assert lost["is_won"] is False or lost["is_won"] == False  # noqa: E712


def test_while_a_deal_is_open_neither_time_nor_outcome_stands(reading):
    for key in ("D27", "D29"):
        assert pd.isna(deal(reading, key)["closed_at"])
        assert deal(reading, key)["is_won"] is pd.NA


def test_36_text_is_kept_byte_for_byte(reading):
    assert deal(reading, "D2")["name"] == "=cmd|' /C calc'!A0"
    assert deal(reading, "D3")["name"] == "🚀 <b>شركة</b>"
    assert deal(reading, "D26")["name"] == "kept  "
    changes = reading.tables["changes"]
    assert changes.loc[changes["field"] == "Colour", "new_value"].tolist() == [" TBD "]


def test_37_na_and_none_are_names(reading):
    assert deal(reading, "0012")[["name", "Ticket No"]].tolist() == ["NA", "None"]


def test_blank_and_whitespace_are_missing_and_ids_are_trimmed(reading):
    assert pd.isna(deal(reading, "D26")["Ticket No"])
    assert pd.isna(deal(reading, "D3")["owner_id"])


def test_values_of_changes_are_plain_numbers_and_iso_days(reading):
    changes = reading.tables["changes"]
    values = {
        f: changes.loc[changes["field"] == f, ["old_value", "new_value"]].iloc[0].tolist()
        for f in ("amount", "close_date")
    }
    assert values == {"amount": ["100.5", "200"], "close_date": ["2024-06-01", "2024-07-01"]}


def test_directions_come_from_the_column_else_from_the_subject(reading):
    activities = reading.tables["activities"].set_index("activity_id")
    assert activities.loc["a1", "direction"] == "inbound"
    assert activities.loc["a2", ["direction", "kind"]].tolist() == ["outbound", "Call"]
    assert pd.isna(activities.loc["a3", "direction"])


def test_activities_before_the_deal_are_counted(reading):
    report = next(f for f in reading.report.files if f.file == "activities.csv")
    assert report.normalised["activities before the deal's creation, kept"] == 1


# --- rules that stop ---------------------------------------------------------------------------------

ONE_DEAL = DEALS + f"D1,{T},New,1,,,,,,\n"


def one_deal(created=T, amount="1", close_date="", header=DEALS):
    return f'{header}D0,{T},New,1,,,,,,\nD1,{created},New,"{amount}",{close_date},,,,,\n'


@pytest.mark.parametrize(
    ("opportunities", "place", "found", "remedy"),
    [
        pytest.param(
            one_deal(created="2024-03-01 09:00:00"),
            "row 3, column created_at",
            "'2024-03-01 09:00:00' is a time without a zone",
            'time_zone = "UTC"',
            id="10 time without a zone",
        ),
        pytest.param(
            one_deal(created="2024-03-01"),
            "row 3, column created_at",
            "time without a zone",
            "time_zone",
            id="10 day for a time",
        ),
        pytest.param(
            one_deal(close_date="03/04/2024"),
            "row 3, column close_date",
            "day first or month first",
            'date_format = "%d/%m/%Y"',
            id="12 day or month first",
        ),
        pytest.param(
            one_deal(close_date="45352"),
            "row 3, column close_date",
            "Excel serial",
            "excel",
            id="13 Excel serial day",
        ),
        pytest.param(
            one_deal(amount="1.234,56"),
            "row 3, column amount",
            "'1.234,56'",
            'decimal = ","',
            id="21 undeclared locale",
        ),
        pytest.param(
            one_deal(amount="1,234"),
            "row 3, column amount",
            "'1,234'",
            "decimal",
            id="21 thousands or decimals",
        ),
        pytest.param(
            DEALS.replace("name,", "amount,") + "1\n",
            "opportunities.csv, line 1",
            "'amount' twice",
            "rename",
            id="40 duplicate header",
        ),
        pytest.param(
            ONE_DEAL + f"D2,{T},New,1,,,,,,,extra\n",
            "opportunities.csv, row 3",
            "more fields",
            "quote",
            id="40 extra field",
        ),
        pytest.param(
            ONE_DEAL + f'D2,{T},New,1,,,,,"open,\n' + ONE_DEAL,
            "opportunities.csv, row 3",
            "quote",
            "quote",
            id="40 open quote",
        ),
        pytest.param(
            ONE_DEAL.encode() + b"D2,2024-\xff\n",
            "opportunities.csv, line 3",
            f"byte 0xff at offset {len(ONE_DEAL) + 8}",
            "UTF-8",
            id="39 bad bytes",
        ),
        pytest.param(DEALS, "opportunities.csv", "no row", "export", id="31 empty table"),
        pytest.param("", "opportunities.csv", "empty", "export", id="31 empty file"),
        pytest.param(
            DEALS + f",{T},New,1,,,,,,\n",
            "opportunities.csv, row 2",
            "none of its 1 rows",
            "give the row its id",
            id="31 nothing left",
        ),
        pytest.param(
            "deal,created_at,stage\n",
            "opportunities.csv",
            "'opportunity_id'",
            "map",
            id="header without needed columns",
        ),
    ],
)
def test_it_stops_and_says_what_where_and_what_to_do(tmp_path, opportunities, place, found, remedy):
    with pytest.raises(DataRefused) as refused:
        read_folder(write(tmp_path, opportunities=opportunities))
    assert place in refused.value.where
    assert found in refused.value.found
    assert remedy in refused.value.remedy


def test_07_more_than_five_percent_unknown_stages_stop(tmp_path):
    deals = "".join(f"D{i},{T},{'Nurture' if i < 2 else 'New'},1,,,,,,\n" for i in range(30))
    with pytest.raises(DataRefused, match=r"'Nurture' \(2 rows\)") as refused:
        read_folder(write(tmp_path, opportunities=DEALS + deals, stages=STAGES))
    assert "row 2" in refused.value.where
    assert "stage_aliases" in refused.value.remedy


def test_08_a_renamed_stage_is_read_by_its_alias(tmp_path):
    folder = write(
        tmp_path,
        opportunities=DEALS + f"D1,{T},Quoted,1,,,,,,\n",
        changes=CHANGES + "D1,2024-03-02T09:00:00Z,stage,New,Quoted\nD1,2024-03-02T09:00:00Z,name,New,Quoted\n",
        stages=STAGES,
    )
    reading = read_folder(folder, SourceMapping(stage_aliases={"Quoted": "Offer"}))
    assert reading.tables["opportunities"]["stage"].tolist() == ["Offer"]
    assert reading.tables["changes"]["new_value"].tolist() == ["Offer", "Quoted"]
    assert [f.normalised.get("values renamed by an alias") for f in reading.report.files[:2]] == [1, 1]


def test_10_a_declared_zone_is_taken_and_11_the_hour_that_occurs_twice_is_counted(tmp_path):
    deals = (
        "D1,2024-03-01 09:00,New,1,,,,,,\nD2,2023-10-29 02:30:00,New,1,,,,,,\nD3,2024-07-01,Won,1,,2024-07-02,1,,,\n"
    )
    reading = read_folder(write(tmp_path, opportunities=DEALS + deals), SourceMapping(time_zone="Europe/Berlin"))
    created = reading.tables["opportunities"]["created_at"].dt.strftime("%Y-%m-%dT%H:%M").tolist()
    assert created == ["2024-03-01T08:00", "2023-10-29T01:30", "2024-06-30T22:00"]
    closed = reading.tables["opportunities"]["closed_at"].iloc[2]
    assert closed == pd.Timestamp("2024-07-02T21:59:59.999999Z"), "what happened on a day is known at its end"
    assert reading.report.files[0].normalised["hours that occur twice"] == 1


def test_12_13_21_declared_formats_are_read(tmp_path):
    deals = DEALS + "\n".join(
        [
            f'D1,{T},New,"1.234.567,50",25/12/2024,,,,,',
            f'D2,{T},New,"0,5",3/4/2024,,,,,',
            f"D3,{T},New,7,2024-05-06,,,,,",
            "",
        ]
    )
    declared = SourceMapping(decimal=",", date_format="%d/%m/%Y")
    table = read_folder(write(tmp_path, opportunities=deals), declared).tables["opportunities"]
    assert table["amount"].tolist() == [1234567.5, 0.5, 7.0]
    assert table["close_date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-12-25", "2024-04-03", "2024-05-06"]
    serial = DEALS + f"D1,{T},New,1,45352,,,,,\n"
    table = read_folder(write(tmp_path, opportunities=serial), SourceMapping(date_format="excel")).tables[
        "opportunities"
    ]
    assert table["close_date"].tolist() == [pd.Timestamp("2024-03-01")]


def test_21_a_number_that_contradicts_the_declared_locale_stops(tmp_path):
    with pytest.raises(DataRefused, match=r"'1234\.56'"):
        read_folder(write(tmp_path, opportunities=one_deal(amount="1234.56")), SourceMapping(decimal=","))


def test_21_unmistakable_thousands_marks_are_read_and_counted(tmp_path):
    reading = read_folder(write(tmp_path, opportunities=one_deal(amount="1,234,567.5")))
    assert reading.tables["opportunities"]["amount"].tolist() == [1, 1234567.5]
    assert reading.report.files[0].normalised["thousands marks removed"] == 1


def test_38_a_cell_over_ten_megabytes_is_set_aside(tmp_path):
    huge = ONE_DEAL + f"D2,{T},New,1,,,,,{'x' * 10_500_000},\nD3,{T},New,1,,,,,,\n"
    reading = read_folder(write(tmp_path, opportunities=huge))
    assert reading.tables["opportunities"]["opportunity_id"].tolist() == ["D1", "D3"]
    assert reading.report.set_aside[["row", "rule"]].values.tolist() == [[3, "NUL character or cell over 10 MB"]]


def test_39_a_truncated_gzip_stops(tmp_path):
    whole = gzip.compress((DEALS + "".join(f"D{i},{T},New,{i},,,,,,\n" for i in range(2000))).encode())
    (tmp_path / "opportunities.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataRefused, match=r"breaks off or is damaged after \d+ bytes"):
        read_folder(tmp_path)

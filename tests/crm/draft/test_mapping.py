"""Files of unknown names: which is which is told by names, by values, and by what they join."""

import duckdb
import pytest

from crm.draft.look import look_at
from crm.draft.mapping import draft_tables
from crm.draft.profile import profiled
from crm.errors import DataRefused

DEALS = 120
STAGES = ("Engaging", "Won", "Lost")


def pipeline(expects=False):
    """A pipeline of one file; `expects`: its close date is what people expect, and open deals have one too."""
    rows = ["Deal Nr,Phase,Engage Date,Close Date,Value,Rep,Customer,Product"]
    for i in range(DEALS):
        stage = STAGES[i % 3]
        closed = expects or stage != "Engaging"
        day = f"2024-{1 + i % 12:02}-{1 + i % 28:02}"
        product = ("GTXPro", "Basic")[i % 2]
        close = f"2025-{1 + i % 12:02}-11" if closed else ""
        rows.append(f"D{i:04},{stage},{day},{close},{i * 10 if closed else ''},Rep {i % 7},Co {i % 11},{product}")
    return rows


def write(folder, **files):
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


COMPANIES = ["Customer,Sector,Location"] + [f"Co {i},Trade,DE" for i in range(11)]
PEOPLE = ["Rep,Manager"] + [f"Rep {i},Boss" for i in range(7)]
LOG = ["Deal,When,What,Who"] + [f"D{i:04},2024-05-01 10:00,call,Rep 1" for i in range(60)]
MOVES = ["Deal,Date,Property,From,To"] + [f"D{i:04},2024-05-02 10:00,Phase,New,Engaging" for i in range(60)]
PRODUCTS = ["Product,Price", "GTX Pro,5", "Basic,1"]


@pytest.fixture
def drafts(tmp_path):
    log = ["Deal,Timestamp,Type,User", *LOG[1:]]
    write(tmp_path, pipeline=pipeline(), firms=COMPANIES, staff=PEOPLE, log=log, moves=MOVES, products=PRODUCTS)
    look = look_at(tmp_path)
    return look, {draft.table: draft for draft in look.drafts}


def test_each_file_is_told_by_its_columns_and_by_what_it_joins(drafts):
    look, tables = drafts
    assert {table: draft.profile.file for table, draft in tables.items()} == {
        "opportunities": "pipeline.csv",
        "changes": "moves.csv",
        "activities": "log.csv",
        "accounts": "firms.csv",
        "users": "staff.csv",
    }
    assert look.unread == ("products.csv",)
    assert tables["opportunities"].columns == {
        "opportunity_id": "Deal Nr",
        "created_at": "Engage Date",
        "stage": "Phase",
        "amount": "Value",
        "closed_at": "Close Date",
        "account_id": "Customer",
        "owner_id": "Rep",
        "product": "Product",
    }
    assert tables["changes"].columns["field"] == "Property"
    assert tables["activities"].columns["occurred_at"] == "Timestamp"
    assert tables["accounts"].columns == {"account_id": "Customer", "industry": "Sector", "country": "Location"}
    assert tables["users"].why[""] == "100% of the deals' Rep are in it"


def test_the_draft_reads_the_data(drafts):
    look, _ = drafts
    deals = look.reading.tables["opportunities"]
    assert len(deals) == DEALS
    assert deals["is_won"].sum() == DEALS / 3
    assert look.reading.tables["stages"]["stage"].tolist() == ["New", "Engaging", "Won", "Lost"]


def test_a_value_that_another_file_spells_otherwise_is_named_as_there(drafts):
    _, tables = drafts
    assert tables["opportunities"].values == {"product": {"GTXPro": "GTX Pro"}}


def test_a_close_date_that_open_deals_have_too_is_what_people_expect(tmp_path):
    look = look_at(write(tmp_path, pipeline=pipeline(expects=True)))
    (deals,) = look.drafts
    assert deals.columns["close_date"] == "Close Date"
    assert "closed_at" not in deals.columns


def test_what_is_filled_at_the_end_only_is_said_with_its_counts(drafts):
    _, tables = drafts
    assert tables["opportunities"].why["amount"] == "filled only on closed deals: 80 of 80, and 0 of 40 open ones"


def test_columns_of_odd_names_are_told_by_their_values(tmp_path):
    rows = [row.replace("Deal Nr,Phase,Engage Date", "xa,xb,xc") for row in pipeline()]
    (deals,) = look_at(write(tmp_path, things=rows)).drafts
    assert (deals.columns["opportunity_id"], deals.columns["stage"], deals.columns["created_at"]) == ("xa", "xb", "xc")


def test_where_no_file_looks_like_deals_that_is_said(tmp_path):
    with pytest.raises(DataRefused, match=r"firms\.csv") as refused:
        look_at(write(tmp_path, firms=COMPANIES))
    assert "stage" in refused.value.expected
    with pytest.raises(DataRefused, match="no folder"):
        look_at(tmp_path / "nowhere")


def test_a_file_that_joins_no_deal_is_no_table_of_theirs(tmp_path):
    other = [row.replace("D0", "Z9") for row in ("Deal,Timestamp,Type,User", *LOG[1:])]
    write(tmp_path, pipeline=pipeline(), log=other)
    with duckdb.connect() as con:
        files = [profiled(con, path, path.stem, i) for i, path in enumerate(sorted(tmp_path.glob("*.csv")))]
        assert [draft.table for draft in draft_tables(con, files)] == ["opportunities"]


def test_an_empty_file_is_no_obstacle(tmp_path):
    look = look_at(write(tmp_path, pipeline=pipeline(), notes=["Deal,Timestamp,Type"], broken=['a,b\n"x']))
    assert set(look.unread) == {"notes.csv", "broken.csv"}

"""A folder staged in parts on disk: the same rows, facts, report and refusals as reading it whole, deal by deal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from crm.errors import DataRefused
from crm.history import data_through
from crm.parts import OF_DEALS, Parts
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import Reading, read_folder
from crm.sources.mapping import SourceMapping, TableMapping
from crm.sources.staging import Staged, stage_folder
from tests.crm import test_files_rules as dirty
from tests.crm import test_salesforce_files as salesforce
from tests.histories import millis

DECLARED = SourceMapping(fixed=frozenset({"region"}))
ROWS_A_PART = {"simulated": 700, "dirty": 20, "salesforce": 5}


def simulated(folder: Path) -> Path:
    simulate(SimulatorSettings(deals=150, seed=3, dirt=0.02)).write(folder)
    return folder


def soiled(folder: Path) -> Path:
    return dirty.write(
        folder,
        stages=dirty.STAGES,
        opportunities=dirty.DEALS + dirty.rows(dirty.DIRTY_DEALS),
        changes=dirty.CHANGES + dirty.rows(dirty.DIRTY_CHANGES),
        activities=dirty.ACTIVITIES + dirty.rows(dirty.DIRTY_ACTIVITIES),
    )


def exported(folder: Path) -> Path:
    return salesforce.write(folder, salesforce.EXPORT)


class Both(NamedTuple):
    """A folder read whole, and staged in parts."""

    name: str
    folder: Path
    whole: Reading
    staged: Staged

    @property
    def parts(self) -> Parts:
        return self.staged.parts


MADE: dict[str, Callable[[Path], Path]] = {"simulated": simulated, "dirty": soiled, "salesforce": exported}


@pytest.fixture(scope="module", params=MADE)
def both(request, tmp_path_factory) -> Both:
    folder = MADE[request.param](tmp_path_factory.mktemp(request.param))
    into = tmp_path_factory.mktemp("parts")
    staged = stage_folder(folder, into, ROWS_A_PART[request.param], DECLARED, memory=1)
    return Both(request.param, folder, read_folder(folder, DECLARED), staged)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in an order that does not depend on how they came."""
    return frame.sort_values(list(frame), ignore_index=True)


def test_every_row_stands_in_exactly_one_part(both):
    assert len(both.parts) > 2, "or this would show nothing"
    for table in OF_DEALS:
        if both.whole.tables.has(table):
            together = pd.concat([part[table] for part in both.parts], ignore_index=True)
            pd.testing.assert_frame_equal(in_order(together), in_order(both.whole.tables[table]))
        else:
            assert table not in both.parts.present


def test_what_belongs_to_a_deal_stands_in_its_part(both):
    for number, part in enumerate(both.parts):
        ids = set(part["opportunities"]["opportunity_id"])
        for table in OF_DEALS[1:]:
            of_deals = part[table]["opportunity_id"]
            assert set(of_deals.dropna()) <= ids
            assert number == 0 or of_deals.notna().all(), "leads that became no deal stand in the first part"


def test_part_after_part_deals_stand_in_the_order_of_their_ids(both):
    ids = [key for part in both.parts for key in sorted(part["opportunities"]["opportunity_id"])]
    assert ids == sorted(both.whole.tables["opportunities"]["opportunity_id"])


def test_parts_hold_about_as_many_rows_as_asked_for(both):
    rows = [sum(len(part[table]) for table in ("opportunities", "changes", "activities")) for part in both.parts]
    of_a_deal = both.whole.tables["activities"]["opportunity_id"].value_counts().max()
    of_a_deal += both.whole.tables["changes"]["opportunity_id"].value_counts().max()
    assert max(rows) <= ROWS_A_PART[both.name] + of_a_deal + 1


def test_columns_and_dtypes_are_those_of_the_contract(both):
    empty = both.parts.without_rows()
    for part in (*both.parts, empty):
        for table, frame in part.frames.items():
            pd.testing.assert_series_equal(frame.dtypes, both.whole.tables[table].dtypes)
    assert {table: len(empty[table]) for table in both.parts.present} == dict.fromkeys(both.parts.present, 0)


def test_the_tables_that_are_no_deals_stand_in_every_part_whole(both):
    shared = [table for table in both.whole.tables.frames if table not in OF_DEALS]
    assert "stages" in shared
    for part in (both.parts.part(0), both.parts.part(len(both.parts) - 1), both.parts.without_rows()):
        for table in shared:
            pd.testing.assert_frame_equal(part[table], both.whole.tables[table])


def test_every_part_knows_the_facts_of_the_whole(both):
    assert both.parts.facts == both.whole.tables.facts
    assert all(part.facts == both.whole.tables.facts for part in both.parts)
    assert both.parts.without_rows().facts == both.whole.tables.facts
    assert both.parts.fixed == both.parts.part(1).fixed == both.whole.tables.fixed == {"region"}


def test_the_report_and_the_shape_are_those_of_reading_it_whole(both):
    ours, theirs = both.staged.report, both.whole.report
    assert (ours.files, ours.notes, ours.balance) == (theirs.files, theirs.notes, theirs.balance)
    assert theirs.balance[2] > 0, "or nothing that was set aside was compared"
    pd.testing.assert_frame_equal(ours.set_aside, theirs.set_aside)
    assert both.staged.shape == both.whole.shape


def test_how_far_the_data_reach_is_what_the_whole_tells(both):
    assert both.staged.through == data_through(both.whole.tables)


@pytest.mark.parametrize(("later", "reach"), [(0, "2024-03-09T10:00:00.124"), (-1, "2024-03-01T09:00:00")])
def test_what_is_dated_after_now_tells_nothing_of_how_far_they_reach(tmp_path, later, reach):
    (tmp_path / "in").mkdir()
    deals = dirty.DEALS + f"D1,{dirty.T},New,1,,,,,,\n"
    touches = dirty.ACTIVITIES + "a1,D1,2024-03-02T10:00:00Z,email,,2024-03-09T10:00:00.123456Z,,\n"
    folder = dirty.write(tmp_path / "in", opportunities=deals, activities=touches)
    recorded = millis("2024-03-09T10:00:00.124")  # rounded up
    assert stage_folder(folder, tmp_path / "parts", 10, now=recorded + later).through == millis(reach)


def test_where_all_fits_into_one_part_there_is_one(tmp_path):
    whole = read_folder(soiled_in(tmp_path))
    parts = stage_folder(tmp_path / "in", tmp_path / "parts", 10**9).parts
    assert len(parts) == len(list(parts)) == 1
    pd.testing.assert_frame_equal(in_order(parts.part(0)["changes"]), in_order(whole.tables["changes"]))


def soiled_in(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return soiled(tmp_path / "in")


def test_a_deal_larger_than_a_part_is_not_cut_and_leaves_an_empty_part_behind_it(tmp_path):
    (tmp_path / "in").mkdir()
    deals = dirty.DEALS + "".join(f"D{i},{dirty.T},New,1,,,,,,\n" for i in range(3))
    touches = dirty.ACTIVITIES + "".join(f"a{i},D0,2024-03-02T10:00:00Z,email,,,,\n" for i in range(50))
    folder = dirty.write(tmp_path / "in", opportunities=deals, activities=touches)
    parts = stage_folder(folder, tmp_path / "parts", 10).parts
    rows = [(part["opportunities"]["opportunity_id"].tolist(), len(part["activities"])) for part in parts]
    assert rows[0] == (["D0"], 50)
    assert ([], 0) in rows
    assert [key for ids, _ in rows for key in ids] == ["D0", "D1", "D2"]
    assert parts.part(1)["opportunities"].dtypes.equals(parts.part(0)["opportunities"].dtypes)


def test_a_table_without_a_row_left_is_as_good_as_absent(tmp_path):
    (tmp_path / "in").mkdir()
    folder = dirty.write(tmp_path / "in", opportunities=dirty.ONE_DEAL, changes=dirty.CHANGES)
    parts = stage_folder(folder, tmp_path / "parts", 10).parts
    assert parts.present == ("opportunities",)
    assert not parts.part(0).has("changes")
    assert list(parts.part(0)["changes"]) == list(read_folder(folder).tables["changes"])


def test_columns_of_ones_own_keep_their_names(tmp_path):
    (tmp_path / "in").mkdir()
    text = 'opportunity_id,created_at,stage,a.b,with blank,"q""uote",Größe\n'
    text += "".join(f"D{i},2024-01-0{i}T00:00:00Z,New,{i},b,c,d\n" for i in range(1, 6))
    folder = dirty.write(tmp_path / "in", opportunities=text)
    staged, whole = stage_folder(folder, tmp_path / "parts", 2), read_folder(folder)
    assert list(whole.tables["opportunities"])[-4:] == ["a.b", "with blank", 'q"uote', "Größe"]
    together = pd.concat([part["opportunities"] for part in staged.parts], ignore_index=True)
    pd.testing.assert_frame_equal(in_order(together), in_order(whole.tables["opportunities"]))
    assert ("opportunities", "a.b") in staged.parts.facts.given


OWN = ("dealcast_part", "_file", "_row", "_seq", "_hash", "_deal", "c_0", "x_1", "Stage", "STAGE", "rowid", "p.number")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_of_ones_own_may_be_called_anything(tmp_path, ending):
    rows = [{"opportunity_id": f"D{i}", "created_at": dirty.T, "stage": "New"} for i in range(6)]
    deals = pd.DataFrame([{**row, **{name: f"{name} {i}" for name in OWN}} for i, row in enumerate(rows)])
    (tmp_path / "day=1").mkdir()
    folder = dirty.write(tmp_path / "day=1", stages=dirty.STAGES)
    if ending == "csv":
        deals.to_csv(folder / "opportunities.csv", index=False)
    else:
        deals.to_parquet(folder / "opportunities.parquet")
    staged, whole = stage_folder(folder, tmp_path / "parts", 2), read_folder(folder)
    found = whole.tables["opportunities"]
    assert tuple(found)[-len(OWN) :] == OWN
    assert found[["stage", *OWN]].to_numpy().tolist() == deals[["stage", *OWN]].to_numpy().tolist()
    assert len(staged.parts) == 3
    together = pd.concat([part["opportunities"] for part in staged.parts], ignore_index=True)
    pd.testing.assert_frame_equal(in_order(together), in_order(found))
    assert list(staged.parts.without_rows()["opportunities"]) == list(found)
    assert staged.parts.facts == whole.tables.facts


def test_a_column_called_as_one_that_is_read_from_elsewhere_is_told_apart_from_every_other(tmp_path):
    (tmp_path / "in").mkdir()
    text = f"opportunity_id,created_at,phase,stage,stage (source)\nD1,{dirty.T},New,a,b\n"
    folder = dirty.write(tmp_path / "in", opportunities=text)
    mapped = SourceMapping(tables={"opportunities": TableMapping("opportunities.csv", {"stage": "phase"})})
    deals = read_folder(folder, mapped).tables["opportunities"]
    assert deals.filter(like="stage").loc[0].to_dict() == {
        "stage": "New",
        "stage (source) (source)": "a",
        "stage (source)": "b",
    }


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"opportunities": dirty.DEALS},
        {"opportunities": dirty.DEALS + f",{dirty.T},New,1,,,,,,\n"},
        {"opportunities": dirty.DEALS + "D1,2024-03-01 09:00,New,1,,,,,,\n"},
        {"opportunities": dirty.ONE_DEAL, "changes": "opportunity_id,field\n"},
        {
            "opportunities": dirty.DEALS + "".join(f"D{i},{dirty.T},Nurture,1,,,,,,\n" for i in range(30)),
            "stages": dirty.STAGES,
        },
    ],
)
def test_it_is_refused_where_reading_it_whole_is_refused_and_in_the_same_words(tmp_path, files):
    (tmp_path / "in").mkdir()
    folder = dirty.write(tmp_path / "in", **files)
    with pytest.raises(DataRefused) as by_reading:
        read_folder(folder)
    with pytest.raises(DataRefused) as by_staging:
        stage_folder(folder, tmp_path / "parts", 10)
    assert str(by_staging.value) == str(by_reading.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="no folder of that name"):
        stage_folder(tmp_path / "nowhere", tmp_path / "parts", 10)

"""Our own write-back is no activity: with or without it in the history, every feature is the same to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm.clock import event_millis
from crm.history import data_through
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from crm.sources.files import Reading, read_folder
from crm.sources.mapping import SourceMapping
from crm.sources.own_writes import TOLD
from tests.laws.test_point_in_time import assert_same, seen_by

OURS = ("Dealcast_Score__c", "dealcast_reasons", "DEALCAST_WIN_PROBABILITY__C", "acme__Dealcast_Grade__c")
LIKE_OURS = ("Undealcast_Score__c", "Score_dealcast__c", "dealcasting")


def with_more_changes(folder: Path, to: Path, rows: pd.DataFrame) -> Path:
    """The same company, these changes sprinkled into its history at random places."""
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    changes = pd.read_csv(folder / "changes.csv", dtype=str, keep_default_na=False)
    mixed = pd.concat([changes, rows.reindex(columns=changes.columns, fill_value="")])
    mixed.sample(frac=1, random_state=1).to_csv(to / "changes.csv", index=False)
    return to


def own_changes(rng: np.random.Generator, folder: Path, fields: tuple[str, ...], by: str, rows: int) -> pd.DataFrame:
    """Changes of these fields at random times in the deals' lives, late ones behind everything else among them."""
    deals = read_folder(folder).tables["opportunities"]
    picked = deals.iloc[rng.integers(0, len(deals), rows)]
    after = pd.to_timedelta(rng.integers(0, 900 * 86400, rows), unit="s")
    return pd.DataFrame(
        {
            "opportunity_id": picked["opportunity_id"].to_numpy(),
            "changed_at": (picked["created_at"].reset_index(drop=True) + after).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "field": rng.choice(fields, rows),
            "old_value": rng.integers(0, 99, rows).astype(str),
            "new_value": rng.integers(0, 99, rows).astype(str),
            "changed_by": by,
        }
    )


def told(reading: Reading) -> int:
    file = next(file for file in reading.report.files if file.table == "changes")
    return file.normalised.get(TOLD, 0)


def assert_same_company(before: Reading, after: Reading) -> None:
    for name in ("opportunities", "activities", "contact_roles", "stages"):
        pd.testing.assert_frame_equal(before.tables[name], after.tables[name])
    order = ["opportunity_id", "changed_at", "field", "new_value"]
    changes = [one.tables["changes"].sort_values(order, ignore_index=True) for one in (before, after)]
    pd.testing.assert_frame_equal(*changes)
    until = data_through(before.tables)
    assert data_through(after.tables) == until
    rng = np.random.default_rng(5)
    for as_of in rng.choice(event_millis(before.tables["changes"]["changed_at"]), 2):
        assert_same(seen_by(before.tables, int(as_of)), seen_by(after.tables, int(as_of)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    to = tmp_path_factory.mktemp("company")
    simulate(SimulatorSettings(deals=60, seed=4)).write(to)
    return to


def test_changes_of_fields_called_like_ours_are_no_events(folder, tmp_path):
    rows = own_changes(np.random.default_rng(1), folder, OURS, "anybody", 400)
    before, after = read_folder(folder), read_folder(with_more_changes(folder, tmp_path / "with", rows))
    assert told(after) == 400
    assert told(before) == 0
    assert_same_company(before, after)


def test_the_user_we_write_as_changes_our_fields_whatever_they_are_called(folder, tmp_path):
    user, mapping = "0051G000005MumuQAC", SourceMapping(written_by="0051G000005Mumu")
    rows = own_changes(np.random.default_rng(2), folder, ("Win_Chance__c", "Why__c"), user, 300)
    before, after = (
        read_folder(folder, mapping),
        read_folder(with_more_changes(folder, tmp_path / "with", rows), mapping),
    )
    assert told(after) == 300
    assert_same_company(before, after)


def test_what_that_user_does_to_deals_is_an_event(folder, tmp_path):
    """Many tools may write as one user; the stages and amounts that they change are the deal's."""
    mapping = SourceMapping(written_by="bot")
    rows = own_changes(np.random.default_rng(3), folder, ("next_step",), "bot", 50)
    after = read_folder(with_more_changes(folder, tmp_path / "with", rows), mapping)
    assert told(after) == 0
    assert (after.tables["changes"]["changed_by"] == "bot").sum() == 50


def test_fields_that_are_only_almost_called_like_ours_are_events(folder, tmp_path):
    rows = own_changes(np.random.default_rng(4), folder, LIKE_OURS, "anybody", 50)
    after = read_folder(with_more_changes(folder, tmp_path / "with", rows))
    assert told(after) == 0
    assert after.tables["changes"]["field"].isin(LIKE_OURS).sum() == 50

"""`--as-of`: whatever is later is ignored."""

import json

import pandas as pd
import pytest

from crm.simulator import SimulatorSettings, simulate
from tests.acceptance.worlds import FAST, copied, dealcast, new_home, text_table

DATE = "2026-03-31"
MIDNIGHT = "2026-04-01T00:00:00Z"
"""Times in these files are texts of one form, so that text order is time order."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A company's tables as of its last day, as clean as the CRM of which a past state is to be rebuilt."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    simulate(SimulatorSettings(deals=350, seed=3, dirt=0.0)).write(folder)
    return folder


@pytest.fixture(scope="module")
def earlier(whole, tmp_path_factory):
    """The same folder as it would have been exported at the date, rebuilt cell by cell."""
    folder = copied(whole, tmp_path_factory.mktemp("earlier") / "data")
    for name, known_since in (("activities", "recorded_at"), ("contact_roles", "added_at"), ("leads", "created_at")):
        rows = text_table(folder / f"{name}.csv")
        since = rows[known_since].where(rows[known_since] != "", rows.get("occurred_at", ""))
        rows[since < MIDNIGHT].to_csv(folder / f"{name}.csv", index=False)
    deals, changes = text_table(folder / "opportunities.csv"), text_table(folder / "changes.csv")
    deals = deals[deals["created_at"] < MIDNIGHT].set_index("opportunity_id", drop=False)
    later = changes[changes["changed_at"] >= MIDNIGHT].iloc[::-1]
    for change in later.itertuples():
        if change.opportunity_id in deals.index:
            deals.at[change.opportunity_id, change.field] = change.old_value
    changes = changes[changes["changed_at"] < MIDNIGHT]
    closings = changes[(changes["field"] == "stage") & changes["new_value"].str.startswith("Closed")]
    deals["closed_at"] = closings.groupby("opportunity_id")["changed_at"].max()
    deals["is_won"] = deals["stage"].eq("Closed Won").map({True: "true", False: "false"})
    deals.loc[~deals["stage"].str.startswith("Closed"), ["closed_at", "is_won"]] = ""
    deals.to_csv(folder / "opportunities.csv", index=False)
    changes.to_csv(folder / "changes.csv", index=False)
    return folder


def _answers(data, home, out, *, as_of) -> pd.DataFrame:
    told = dealcast("score", "--data", data, "--home", home, "--as-of", as_of, "--out", out)
    assert told.code == 0, told.err
    return pd.read_parquet(out).drop(columns=["run_id", "scored_at"])


@pytest.mark.parametrize("home_of", ["trained", "nobody"])
def test_what_happened_later_changes_no_answer(request, whole, earlier, tmp_path, home_of):
    found = []
    for data in (whole, earlier):
        home = tmp_path / data.parent.name
        if home_of == "trained":
            copied(request.getfixturevalue("trained").home, home)
        else:
            new_home(home, FAST)
        found.append(_answers(data, home, tmp_path / f"{home.name}.parquet", as_of=DATE))
    assert len(found[0]) > 15
    pd.testing.assert_frame_equal(*found)


def test_the_folder_was_cut_indeed(whole, earlier):
    assert len(text_table(earlier / "opportunities.csv")) < len(text_table(whole / "opportunities.csv"))
    for name in ("changes", "activities"):
        assert len(text_table(earlier / f"{name}.csv")) < 0.95 * len(text_table(whole / f"{name}.csv"))


def test_later_deals_are_not_there_yet(whole, tmp_path):
    open_at = {}
    for date in (DATE, "2026-08-14"):
        out = tmp_path / f"{date}.parquet"
        open_at[date] = set(_answers(whole, new_home(tmp_path / date), out, as_of=date)["opportunity_id"])
    created = text_table(whole / "opportunities.csv").set_index("opportunity_id")["created_at"]
    assert (created[sorted(open_at[DATE])] < MIDNIGHT).all()
    assert (created[sorted(open_at["2026-08-14"] - open_at[DATE])] > "2025").all()
    assert open_at[DATE] != open_at["2026-08-14"]


@pytest.mark.parametrize("command", ["check", "train", "score"])
def test_a_date_before_the_first_deal_is_refused(few_deals, tmp_path, command):
    told = dealcast(command, "--data", few_deals, "--home", tmp_path / "home", "--as-of", "2001-01-01")
    assert told.code == 3
    assert "no deal had been created by 2001-01-01" in told.err
    assert "give a later --as-of" in told.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "14.08.2026", "", "9999-12-31", "2026-08-14 25:00"])
@pytest.mark.parametrize("command", ["check", "train", "score"])
def test_what_is_no_date_is_wrong_use(tmp_path, command, date):
    """And is refused before anything is read, which may take long."""
    told = dealcast(command, "--data", tmp_path / "nowhere", "--home", tmp_path / "home", f"--as-of={date}")
    assert told.code == 2
    assert f"--as-of: '{date}' is not a date" in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_date_is_the_end_of_its_day_in_the_companys_zone_and_an_instant_is_itself(few_deals, tmp_path):
    home = new_home(tmp_path / "home", '[data]\ntime_zone = "Asia/Tokyo"\n')
    for as_of, instant in {
        "2026-06-30": "2026-06-30 14:59:59.999",
        "2026-06-30T12:00:00Z": "2026-06-30 12:00",
        "2026-06-30T12:00:00": "2026-06-30 03:00",
    }.items():
        out = tmp_path / "scores.parquet"
        scores = _answers(few_deals, home, out, as_of=as_of)
        assert set(scores["as_of"]) == {pd.Timestamp(instant, tz="UTC")}


def test_data_that_ended_long_ago_are_looked_at_as_of_their_last_day_and_that_is_said(few_deals, tmp_path):
    told = dealcast("score", "--data", few_deals, "--home", tmp_path / "home", "--json")
    last = max(text_table(few_deals / "activities.csv")["recorded_at"])[:10]
    assert json.loads(told.out)["notes"][0].startswith(f"The data end on {last}; the answers are as of that day.")

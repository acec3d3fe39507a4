"""A scoring set a day: days are added, what is there stays, and what has changed since is found."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crm.errors import DataRefused, WrongUse
from features.feature import vocabulary_from
from features.fingerprint import fingerprint
from pipelines import daily as pipeline
from pipelines import engines
from pipelines.config import Home
from pipelines.daily import MANIFEST, daily
from pipelines.engines import Wanted
from pipelines.features import SCORING, features

DEALS = """opportunity_id,created_at,stage,amount,closed_at,is_won,owner_id,region
D1,2026-03-01T09:00:00Z,Won,100,2026-04-04T16:30:00Z,true,u1,North
D2,2026-03-02T09:00:00Z,Lost,50,2026-05-03T10:00:00Z,false,u2,South
D3,2026-04-03T09:00:00Z,Offer,70,,,u1,North
D4,2026-05-02T15:00:00Z,New,,,,u2,South
D5,2026-05-05T09:00:00Z,New,20,,,u1,North
"""
CHANGES = """opportunity_id,changed_at,field,old_value,new_value
D1,2026-03-10T09:00:00Z,stage,New,Offer
D1,2026-03-11T09:00:00Z,amount,90,100
D1,2026-03-12T09:00:00Z,owner_id,u2,u1
D1,2026-04-04T16:30:00Z,stage,Offer,Won
D2,2026-05-03T10:00:00Z,stage,New,Lost
D3,2026-05-04T12:00:00Z,stage,New,Offer
D3,2026-05-05T12:00:00Z,amount,60,70
"""
ACTIVITIES = """opportunity_id,occurred_at,kind
D1,2026-03-05T09:00:00Z,email
D3,2026-04-20T09:00:00Z,call
D3,2026-05-04T09:00:00Z,Webinar
D4,2026-05-04T10:00:00Z,email
"""
STAGES = "stage,position,is_closed,is_won\nNew,1,false,false\nOffer,2,false,false\nWon,3,true,true\nLost,4,true,false\n"
OPEN = {"2026-05-02": ["D2", "D3", "D4"], "2026-05-03": ["D3", "D4"], "2026-05-04": ["D3", "D4"],
        "2026-05-05": ["D3", "D4", "D5"]}  # fmt: skip
DAYS = tuple(OPEN)
HERE = Wanted()


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("opportunities", DEALS), ("changes", CHANGES), ("activities", ACTIVITIES), ("stages", STAGES)):
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dealcast.toml").write_text('[data]\nfixed = ["region"]\n')
    return Home(folder)


@pytest.fixture
def keep(data, home, tmp_path):
    """Keeps the days from the first (or from another one) to a date in the folder "days"."""

    def run(as_of, since=DAYS[0], wanted=HERE, **more):
        return daily(data, as_of, since, home, tmp_path / "days", wanted, [].append, **more)

    return run


def files(folder):
    """Every file with its bytes and the instant at which it was written."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def day_set(folder, day):
    return pd.read_parquet(folder / f"{day}.parquet")


def late_touch(data, occurred_at):
    """An activity that nobody had entered when the days were computed."""
    with (data / "activities.csv").open("a") as file:
        file.write(f"D4,{occurred_at},email\n")


# What is kept --------------------------------------------------------------------------------------------------


def test_each_day_has_the_deals_open_at_its_end_and_the_manifest_says_what_is_there(keep):
    result = keep(DAYS[-1])
    assert result.added == DAYS
    assert (result.compared, result.changed) == ((), ())
    assert sorted(path.name for path in result.folder.iterdir()) == [*(f"{day}.parquet" for day in DAYS), MANIFEST]
    manifest = json.loads((result.folder / MANIFEST).read_text())
    assert vocabulary_from(manifest["vocabulary"]) == result.kept.vocabulary
    assert result.kept.vocabulary.kinds == ("Webinar",)
    for day in DAYS:
        rows = day_set(result.folder, day)
        assert rows["opportunity_id"].tolist() == OPEN[day]
        assert set(rows["as_of"]) == {pd.Timestamp(f"{day}T23:59:59.999Z")}
        assert list(rows)[3:] == manifest["features"] == list(result.kept.names)
        assert manifest["days"][day] == {"rows": len(rows), "fingerprint": fingerprint(rows)}
    assert day_set(result.folder, DAYS[1])["stage"].tolist() == ["New", "New"]
    assert day_set(result.folder, DAYS[2])["stage"].tolist() == ["Offer", "New"]


def test_a_days_set_is_the_scoring_set_of_that_day(keep, data, home, tmp_path):
    result = keep(DAYS[-1])
    for day in DAYS[1:3]:
        written = features(data, day, home, SCORING, tmp_path / "one.parquet", HERE, [].append)
        ours, theirs = day_set(result.folder, day), pd.read_parquet(written.out)
        both = [name for name in theirs if name in ours]
        assert len(both) > 30
        assert ours[both].equals(theirs[both])
        about = [pq.read_metadata(path).metadata for path in (written.out, result.folder / f"{day}.parquet")]
        for fact in (b"dealcast.set", b"dealcast.as_of", b"dealcast.rows"):
            assert about[0][fact] == about[1][fact]
        assert about[1][b"dealcast.until"] <= about[1][b"dealcast.as_of"]


def test_a_later_run_adds_the_days_that_are_missing_and_touches_no_other(keep, data):
    first = keep(DAYS[1])
    before = files(first.folder)
    (data / "activities.csv").write_text(ACTIVITIES + "D4,2026-05-05T10:00:00Z,audit\nD3,2026-05-05T10:00:00Z,audit\n")
    second = keep(DAYS[-1], since=None)
    assert (first.added, second.added) == (DAYS[:2], DAYS[2:])
    after = files(second.folder)
    assert {name: after[name] for name in before if name != MANIFEST} == {
        name: of_file for name, of_file in before.items() if name != MANIFEST
    }
    assert tuple(json.loads((second.folder / MANIFEST).read_text())["days"]) == DAYS
    # The first run has decided on the features; an activity that had its first day since is none of them.
    assert (second.kept.names, second.kept.vocabulary) == (first.kept.names, first.kept.vocabulary)


def test_days_before_the_first_that_is_kept_can_be_added_and_holes_are_filled(keep):
    assert keep(DAYS[2], since=None).added == (DAYS[2],), "without a first day, the last that had ended alone"
    assert keep(DAYS[0], since=DAYS[0]).added == (DAYS[0],)
    assert keep(DAYS[-1], since=None).added == (DAYS[1], DAYS[3])


def test_however_many_days_are_computed_at_once_they_are_the_same(keep, monkeypatch, tmp_path):
    kept = keep(DAYS[-1]).kept
    (tmp_path / "days").rename(tmp_path / "at once")
    monkeypatch.setattr(pipeline, "AT_ONCE", 1)
    monkeypatch.setattr(engines, "rows_a_part", lambda memory: 6)
    assert keep(DAYS[-1], wanted=Wanted(memory=2**30)).kept == kept


def test_a_run_that_breaks_off_keeps_the_days_that_it_had_finished(keep, monkeypatch, tmp_path):
    class Crash(Exception):
        pass

    def crash(*arguments, **named):
        if len(json.loads((tmp_path / "days" / MANIFEST).read_text())["days"]) == 2:
            raise Crash
        return work(*arguments, **named)

    monkeypatch.setattr(pipeline, "AT_ONCE", 1)
    keep(DAYS[0])
    work = pipeline.Fingerprint.add
    monkeypatch.setattr(pipeline.Fingerprint, "add", crash)
    with pytest.raises(Crash):
        keep(DAYS[-1])
    assert sorted(path.name for path in (tmp_path / "days").iterdir()) == [
        *(f"{day}.parquet" for day in DAYS[:2]),
        MANIFEST,
    ]
    monkeypatch.setattr(pipeline.Fingerprint, "add", work)
    assert keep(DAYS[-1]).added == DAYS[2:]


# Days end in their zone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "zone", "last"),
    [
        ("2026-05-03T23:59:59.998Z", None, "2026-05-02"),
        ("2026-05-03T23:59:59.999Z", None, "2026-05-03"),
        ("2026-05-04T02:00:00Z", "America/New_York", "2026-05-02"),
        ("2026-05-03T20:00:00Z", "Asia/Tokyo", "2026-05-03"),
    ],
)
def test_a_day_that_has_not_ended_is_left_out(keep, home, as_of, zone, last):
    if zone:
        (home.path / "dealcast.toml").write_text(f'[data]\nfixed = ["region"]\ntime_zone = "{zone}"\n')
    result = keep(as_of)
    assert result.added == DAYS[: DAYS.index(last) + 1]
    ends = day_set(result.folder, last)["as_of"].iloc[0]
    assert ends == pd.Timestamp(last, tz=zone or "UTC") + pd.Timedelta(days=1, milliseconds=-1)


# What has changed since ----------------------------------------------------------------------------------------


def test_days_whose_past_has_changed_since_are_found_and_left_as_they_were(keep, data):
    first = keep(DAYS[-1])
    before = files(first.folder)
    late_touch(data, "2026-05-04T08:00:00Z")
    again = keep(DAYS[-1])
    assert (again.added, again.compared, again.changed) == ((), (), ())
    verified = keep(DAYS[-1], verify=True)
    assert verified.compared == DAYS
    assert verified.changed == DAYS[2:]
    assert verified.kept.days == first.kept.days
    after = files(first.folder)
    assert {n: of for n, of in after.items() if n != MANIFEST} == {n: of for n, of in before.items() if n != MANIFEST}
    assert after[MANIFEST][0] == before[MANIFEST][0]


def test_where_nothing_has_changed_every_day_is_the_same_and_new_ones_are_added(keep):
    keep(DAYS[2])
    verified = keep(DAYS[-1], since=None, verify=True)
    assert (verified.added, verified.compared, verified.changed) == (DAYS[3:], DAYS[:3], ())


# What is refused -----------------------------------------------------------------------------------------------


def test_a_first_day_after_the_last_that_had_ended_is_wrong_use(keep, tmp_path):
    with pytest.raises(WrongUse, match="2026-05-05 is after 2026-05-04") as refused:
        keep("2026-05-05T12:00:00Z", since="2026-05-05")
    assert refused.value.where == "--since"
    assert not (tmp_path / "days").exists()


def test_a_date_before_the_first_day_that_is_kept_is_wrong_use(keep):
    keep(DAYS[1], since=DAYS[1])
    with pytest.raises(WrongUse, match=f"{DAYS[1]} is after {DAYS[0]}") as refused:
        keep(DAYS[0], since=None)
    assert refused.value.where == "--as-of"


@pytest.mark.parametrize("since", ["yesterday", "", "2026-02-30", "05/02/2026"])
def test_a_first_day_that_is_none_is_wrong_use(keep, since):
    with pytest.raises(WrongUse, match="is not a date") as refused:
        keep(DAYS[-1], since=since)
    assert refused.value.where == "--since"


def test_a_folder_of_other_files_is_left_alone(keep, tmp_path):
    folder = tmp_path / "days"
    folder.mkdir()
    (folder / "mine.parquet").write_bytes(b"mine")
    with pytest.raises(WrongUse, match=MANIFEST) as refused:
        keep(DAYS[0])
    assert refused.value.where == str(folder)
    assert [path.name for path in folder.iterdir()] == ["mine.parquet"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"version": 2, "vocabulary": {}, "features": [], "days": {}}',
        '{"version": 1, "features": [], "days": {}}',
        '{"version": 1, "vocabulary": {}, "features": [], "days": {}}',
        '{"version": 1, "vocabulary": null, "features": [], "days": {}}',
        '{"version": 1, "vocabulary": {}, "features": [], "days": []}',
        '{"version": 1, "vocabulary": {}, "features": [], "days": {"2026-05-02": {"rows": 3}}}',
        '{"version": 1, "vocabulary": {}, "features": [], "days": {"2026-05-02": 3}}',
    ],
)
def test_a_manifest_that_nobody_can_read_is_refused(keep, tmp_path, text):
    folder = tmp_path / "days"
    folder.mkdir()
    (folder / MANIFEST).write_text(text)
    with pytest.raises(DataRefused, match="not readable") as refused:
        keep(DAYS[0])
    assert refused.value.where == str(folder / MANIFEST)
    assert refused.value.remedy
    assert (folder / MANIFEST).read_text() == text


@pytest.mark.parametrize(
    ("wanted", "as_of"),
    [(HERE, "2026-02-01"), (Wanted(memory=2**30), "2026-02-01"), (HERE, "2026-03-01T12:00:00Z")],
    ids=["in memory", "in parts", "on the day that has not ended"],
)
def test_where_no_deal_had_been_created_there_is_nothing_to_keep(keep, tmp_path, data, wanted, as_of):
    with pytest.raises(DataRefused, match="no deal had been created by 2026-02") as refused:
        keep(as_of, since=None, wanted=wanted)
    assert refused.value.where == str(data)
    assert "2026-05-05" in refused.value.expected
    assert not (tmp_path / "days").exists()

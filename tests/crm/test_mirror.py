import json
import os
import time
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm.clock import utc_text
from crm.errors import DataRefused, DealcastError
from crm.lock import held as lock
from crm.sources.mirror.manifest import is_mirror, read_manifest
from crm.sources.mirror.sync import LOCK, Came, Wishes, current, sync
from crm.sources.remote import Page
from tests.crm.mirrored import Log, Source, deal, held

AT = 1_790_000_000_000


def filled(rows=10, **settings):
    log = Log(**settings)
    log.put(*(deal(number, Amount=str(number)) for number in range(rows)))
    return log


def by_id(rows):
    return sorted(rows, key=lambda row: row["Id"])


def test_a_mirror_holds_what_the_source_holds_and_says_how_far_it_reaches(tmp_path):
    log = filled()
    done = sync(Source([log]), tmp_path, AT)
    assert held(tmp_path) == by_id(log.standing.values())
    assert done.came["Opportunity"].new == 10
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    said = manifest["tables"]["Opportunity"]
    assert (manifest["source"], manifest["synced_at"]) == ("memory://company", utc_text(AT))
    assert (said["rows"], said["cursor"], said["key"]) == (10, "10", "Id")
    assert done.folder == current(tmp_path)
    assert [path.name for path in done.folder.iterdir() if path.is_file()] == ["Opportunity.parquet"]


def test_only_what_is_new_is_asked_for_and_the_newest_row_of_a_key_stands(tmp_path):
    log = filled()
    sync(Source([log]), tmp_path, AT)
    log.put(deal(3, Amount="333"), deal(11, Amount="11"), deal(3, Amount="334"))
    log.delete("d0004", "d0011")
    log.put(deal(11, Amount="12"))
    asked = []
    pages = log.pages
    log.pages = lambda since: asked.append(since) or pages(since)
    done = sync(Source([log]), tmp_path, AT + 1)
    assert asked == ["10"]
    assert held(tmp_path) == by_id(log.standing.values())
    came = done.came["Opportunity"]
    assert (came.new, came.changed, came.gone) == (1, 1, 1)


def test_what_was_deleted_is_remembered_with_its_time_until_it_comes_back(tmp_path):
    log = filled()
    sync(Source([log]), tmp_path, AT)
    log.delete("d0001", "d0002")
    sync(Source([log]), tmp_path, AT + 1000)
    log.put(deal(2, Amount="2"))
    log.delete("d0005")
    done = sync(Source([log]), tmp_path, AT + 2000)
    gone = pq.read_table(done.folder / "deleted" / "Opportunity.parquet").to_pylist()
    assert gone == [
        {"key": "d0001", "deleted_at": utc_text(AT + 1000)},
        {"key": "d0005", "deleted_at": utc_text(AT + 2000)},
    ]
    assert done.manifest.tables["Opportunity"].deleted == 2


def test_a_table_without_a_cursor_is_fetched_whole_and_what_no_longer_comes_is_gone(tmp_path):
    log = filled(has_cursor=False)
    sync(Source([log]), tmp_path, AT)
    log.delete("d0001")
    log.put(deal(2, Amount="two"))
    done = sync(Source([log]), tmp_path, AT)
    assert held(tmp_path) == by_id(log.standing.values())
    assert done.came["Opportunity"].gone == 1


def test_a_source_may_hand_out_the_whole_table_although_it_was_asked_for_news(tmp_path):
    log = filled()
    sync(Source([log]), tmp_path, AT)
    rows = pa.Table.from_pylist([deal(number, Amount=str(number)) for number in range(8)])
    log.pages = lambda since: iter([Page(rows, cursor="50", whole=True)])
    sync(Source([log]), tmp_path, AT)
    assert held(tmp_path) == rows.to_pylist()


def test_what_was_kept_of_a_stopped_sync_is_given_up_where_everything_comes_anew(tmp_path):
    log = filled()
    first, later = Page(pa.Table.from_pylist([deal(98), deal(99)]), cursor="2"), Page(pa.Table.from_pylist([deal(1)]))
    log.pages = lambda since: iter([first, *([] if since else [None])])
    with pytest.raises(AttributeError):
        sync(Source([log]), tmp_path, AT)
    log.pages = lambda since: iter([replace(later, cursor="9", whole=True)])
    sync(Source([log]), tmp_path, AT)
    assert held(tmp_path) == [deal(1)]


def test_a_table_that_is_the_same_is_not_written_again(tmp_path):
    still, moving = filled(), filled(name="Task")
    first = sync(Source([still, moving]), tmp_path, AT)
    moving.put(deal(99, Amount="1"))
    second = sync(Source([still, moving]), tmp_path, AT + 1)
    assert os.path.samefile(first.folder / "Opportunity.parquet", second.folder / "Opportunity.parquet")
    assert second.manifest.tables["Opportunity"].changed_at == utc_text(AT)
    assert not os.path.samefile(first.folder / "Task.parquet", second.folder / "Task.parquet")


def test_columns_may_come_later_and_kinds_may_differ(tmp_path):
    log = Log(page=1)
    log.put({"Id": "a", "Amount": None}, {"Id": "b", "Amount": None})
    sync(Source([log]), tmp_path, AT)
    log.put({"Id": "c", "Amount": "12.50", "Size__c": "big"})
    sync(Source([log]), tmp_path, AT)
    log.put({"Id": "d", "Amount": 7})
    sync(Source([log]), tmp_path, AT)
    assert [(row["Amount"], row["Size__c"]) for row in held(tmp_path)] == [
        (None, None),
        (None, None),
        ("12.50", "big"),
        ("7", None),
    ]


@pytest.mark.parametrize("has_cursor", [True, False])
def test_a_table_that_shrank_or_came_empty_is_refused_until_confirmed(tmp_path, has_cursor):
    log = filled(has_cursor=has_cursor)
    sync(Source([log]), tmp_path, AT)
    log.delete(*(f"d{number:04d}" for number in range(3)))
    sync(Source([log]), tmp_path, AT)  # 30 %, not more
    before = held(tmp_path)
    log.delete(*(f"d{number:04d}" for number in range(3, 6)))
    with pytest.raises(DataRefused, match="4 rows came, 7 had come before") as refused:
        sync(Source([log]), tmp_path, AT)
    assert "--confirm Opportunity" in refused.value.remedy
    assert held(tmp_path) == before
    with pytest.raises(DataRefused):
        sync(Source([log]), tmp_path, AT)  # to ask again is not to confirm
    sync(Source([log]), tmp_path, AT, Wishes(confirmed=("Opportunity",)))
    assert held(tmp_path) == by_id(log.standing.values())
    log.delete(*log.standing)
    with pytest.raises(DataRefused, match="empty"):
        sync(Source([log]), tmp_path, AT)
    sync(Source([log]), tmp_path, AT, Wishes(confirmed=("Opportunity",)))
    assert held(tmp_path) == []


def test_a_table_that_the_source_no_longer_shows_is_not_given_up_without_a_word(tmp_path):
    deals, tasks = filled(), filled(name="Task")
    sync(Source([deals, tasks]), tmp_path, AT)
    with pytest.raises(DataRefused, match="no longer shows"):
        sync(Source([deals]), tmp_path, AT)
    assert len(held(tmp_path, "Task")) == 10
    done = sync(Source([deals]), tmp_path, AT, Wishes(confirmed=("Task",)))
    assert set(done.manifest.tables) == {"Opportunity"}


def test_another_source_does_not_come_into_the_same_mirror(tmp_path):
    sync(Source([filled()]), tmp_path, AT)
    with pytest.raises(DataRefused, match="mirrors memory://company, not memory://other"):
        sync(Source([filled()], address="memory://other"), tmp_path, AT)


def test_a_row_without_a_key_is_refused_where_it_would_come_again_and_again(tmp_path):
    log = filled()
    log.writes.append(("x", {"Id": None, "Name": "nobody"}))
    with pytest.raises(DataRefused, match="1 rows have no Id"):
        sync(Source([log]), tmp_path, AT)


def test_two_syncs_at_once_are_refused_with_the_holders_name_and_a_dead_holder_holds_nothing(tmp_path):
    taken = pytest.raises(DealcastError, match="dealcast nightly by ada")
    with lock(tmp_path / LOCK, "dealcast nightly by ada"), taken:
        sync(Source([filled()]), tmp_path, AT)
    assert "ada" in (tmp_path / LOCK).read_text()
    sync(Source([filled()]), tmp_path, AT)


def test_a_sync_that_was_stopped_goes_on_where_it_was(tmp_path):
    log = filled(rows=12)
    asked = []
    pages = log.pages

    def stops(since):
        asked.append(since)
        for number, page in enumerate(pages(since)):
            if number == 2 and len(asked) == 1:
                raise DealcastError("the line is dead")
            yield page

    log.pages = stops
    with pytest.raises(DealcastError):
        sync(Source([log]), tmp_path, AT)
    assert current(tmp_path) is None
    done = sync(Source([log]), tmp_path, AT)
    assert asked == [None, "6"]
    assert held(tmp_path) == by_id(log.standing.values())
    assert not (tmp_path / "pages").exists()
    assert done.manifest.tables["Opportunity"].cursor == "12"


def test_a_sync_that_was_stopped_sees_what_was_deleted_meanwhile(tmp_path):
    log = filled(rows=12)
    pages = log.pages
    log.pages = lambda since: (page for number, page in enumerate(pages(since)) if number < 2 or stop())

    def stop():
        raise DealcastError("the line is dead")

    with pytest.raises(DealcastError):
        sync(Source([log]), tmp_path, AT)
    log.pages = pages
    log.delete("d0000")
    sync(Source([log]), tmp_path, AT)
    assert held(tmp_path) == by_id(log.standing.values())


def test_everything_can_be_fetched_anew(tmp_path):
    log = filled()
    sync(Source([log]), tmp_path, AT)
    log.writes = [write for write in log.writes if write[0] != "d0002"]  # gone without a trace
    sync(Source([log]), tmp_path, AT)
    assert len(held(tmp_path)) == 10
    sync(Source([log]), tmp_path, AT, Wishes(whole=True))
    assert held(tmp_path) == by_id(log.standing.values())


def test_a_generation_stays_for_its_readers(tmp_path):
    log = filled()
    folders = []
    for number in range(4):
        log.put(deal(100 + number))
        folders.append(sync(Source([log]), tmp_path, int(time.time() * 1000)).folder)
    assert all(folder.exists() for folder in folders)
    log.put(deal(200))
    now = int(time.time() * 1000) + 7_200_000
    last = sync(Source([log]), tmp_path, now).folder
    assert [folder.exists() for folder in folders] == [False, False, False, True]
    assert current(tmp_path) == last


def test_a_damaged_mirror_is_not_built_upon(tmp_path):
    log = filled()
    done = sync(Source([log]), tmp_path, AT)
    (done.folder / "Opportunity.parquet").write_bytes(b"PAR1")
    log.put(deal(77))
    with pytest.raises(DataRefused, match="4 bytes"):
        sync(Source([log]), tmp_path, AT)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataRefused, match="manifest"):
        read_manifest(tmp_path)


def test_a_folder_with_somebody_elses_manifest_is_no_mirror(tmp_path):
    sync(Source([filled()]), tmp_path / "ours", AT)
    assert is_mirror(tmp_path / "ours")
    for text in ("{", "[]", '{"format": 1}', "\xff"):
        (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
        assert not is_mirror(tmp_path)
    assert not is_mirror(tmp_path / "manifest.json")


def test_a_table_whose_name_is_no_file_name_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="no file can have the name"):
        sync(Source([filled(name="../Opportunity")]), tmp_path, AT)


def test_a_table_without_a_key_is_what_came_last(tmp_path):
    """Rows that are equal are not made one, and what differs counts as new, or as gone."""

    def synced(*rows):
        log = Log(key="", has_cursor=False, writes=[(str(number), row) for number, row in enumerate(rows)])
        done = sync(Source([log]), tmp_path, AT)
        return done.came["Opportunity"], held(tmp_path)

    same, other = {"a": 1, "b": "x"}, {"a": 2, "b": None}
    came, rows = synced(other, same, same)
    assert (came.rows, came.new, rows) == (3, 3, [same, same, other])
    assert synced(same, same, other)[0] == Came(3)
    came, rows = synced(same, other, {"a": 3, "b": "y"})
    assert (came.new, came.gone, rows) == (1, 1, [same, other, {"a": 3, "b": "y"}])

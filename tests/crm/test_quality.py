"""The report's balance, and readiness against the published minimum."""

import pandas as pd
import pytest

from crm.errors import DealcastError
from crm.quality import SET_ASIDE_COLUMNS, FileReport, QualityReport, readiness
from crm.tables import ACTIVITIES, CHANGES, OPPORTUNITIES, CrmTables

NOTHING = pd.DataFrame(columns=list(SET_ASIDE_COLUMNS))


def tables(won=0, lost=0, open_=0, **more):
    outcome = [True] * won + [False] * lost + [None] * open_
    created = pd.Timestamp("2024-01-01", tz="UTC")
    deals = pd.DataFrame(
        {
            "opportunity_id": [f"D{i}" for i in range(len(outcome))],
            "created_at": created,
            "stage": "New",
            "is_won": pd.array(outcome, dtype="boolean"),
            "closed_at": pd.to_datetime([None if o is None else "2024-01-10" for o in outcome], utc=True),
        }
    )
    return CrmTables({"opportunities": typed(OPPORTUNITIES, deals), **more})


def typed(table, frame):
    return frame.reindex(columns=[c.name for c in table.columns]).astype({c.name: c.kind.dtype for c in table.columns})


def test_a_balanced_report_tells_rows_in_accepted_and_set_aside():
    files = (FileReport("a.csv", "changes", 5, 3, {"blank id": 2}), FileReport("b.csv", "users", 4, 4))
    assert QualityReport(files, NOTHING).balance == (9, 7, 2)


def test_a_lost_row_is_a_defect():
    report = QualityReport((FileReport("a.csv", "changes", 5, 3, {"blank id": 1}),), NOTHING)
    with pytest.raises(DealcastError, match="5 rows in, but 3 accepted and 1 set aside"):
        _ = report.balance


@pytest.mark.parametrize(
    ("won", "lost", "enough", "told"),
    [
        (160, 40, True, []),
        (159, 40, False, ["199 closed deals"]),
        (39, 200, False, ["39 won deals"]),
        (200, 39, False, ["39 lost deals"]),
        (0, 0, False, ["0 closed deals", "0 won deals", "0 lost deals"]),
    ],
)
def test_enough_is_200_closed_deals_and_40_of_each_outcome(won, lost, enough, told):
    ready = readiness(tables(won, lost, open_=7))
    assert (ready.deals, ready.open, ready.won, ready.lost) == (won + lost + 7, 7, won, lost)
    assert ready.enough is enough
    short = [message for message in ready.messages if "needed to train" in message]
    assert [message[: len(start)] for message, start in zip(short, told, strict=True)] == told


def test_the_data_reach_to_the_newest_event_that_is_not_in_the_future():
    future = pd.Timestamp.now("UTC") + pd.Timedelta(days=30)
    activities = pd.DataFrame(
        {
            "opportunity_id": "D0",
            "occurred_at": [future, pd.Timestamp("2024-02-01", tz="UTC")],
            "recorded_at": [pd.Timestamp("2024-03-01", tz="UTC"), pd.NaT],
            "kind": "email",
        }
    )
    changes = pd.DataFrame({"opportunity_id": ["D0"], "changed_at": [future], "field": ["stage"]})
    ready = readiness(tables(won=1, activities=typed(ACTIVITIES, activities), changes=typed(CHANGES, changes)))
    assert ready.first_created == pd.Timestamp("2024-01-01", tz="UTC")
    assert ready.last_event == pd.Timestamp("2024-03-01", tz="UTC")


def test_missing_tables_say_what_goes_with_them():
    assert [m for m in readiness(tables(1)).messages if m.startswith("no ")] == [
        "no history of changes: features of stage moves, pushes and amounts are left out",
        "no activities: features of engagement are left out",
    ]


def test_no_deal_at_all_is_told_and_not_a_crash():
    ready = readiness(CrmTables({}))
    assert (ready.deals, ready.first_created, ready.last_event, ready.enough) == (0, None, None, False)

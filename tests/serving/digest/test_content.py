"""What letters say: from a store in which a small company was scored on a Friday and on the Monday after it."""

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from serving.digest.content import Writer
from serving.digest.letter import Kind, Letter, Person, Section
from serving.digest.wishes import DigestWishes
from serving.formats import NOBREAK
from serving.store import Store
from serving.store_tables import FORECAST_COLUMNS
from tests.scored import FRIDAY, GAP, MONDAY, QUIET, SILENCE, WEEK_AGO, deal, keep, moved

ADA, BO, HEAD = (Person(key, key.title(), f"{key}@example.com") for key in ("ada", "bo", "head"))


def forecast(store: Store, as_of: datetime, mean: float) -> None:
    rows = [
        {
            **dict.fromkeys(FORECAST_COLUMNS, 1_000.0),
            "run_id": f"forecast-{as_of:%m%d}",
            "as_of": as_of,
            "period_start": date(2026, 7, 1),
            "period_end": date(2026, 9, 30),
            "level": level,
            "key": key,
            "name": key,
            "mean": mean,
            "p10": 80_000.0,
            "p50": 100_000.0,
            "p90": 130_000.0,
            "quota": 200_000.0,
            "quota_probability": 0.04,
        }
        for level, key in (("company", "company"), ("manager", "head"), ("owner", "ada"), ("owner", "bo"))
    ]
    store.save_forecast(f"forecast-{as_of:%m%d}", pd.DataFrame(rows), "3", as_of)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.under(tmp_path)


def letter(store: Store, person: Person, kind: Kind = Kind.MORNING, **wishes: Any) -> Letter | None:
    return Writer(store, DigestWishes(**wishes)).letter_for(person, kind, MONDAY.date())


def section(told: Letter | None, title: str) -> Section:
    assert told is not None
    return next(one for one in told.sections if one.title == title)


def test_a_morning_tells_what_changed_since_the_last_morning_and_why(store):
    keep(store, FRIDAY, deal("a", 0.4), deal("b"), deal("c"))
    keep(store, MONDAY - timedelta(days=1), deal("a", 0.5, why=moved(stage=0.1)), deal("b"), deal("c"))
    keep(store, MONDAY, deal("a", 0.62, why=moved(stage=0.02, pushes=0.1)), deal("b", stage="Negotiate"), deal("c"))
    told = letter(store, ADA, pages="https://dealcast.example.com")
    assert told is not None
    assert told.subject == "Your deals: 1 moved up, 1 in another stage"
    assert told.lead == "Since 2026-08-07: 1 moved up, 1 in another stage."
    assert told.link == "https://dealcast.example.com/deals"
    first, second = section(told, "What changed").entries
    assert first.title == f"Deal a · Globex · Propose · 48{NOBREAK}k"
    assert first.link == "https://dealcast.example.com/deals/a"
    assert first.lines == (
        f"Win chance 62{NOBREAK}% (+22{NOBREAK}points), stall risk 30{NOBREAK}%, 100 at stake.",
        f"Moved by: Because of stage. (+12{NOBREAK}points)",  # over both steps it weighs more than pushes
        f"Next: {GAP['brief']}",
    )
    assert second.lines[0].endswith("stood in Propose.")
    assert second.lines[1] == f"− {SILENCE['says']} (−9{NOBREAK}points)"
    (rest,) = section(told, "Where most is at stake").entries
    assert rest.title.startswith("Deal c")
    assert rest.lines[1] == f"May stall: {QUIET['says']} (+12{NOBREAK}points)"


def test_where_nothing_changed_there_is_no_letter(store):
    keep(store, FRIDAY, deal("a"))
    keep(store, MONDAY, deal("a", 0.41))
    assert letter(store, ADA) is None
    assert letter(store, BO) is None


def test_before_the_first_run_there_is_none_and_with_it_a_first_one(store):
    assert letter(store, ADA) is None
    keep(store, MONDAY, deal("a"))
    told = letter(store, ADA)
    assert told is not None
    assert told.subject == "Your deals: 1 open deal"
    assert [one.title for one in told.sections] == ["Where most is at stake"]


def test_on_a_monday_the_weekend_is_told_and_on_a_tuesday_a_day(store):
    keep(store, FRIDAY, deal("a", 0.2))
    keep(store, MONDAY, deal("a", 0.4))
    keep(store, MONDAY + timedelta(days=1), deal("a", 0.41))
    assert letter(store, ADA) is not None
    writer = Writer(store, DigestWishes())
    assert writer.letter_for(ADA, Kind.MORNING, MONDAY.date() + timedelta(days=1)) is None


def test_deals_that_came_and_went_are_named_with_what_they_are_worth(store):
    closed = pd.DataFrame(
        {
            "opportunity_id": ["w", "l", "other"],
            "closed_at": [pd.Timestamp(MONDAY - timedelta(hours=9))] * 3,
            "is_won": [True, False, True],
            "name": ["Won one", "Lost one", "Bo's"],
            "account": "",
            "owner_id": ["ada", "ada", "bo"],
            "amount": [5_000.0, float("nan"), 9_000.0],
            "currency": "EUR",
        }
    )
    keep(store, FRIDAY, deal("t", owner_id="bo"), deal("w"))
    keep(store, MONDAY, deal("t"), deal("n", amount=None), closed=closed)
    told = letter(store, ADA)
    assert section(told, "What changed").says == (
        f"Won: Won one (5.0{NOBREAK}k).",
        "Lost: Lost one.",
        "New: Deal n.",
        f"Taken over: Deal t (48{NOBREAK}k).",
    )
    assert "Bo's" not in str(told)


def test_a_snoozed_deal_is_counted_and_not_shown(store):
    keep(store, FRIDAY, deal("a", 0.2), deal("b", 0.2))
    keep(store, MONDAY, deal("a", 0.4), deal("b", 0.4))
    said = {"opportunity_id": "a", "verdict": "snooze", "until": date(2026, 9, 1), "note": "", "author": "Ada"}
    seen = {"run_id": "run-081002", "as_of": MONDAY.replace(tzinfo=None), "scored_at": MONDAY.replace(tzinfo=None)}
    store.add_feedback({**said, **seen, "win_probability": 0.4, "model_version": "3"})
    told = letter(store, ADA)
    assert told is not None
    assert told.subject == "Your deals: 2 moved up"
    assert [entry.title[:6] for one in told.sections for entry in one.entries] == ["Deal b"]


def test_a_week_tells_a_manager_the_forecast_what_stalls_and_what_to_talk_about(store):
    keep(store, WEEK_AGO, deal("a", 0.2), deal("b", owner="Bo", owner_id="bo"))
    keep(
        store,
        MONDAY,
        deal("a", 0.5, stall_risk=0.8, why=moved(people=0.3)),
        deal("b", owner="Bo", owner_id="bo", stall_risk=0.7, revenue_at_stake=900.0),
    )
    forecast(store, WEEK_AGO, 90_000.0)
    forecast(store, MONDAY, 110_000.0)
    told = letter(store, HEAD, Kind.WEEKLY)
    assert told is not None
    assert told.subject == "Your team's week: 1 moved up"
    assert told.lead == "2 open deals. Since 2026-08-03: 1 moved up."
    k = f"{NOBREAK}k"
    assert section(told, "Forecast").says == (
        f"2026-07-01 to 2026-09-30: 100{k}, 8 of 10 between 80{k} and 130{k}, 20{k} more than a week ago.",
        f"Won 1.0{k}, from open deals 1.0{k}, from deals to come 1.0{k}.",
        f"Quota 200{k}: 4{NOBREAK}% chance to reach it.",
    )
    (entry,) = section(told, "What changed").entries
    assert entry.title == f"Deal a · Globex · Propose · 48{k} · Ada"
    assert entry.lines[1] == f"Moved by: Because of people. (+30{NOBREAK}points)"
    stalling = section(told, "May stall")
    assert stalling.says == (f"2 deals, 1.0{k} at stake: the buyer is silent.",)
    assert [one.title[:6] for one in stalling.entries] == ["Deal a", "Deal b"]
    assert section(told, "Worth a talk").says == (f"2 open deals in Propose lack this: {GAP['brief']}.",)


def test_a_manager_who_owns_deals_reads_of_them_in_the_same_letter(store):
    keep(store, MONDAY, deal("a"), deal("own", owner="Head", owner_id="head"))
    told = letter(store, HEAD, Kind.WEEKLY)
    assert [one.title[:8] for one in section(told, "Your own deals").entries] == ["Deal own"]


def test_of_what_others_manage_a_manager_reads_nothing(store):
    keep(store, MONDAY, deal("a"), deal("stranger", owner="Cy", owner_id="cy", stall_risk=0.9))
    told = letter(store, HEAD, Kind.WEEKLY)
    assert "stranger" not in str(told)
    assert letter(store, BO, Kind.WEEKLY) is None


def test_coaching_that_a_trial_holds_back_is_in_no_letter(store):
    keep(store, MONDAY, deal("a", coaching=[]))
    told = letter(store, ADA)
    assert "Next:" not in str(told)

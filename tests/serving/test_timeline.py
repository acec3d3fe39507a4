"""A deal's story as it was known at a date."""

import json

from serving.timeline import MOST_EVENTS, timelines
from tests.histories import change, crm, deal, millis
from tests.serving.companies import activity, linear_model, scoring_of

MODEL = linear_model({"demos": 1.0})
AS_OF = "2026-08-14T23:59:59.999"


def person(key: str, added: str | None, role: str | None = "Champion") -> dict:
    return {"opportunity_id": key, "contact_id": "c1", "role": role, "added_at": added}


def story(tables, as_of: str = AS_OF, key: str = "A") -> dict:
    return json.loads(timelines(scoring_of(tables, MODEL, as_of))[key])


TABLES = crm(
    [
        deal("A", "2026-07-01", "Propose", amount=500.0, owner_id="u2", close_date="2026-09-15"),
        deal("B", "2026-07-02", "Prospect"),
        deal("C", "2026-07-02", "Closed Won", closed_at="2026-07-20", is_won=True),
    ],
    changes=[
        change("A", "2026-07-10", "stage", "Prospect", "Propose"),
        change("A", "2026-07-11", "stage", "Propose", "Propose"),  # written anew, which is no move
        change("A", "2026-07-12", "amount", None, 500.0),
        change("A", "2026-08-20", "amount", 500.0, 700.0),
        change("A", "2026-07-13", "close_date", "2026-08-31", "2026-09-15"),
        change("A", "2026-07-14", "owner_id", "u1", "u2"),
        change("C", "2026-07-20", "stage", "Prospect", "Closed Won"),
    ],
    activities=[
        activity("A", "2026-07-05", subject="Re: your cat Tom", direction="Inbound"),
        activity("A", "2026-07-06", "demo", recorded_at="2026-08-20"),
        activity("A", "2026-08-20", "meeting"),
        activity("A", "2026-07-07", "Größe <b>", direction="sideways"),
        activity("C", "2026-07-07"),
    ],
    contact_roles=[person("A", "2026-07-08"), person("A", None), person("A", "2026-07-09", None)],
)


def test_a_story_tells_what_was_known_by_then_in_the_order_in_which_it_happened():
    assert story(TABLES) == {
        "created": "2026-07-01",
        "tracked": ["stage", "amount", "close_date", "owner"],
        "left_out": 0,
        "events": [
            ["2026-07-01", "stage", "Prospect"],
            ["2026-07-01", "amount", None],
            ["2026-07-01", "close_date", "2026-08-31"],
            ["2026-07-01", "owner", "u1"],
            ["2026-07-05", "activity", "email", "inbound"],
            ["2026-07-07", "activity", "Größe <b>", None],
            ["2026-07-08", "person", "Champion"],
            ["2026-07-09", "person", None],
            ["2026-07-10", "stage", "Propose"],
            ["2026-07-12", "amount", 500.0],
            ["2026-07-13", "close_date", "2026-09-15"],
            ["2026-07-14", "owner", "u2"],
        ],
    }


def test_what_came_later_was_not_known():
    early = story(TABLES, "2026-07-06T12:00")
    assert [event[1] for event in early["events"]] == ["stage", "amount", "close_date", "owner", "activity"]


def test_subject_lines_and_people_are_not_kept():
    texts = timelines(scoring_of(TABLES, MODEL))
    assert set(texts.index) == {"A", "B"}, "only what is open is told"
    assert "Tom" not in texts["A"]
    assert "c1" not in texts["A"]


def test_a_field_without_history_is_not_told():
    plain = crm([deal("A", "2026-07-01", amount=500.0)])
    assert story(plain) == {"created": "2026-07-01", "tracked": [], "left_out": 0, "events": []}


def test_of_a_long_story_the_newest_is_told_and_what_each_field_was_before():
    moves = [
        change("A", "2026-07-02", "stage", "Prospect", "Qualify"),
        change("A", "2026-07-03", "stage", "Qualify", "Propose"),
    ]
    many = [
        activity("A", f"2026-07-{4 + number // 100:02}T{number % 24:02}:00", "call")
        for number in range(MOST_EVENTS + 5)
    ]
    told = story(crm([deal("A", "2026-07-01", "Propose")], changes=moves, activities=many))
    assert told["left_out"] == 7, "five calls and two stages; the stage before the first call that is told stays"
    assert told["events"][0] == ["2026-07-03", "stage", "Propose"]
    assert len(told["events"]) == MOST_EVENTS + 1
    assert {event[1] for event in told["events"][1:]} == {"activity"}


def test_the_same_story_has_the_same_text_in_whatever_order_the_rows_come():
    def text(activities: list) -> str:
        return timelines(scoring_of(crm([deal("A", "2026-07-01")], activities=activities), MODEL))["A"]

    rows = [activity("A", "2026-07-05", kind) for kind in ("email", "call", "email", "demo")]
    assert text(rows) == text(rows[::-1])


def test_instants_before_1970_or_after_the_date_do_not_shift_days():
    late = crm([deal("A", "2026-07-01T23:59:59.999")], activities=[activity("A", "2026-07-02T00:00")])
    assert story(late)["created"] == "2026-07-01"
    assert story(late)["events"] == [["2026-07-02", "activity", "email", "outbound"]]
    assert millis("1970-01-01") == 0


def test_however_many_are_put_into_words_at_once_the_stories_are_the_same(monkeypatch):
    whole = timelines(scoring_of(TABLES, MODEL))
    monkeypatch.setattr("serving.timeline.AT_ONCE", 1)
    assert timelines(scoring_of(TABLES, MODEL)).to_dict() == whole.to_dict()

"""A deal's story as a drawing and in words: geometry against days and numbers."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from serving.formats import HOUSE
from serving.web.axis import Axis
from serving.web.story import Story
from serving.web.story_drawing import AMOUNT, CHANCE, HEADROOM, NARROW, PAD, WIDE, drawn

UNTIL = date(2026, 8, 10)
EVENTS = [
    ["2026-05-03", "stage", "Prospect"],
    ["2026-05-03", "amount", None],
    ["2026-05-03", "close_date", "2026-07-31"],
    ["2026-05-03", "owner", "u1"],
    ["2026-05-05", "amount", 500.0],
    ["2026-06-12", "activity", "email", "inbound"],
    ["2026-06-12", "activity", "email", "inbound"],
    ["2026-06-12", "activity", "Größe <b>", "outbound"],
    ["2026-06-22", "stage", "Propose"],
    ["2026-06-22", "close_date", "2026-08-30"],
    ["2026-06-25", "amount", 250.0],
    ["2026-07-01", "person", "Champion"],
    ["2026-07-02", "owner", "u2"],
    ["2026-07-03", "close_date", "2026-08-20"],
    ["2026-07-04", "close_date", None],
]
CHANCES = [(datetime(2026, 5, 3, 23, 59), 0.2), (datetime(2026, 8, 10, 12), 0.5)]  # noqa: DTZ001 the store's are naive


def story(events: list = EVENTS, chances: list = CHANCES, **facts) -> Story:
    timeline = {"created": "2026-05-03", "tracked": ["stage"], "left_out": 0, "events": events, **facts}
    return Story(timeline, chances, UNTIL, HOUSE, {"u1": "Ada", "u2": "Bo"}.__getitem__)


def lane(name: str, width: float = WIDE, **facts):
    return next(one for one in drawn(story(**facts), width).lanes if one.name == name)


def share(day: date, width: float = WIDE) -> float:
    """Where a day begins: 100 days from 3 May to the end of 10 August."""
    return PAD + (width - 2 * PAD) * (day - date(2026, 5, 3)).days / 100


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_stages_are_bands_from_their_first_day_to_the_next_ones(width):
    first, second = lane("stages", width).bands
    assert first.x == pytest.approx(PAD)
    assert first.x + first.width == pytest.approx(share(date(2026, 6, 22), width), abs=0.1)
    assert second.x + second.width == pytest.approx(width - PAD, abs=0.1)
    assert first.says.replace("\u00a0", " ") == "Prospect: from 2026-05-03, 50 days"
    assert (first.label, second.label) == ("Prospect", "Propose")


def test_a_band_without_room_has_no_label_but_still_says_what_it_is():
    short = [["2026-08-09", "stage", "A stage with a long name"]]
    (band,) = lane("stages", events=short, created="2024-01-01").bands
    assert band.label == ""
    assert band.says.startswith("A stage with a long name")


def test_the_chance_is_a_line_from_nothing_at_the_floor_to_certainty_at_the_top():
    one = lane("chance")
    assert [dot.y for dot in one.dots] == [one.y + CHANCE * 0.8, one.y + CHANCE * 0.5]
    assert one.dots[-1].x == pytest.approx(PAD + (WIDE - 2 * PAD) * 0.995, abs=0.05)  # noon of the hundredth day
    assert one.line == " ".join(f"{dot.x:g},{dot.y:g}" for dot in one.dots)
    assert "chance" not in [one.name for one in drawn(story(chances=CHANCES[:1]), WIDE).lanes], "one point is no line"


def test_amounts_are_steps_which_begin_where_one_is_known():
    one = lane("amount")
    high, low = one.y + AMOUNT * (1 - 1 / HEADROOM), one.y + AMOUNT * (1 - 0.5 / HEADROOM)
    points = [tuple(map(float, point.split(","))) for point in one.line.split()]
    fell = share(date(2026, 6, 25))
    expected = [(share(date(2026, 5, 5)), high), (fell, high), (fell, low), (WIDE - PAD, low)]
    assert [value for point in points for value in point] == pytest.approx(
        [value for point in expected for value in point], abs=0.06
    )
    assert one.title == "Amount: 500 → 250"


def test_plans_point_the_way_they_were_moved():
    one = lane("plans")
    assert [mark.sign for mark in one.marks] == [1, -1, 0]
    assert one.title == "Close date: put off once, brought forward once"
    assert one.marks[0].x == pytest.approx(share(date(2026, 6, 22)), abs=0.1)
    assert one.marks[0].says.replace("\u00a0", " ") == "2026-06-22: Close date: 2026-08-30, 30 days later"


def test_activities_of_a_day_are_one_mark_in_the_lane_of_whoever_spoke():
    (mark,) = lane("inbound").marks
    assert mark.says.replace("\u00a0", " ") == "2026-06-12: 2 × email"
    (other,) = lane("outbound").marks
    assert other.size < mark.size <= 1
    assert lane("inbound").title == "From the buyer: 2"
    assert [one.sign for one in lane("people").marks] == [0, 1]


def test_lanes_do_not_overlap_and_stay_within_the_drawing():
    for width in (WIDE, NARROW):
        found = drawn(story(), width)
        for above, below in pairwise(found.lanes):
            assert above.y + above.height < below.y
        assert found.lanes[-1].y + found.lanes[-1].height < found.height
        for one in found.lanes:
            assert all(PAD <= mark.x <= width - PAD for mark in one.marks)


def test_every_event_is_told_in_words_the_newest_first():
    told = [what.replace("\u00a0", " ") for _, what in story().told]
    assert len(told) == len(EVENTS)
    assert told == [
        "Close date: none",
        "Close date: 2026-08-20, 10 days earlier",
        "Owner: Bo",
        "A person was added: Champion",
        "Amount: 250, before 500",
        "Close date: 2026-08-30, 30 days later",
        "Stage: Propose, before Prospect",
        "Größe <b>, outbound",
        "email, inbound",
        "email, inbound",
        "Amount: 500",
        "Owner: Ada",
        "Close date: 2026-07-31",
        "Amount: not known",
        "Stage: Prospect",
    ]


def test_without_anything_known_there_is_nothing_to_draw():
    empty = Story({}, [], UNTIL, HOUSE)
    assert drawn(empty, WIDE).lanes == ()
    assert empty.told == []


@pytest.mark.parametrize("days", [0, 1, 6, 40, 69, 70, 200, 500, 1500, 9000])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_an_axis_of_any_span_has_ticks_that_leave_room_for_their_labels(days, width):
    axis = Axis(UNTIL - timedelta(days=days), UNTIL, PAD, width - PAD)
    places = [tick.x for tick in axis.ticks]
    assert places
    assert places == sorted(places)
    assert all(after - before >= 45 for before, after in pairwise(places))
    assert all(PAD <= place <= width - PAD for place in places)

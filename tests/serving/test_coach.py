"""What won deals had that this one lacks: only what a rep can act on, only where the record shows a gap."""

import json

import pytest

from features.catalogue import catalogue
from serving.coach import MOST_GAPS, as_json, gaps
from serving.explain import Explanation, Reason
from tests.histories import EVERYTHING

FEATURES = catalogue(EVERYTHING)
MORE_IS_BETTER = {"won": 3.0, "lost": 1.0, "won_deals": 41, "lost_deals": 1_090}
LESS_IS_BETTER = {"won": 4.0, "lost": 25.0, "won_deals": 41, "lost_deals": 90}


def reason(feature: str, value: float | None, *, points: float = -0.05, actionable: bool = True) -> Reason:
    return Reason("group", feature, value, "It is so.", "", points, 0.2, 50, actionable)


def found(*lowering: Reason, raising: tuple[Reason, ...] = (), stage: str | None = "Proposal", **records):
    reference = {"features": {name: {"by_stage": {"Proposal": record}} for name, record in records.items()}}
    return gaps(Explanation(0.3, raising, lowering, 0.0), stage, FEATURES, reference)


@pytest.mark.parametrize(
    ("feature", "record", "here", "lost_side"),
    [
        ("meetings", MORE_IS_BETTER, 0.0, True),
        ("meetings", MORE_IS_BETTER, 2.9, True),
        ("meetings", MORE_IS_BETTER, 3.0, False),
        ("meetings", MORE_IS_BETTER, 9.0, False),
        ("days_since_inbound", LESS_IS_BETTER, 40.0, True),
        ("days_since_inbound", LESS_IS_BETTER, 4.0, False),
        ("days_since_inbound", LESS_IS_BETTER, 0.0, False),
        ("meetings", {**MORE_IS_BETTER, "lost": 3.0}, 0.0, False),
    ],
)
def test_a_gap_is_one_only_on_the_lost_deals_side(feature, record, here, lost_side):
    assert [gap.feature for gap in found(reason(feature, here), **{feature: record})] == [feature] * lost_side


def test_it_says_what_is_here_and_what_won_and_lost_deals_had_with_their_counts():
    (gap,) = found(reason("meetings", 0.0), meetings=MORE_IS_BETTER)
    said = gap.says.replace("\u00a0", " ")
    for part in ("0 meetings", "3 meetings", "1 meeting", "41", "1,090", "Proposal"):
        assert part in said
    assert said.endswith(".")
    assert "3 meetings" in gap.brief.replace("\u00a0", " ")
    assert (gap.here, gap.won, gap.lost, gap.won_deals, gap.lost_deals) == (0.0, 3.0, 1.0, 41, 1_090)


def test_days_past_and_days_ahead_do_not_look_alike():
    record = {"won": 15.0, "lost": -3.0, "won_deals": 41, "lost_deals": 90}
    (gap,) = found(reason("days_to_close_date", -20.0), days_to_close_date=record)
    said = gap.says.replace("\u00a0", " ")
    assert "−20 days here" in said
    assert "had 15 days" in said
    assert "lost ones −3 days" in said


def test_what_a_rep_cannot_act_on_is_no_advice():
    assert found(reason("meetings", 0.0, actionable=False), meetings=MORE_IS_BETTER) == ()


def test_what_speaks_for_the_deal_is_no_advice():
    assert found(raising=(reason("meetings", 0.0, points=0.05),), meetings=MORE_IS_BETTER) == ()


def test_what_is_not_known_is_no_advice():
    assert found(reason("meetings", None), meetings=MORE_IS_BETTER) == ()


def test_a_stage_without_record_gives_no_advice():
    assert found(reason("meetings", 0.0), stage="Negotiation", meetings=MORE_IS_BETTER) == ()
    assert found(reason("meetings", 0.0), stage=None, meetings=MORE_IS_BETTER) == ()


def test_the_weightiest_come_first_and_few():
    names = ("meetings", "contacts_reached", "contact_roles", "demos", "proposals")
    many = found(*(reason(name, 0.0) for name in names), **dict.fromkeys(names, MORE_IS_BETTER))
    assert tuple(gap.feature for gap in many) == names[:MOST_GAPS]


def test_it_is_plain_data():
    (kept,) = json.loads(json.dumps(as_json(found(reason("meetings", 0.0), meetings=MORE_IS_BETTER))))
    assert {"feature", "brief", "says", "here", "won", "lost", "won_deals", "lost_deals"} <= set(kept)


def test_real_advice_keeps_these_rules(scored):
    advised = 0
    for row in scored.scores.itertuples():
        against = {r["feature"]: r for r in json.loads(row.reasons)["against"]}
        for gap in json.loads(row.coaching):
            if gap.get("kind") == "change":
                continue
            advised += 1
            assert against[gap["feature"]]["actionable"]
            assert FEATURES.feature(gap["feature"]).actionable
            assert (gap["here"] - gap["won"]) * (gap["lost"] - gap["won"]) > 0
            assert min(gap["won_deals"], gap["lost_deals"]) >= 10
    assert advised > 20

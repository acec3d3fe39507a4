"""The playbook's steps for a stage and a kind of deals, and how they read."""

from __future__ import annotations

import math

import pytest

from features.catalogue import catalogue
from serving.playbook import done, in_process, kinds_of, spoken_kind, steps, volume_verdict
from tests.histories import EVERYTHING

KNOWN = catalogue(EVERYTHING)


def record(won_had=28, won=41, lost_had=17, lost=90, odds=4.0, low=2.0, *, holds=True, **more):
    return {"won_had": won_had, "won": won, "lost_had": lost_had, "lost": lost, "odds": odds, "low": low,
            "high": odds**2 / low, "holds": holds, **more}  # fmt: skip


def practice(feature: str, bound: float = 1, segments: tuple = (), **more):
    said = {"id": f"{feature}:{bound:g}", "feature": feature, "bound": bound, "after": 0.01}
    return {**said, **record(**more), "segments": list(segments)}


def book(*practices, day: int | None = 21, position: float | None = 1.0, **fields):
    page = {"day": day, "from_day": day, "position": position, "practices": list(practices), "volume": [],
            "won": 41, "lost": 90, "tried": 30}  # fmt: skip
    return {"size_bounds": [], "fields": fields, "stages": {"Propose": page}}


def test_the_weightiest_step_comes_first() -> None:
    one = book(practice("demos", low=1.2), practice("meetings", low=2.5), practice("proposals", won_had=20, low=2.5))
    assert [step.feature.name for step in steps(one, "Propose", {}, KNOWN)] == ["meetings", "proposals", "demos"]


def test_what_was_done_reads_after_had() -> None:
    def said(name: str, bound: float) -> str:
        feature = KNOWN.feature(name)
        return done(feature, feature.practice, bound).replace("\u00a0", " ")

    assert said("contacts_reached", 2) == "reached 2 people or more at the buyer's"
    assert said("contacts_reached", 1) == "reached somebody at the buyer's"
    assert said("seller_reply_days", 2) == "answered the buyer within 2 days on average"
    assert said("seller_reply_days", 1) == "answered the buyer within 1 day on average"
    assert said("days_since_meeting", 14) == "held a meeting in the last 14 days"
    assert said("top_executives", 1) == "named an executive on the deal"
    assert said("count:Webinar", 1) == "logged 'Webinar'"
    assert said("days_to_first_touch", 1) == "been in touch on the first day"


def test_the_evidence_has_shares_counts_and_the_day() -> None:
    (step,) = steps(book(practice("contacts_reached", 2)), "Propose", {}, KNOWN)
    assert step.evidence.replace("\u00a0", " ") == (
        "By day 21 in Propose 68 % of the deals that were won had reached 2 people or more at the buyer's, of the lost "
        "19 % (28 of 41 won, 17 of 90 lost)."
    )
    (undated,) = steps(book(practice("demos"), day=None), "Propose", {}, KNOWN)
    assert undated.evidence.startswith("Of the deals won from Propose 68")
    assert step.usual
    (rare,) = steps(book(practice("demos", won_had=20)), "Propose", {}, KNOWN)
    assert not rare.usual


def test_a_segment_that_differs_has_its_own_record() -> None:
    renewal = record(9, 10, 8, 20, field="type", value="Renewal")
    silent = record(5, 10, 10, 20, odds=1.0, low=0.5, holds=False, field="type", value="New")
    found = book(practice("demos", segments=(renewal, silent)), type=["New", "Renewal", "Upsell"])
    (own,) = steps(found, "Propose", {"type": "Renewal"}, KNOWN)
    assert own.segment == ("type", "Renewal")
    assert "90\u00a0% of the deals of the type Renewal that were won had held a demo" in own.evidence
    assert steps(found, "Propose", {"type": "New"}, KNOWN) == []
    (stage,) = steps(found, "Propose", {"type": "Upsell"}, KNOWN)
    assert stage.segment is None


def test_what_holds_only_in_a_segment_is_told_there_alone() -> None:
    renewal = record(9, 10, 8, 20, field="type", value="Renewal")
    found = book(practice("demos", holds=False, segments=(renewal,)), type=["Renewal"])
    assert steps(found, "Propose", {}, KNOWN) == []
    assert len(steps(found, "Propose", {"type": "Renewal"}, KNOWN)) == 1


def test_a_stage_without_a_page_has_no_steps() -> None:
    assert steps(book(practice("demos")), "Negotiate", {}, KNOWN) == []
    assert steps(book(practice("demos")), None, {}, KNOWN) == []


def test_what_a_deal_is_by_its_facts_and_amount() -> None:
    told = {
        **book(**{"type": ["New"], "accounts.industry": ["Mining"], "size": ["0 to 10"]}),
        "size_bounds": [0, 10, 99],
    }
    facts = {"type": "New", "industry": "Mining", "region": "North"}
    assert kinds_of(told, facts, 5.0) == {"type": "New", "accounts.industry": "Mining", "size": "0 to 10"}
    assert kinds_of(told, {}, math.nan) == {}
    assert kinds_of(told, {}, 1e9) == {"size": "10 to 99"}  # as large as the largest there were


def test_kinds_in_words() -> None:
    assert spoken_kind("lead_source", "Web") == "of the lead source Web"
    assert spoken_kind("accounts.industry", "Mining") == "of accounts of the industry Mining"
    assert spoken_kind("size", "0 to 10") == "worth 0 to 10"


def test_stages_come_in_the_order_of_the_process() -> None:
    pages = {"b": {"position": 1.0}, "a": {"position": 2.0}, "d": {"position": None}, "c": {"position": None}}
    assert in_process({"stages": pages}) == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    ("odds", "low", "high", "after", "verdict"),
    [
        (1.8, 1.3, 2.5, 0.01, "more"),
        (0.5, 0.3, 0.8, 0.01, "less"),
        (1.8, 1.3, 2.5, 0.3, ""),
        (1.05, 0.8, 1.4, 0.9, "alike"),
        (1.3, 1.05, 1.45, 0.2, "alike"),
        (1.1, 0.5, 2.4, 0.9, ""),
        (None, None, None, None, ""),
    ],
)
def test_whether_more_of_it_goes_with_winning(odds, low, high, after, verdict) -> None:
    assert volume_verdict({"odds": odds, "low": low, "high": high, "after": after}, 0.1) == verdict

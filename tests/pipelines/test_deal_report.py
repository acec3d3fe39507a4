"""One deal in words, with everything that can be said of one, as people last read and approved it."""

from datetime import date, datetime

from pipelines.explain import ExplainResult
from pipelines.reports.deal import explanation
from serving.formats import HOUSE, Formats, formats_of

SCORE = {
    "opportunity_id": "D04001",
    "name": "Analytics for Heron",
    "account": "Heron GmbH",
    "stage": "Proposal",
    "owner": "Ada Baker",
    "as_of": datetime.fromisoformat("2026-08-14T23:59:59.999"),
    "win_probability": 0.414,
    "grade": "B",
    "score": 41,
    "win_probability_this_period": 0.09,
    "stall_risk": 0.31,
    "expected_close_date": date(2026, 9, 22),
    "close_p10": date(2026, 8, 25),
    "close_p90": date(2026, 11, 30),
    "close_date": date(2026, 8, 31),
    "slip_probability": 0.77,
    "expected_amount": 48_200.0,
    "data_confidence": 0.82,
    "model_version": "3",
    "scored_at": datetime.fromisoformat("2026-08-15T01:30"),
}


def reason(says: str, evidence: str, points: float) -> dict:
    return {"says": says, "evidence": evidence, "points": points}


MOVED = {
    "since": "2026-08-07",
    "from": 0.331,
    "to": 0.414,
    "facts": 0.083,
    "moves": [
        {"says": "Moved forward today.", "before": "Last moved forward 24 days ago.", "points": 0.061},
        {"says": "2 people at the buyer's reached so far.", "before": "", "points": 0.03},
    ],
    "rest": -0.008,
    "late": 0.0,
    "model": 0.0,
}
REASONS = {
    "base": 0.31,
    "for": [reason("Type: Renewal, of which 61 % were won lately.", "Deals like it are won.", 0.14)],
    "against": [reason("No reply from the buyer for 24 days.", "", -0.05)],
    "rest": 0.014,
    "missing": ["next step"],
    "moved": MOVED,
}
STALLING = {"base": 0.28, "for": [reason("Nothing was entered for 24 days.", "Such deals stall.", 0.06)], "against": []}
COACHING = [{"kind": "gap", "says": "1 person reached so far. 68 % of won deals had reached 2 or more by now."}]

SAID = """\
Analytics for Heron · Heron GmbH
D04001 · Proposal · Ada Baker · as of 2026-08-14

  Win chance       41 % (grade B, score 41)
  This period      9 %
  Stall risk       31 %
  Likely close     2026-09-22, if won (8 of 10 between 25 Aug and 30 Nov)
  Planned close    2026-08-31: 77 % chance that it is still open then
  Worth            48 k
  Data confidence  82 % (missing: next step)

From 31 %, the chance of a typical open deal, to 41 %:

What speaks for it
  • Type: Renewal, of which 61 % were won lately. (+14 points)
    Deals like it are won.

What speaks against it
  • No reply from the buyer for 24 days. (−5 points)

  Everything else together: +1 point

Since 2026-08-07: 33 % → 41 % (+8 points)
  • Moved forward today. (+6 points)
    Then: Last moved forward 24 days ago.
  • 2 people at the buyer's reached so far. (+3 points)
  • Other facts together. (−1 point)

What won deals had at this stage (association, not a promise)
  → 1 person reached so far. 68 % of won deals had reached 2 or more by now.

Why it may stall (a typical open deal: 28 %)
  • Nothing was entered for 24 days. (+6 points)
    Such deals stall.

Model 3, scored 2026-08-15 01:30 UTC."""


def told(formats: Formats = HOUSE, **moved: object) -> str:
    result = ExplainResult(SCORE, {**REASONS, "moved": {**MOVED, **moved}}, STALLING, COACHING, formats)
    return explanation(result).replace("\u00a0", " ")


def since(text: str) -> str:
    """What is said of the change."""
    return text.partition("Since ")[2].partition("\n\n")[0]


def test_one_deal_in_words() -> None:
    assert told() == SAID


def test_figures_and_days_by_the_locale() -> None:
    text = told(formats_of("de-DE"))
    assert "as of 14.08.2026" in text
    assert "22.09.2026, if won" in text
    assert "Worth            48.000" in text
    assert since(text).startswith("07.08.2026: 33 % → 41 % (+8 points)")


def test_where_only_the_model_changed_that_is_said() -> None:
    text = told(facts=0.001, moves=[], rest=0.001, model=0.082)
    assert since(text) == (
        "2026-08-07: 33 % → 41 % (+8 points)\n  • The facts did not change, the model did. (+8 points)"
    )


def test_what_was_entered_late_and_what_another_model_says_stand_beside_the_facts() -> None:
    text = since(told(late=-0.02, model=0.021))
    assert "What was entered or corrected since about the time before. (−2 points)" in text
    assert "Another model answers now; of the same facts it says this much else. (+2 points)" in text.replace(
        "\n    ", " "
    )


def test_a_chance_that_stands_where_it_stood_needs_no_words() -> None:
    assert "Since" not in told(facts=0.002, moves=[], rest=0.002, to=0.333)

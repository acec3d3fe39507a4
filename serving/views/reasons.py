"""Why: the reasons for and against a deal, for and against a stall, and what has moved the chance since."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store_tables import SCORES
from serving.views.scores import of_deal_and_run
from serving.views.unfolding import elements, entry, unfolded
from serving.views.view import Column, Kind, View


def _sides(raising: str, lowering: str) -> sa.Subquery:
    """Both sides: what they are called in the stored reasons, and in the view."""

    def side(stored: str, told: str) -> sa.Select[str, str]:
        return sa.select(sa.literal(stored).label("stored"), sa.literal(told).label("told"))

    return sa.union_all(side("for", raising), side("against", lowering)).subquery("side")


def _reasons(name: str, meaning: str, stored: sa.Column[str], told: tuple[str, str], of_what: str) -> View:
    sides = _sides(*told)
    reason = elements(stored, sides.c.stored, alias="reason")
    value = reason.c.value
    return View(
        name,
        meaning,
        ("run_id", "opportunity_id", "side", "rank"),
        (
            *of_deal_and_run(),
            Column("side", Kind.TEXT, f"`{told[0]}` or `{told[1]}`: which way it moves {of_what}.", sides.c.told),
            Column("rank", Kind.COUNT, "Its place on its side; 1 weighs most.", reason.c.key + 1),
            unfolded(value, "reason_group", Kind.TEXT, "The features that it sums, under one name.", at="group"),
            unfolded(value, "feature", Kind.TEXT, "The one of them that it is told by ([features](features.md))."),
            unfolded(value, "value", Kind.NUMBER, "That feature's value; missing where it is not known."),
            unfolded(value, "says", Kind.TEXT, "The fact, in a sentence."),
            unfolded(
                value, "evidence", Kind.TEXT, "The record of deals like it, in a sentence; empty where it says little."
            ),
            unfolded(value, "points", Kind.NUMBER, f"By how much it moves {of_what}.", "0.01 = a point"),
            unfolded(
                value, "rate", Kind.NUMBER, "Share of past deals with a like value for which it came true.", "0 to 1"
            ),
            unfolded(value, "deals", Kind.COUNT, "How many such deals there were.", "deals"),
            unfolded(value, "actionable", Kind.FLAG, "Whether a rep can do something about it."),
        ),
        SCORES.join(sides, sa.true()).join(reason, sa.true()),
        dated_by="as_of",
    )


_MOVE = elements(SCORES.c.reasons, "moved", "moves", alias="move")
_MOVED = _MOVE.c.value

VIEWS = (
    _reasons(
        "bi_reasons",
        "A reason for or against a deal's win chance in a scoring run.",
        SCORES.c.reasons,
        ("for", "against"),
        "the win chance",
    ),
    _reasons(
        "bi_stall_reasons",
        "A reason why a deal may stall, or not, in a scoring run.",
        SCORES.c.stall_reasons,
        ("raises", "lowers"),
        "the stall risk",
    ),
    View(
        "bi_score_moves",
        "A reason why a deal's win chance moved since the scoring run before.",
        ("run_id", "opportunity_id", "rank"),
        (
            *of_deal_and_run(),
            Column(
                "since",
                Kind.TEXT,
                "The day as of which the run before was, YYYY-MM-DD.",
                entry(SCORES.c.reasons, "moved", "since"),
            ),
            Column("rank", Kind.COUNT, "Its place; 1 moved most.", _MOVE.c.key + 1),
            unfolded(_MOVED, "reason_group", Kind.TEXT, "The features that it sums, under one name.", at="group"),
            unfolded(_MOVED, "feature", Kind.TEXT, "The one of them that it is told by."),
            unfolded(_MOVED, "says", Kind.TEXT, "The fact today, in a sentence."),
            unfolded(_MOVED, "before", Kind.TEXT, "The fact then; empty where it says the same."),
            unfolded(_MOVED, "points", Kind.NUMBER, "By how much it moved the win chance.", "0.01 = a point"),
        ),
        SCORES.join(_MOVE, sa.true()),
        dated_by="as_of",
    ),
)

"""What could be done: the steps of each deal's coaching, as it was shown; what a trial withholds is not in it."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store_tables import SCORES
from serving.views.scores import of_deal_and_run
from serving.views.unfolding import elements, entry, unfolded
from serving.views.view import Column, Kind, View

_STEP = elements(SCORES.c.coaching, alias="step")
_V = _STEP.c.value

VIEWS = (
    View(
        "bi_coaching",
        "A step of a deal's coaching in a scoring run: what won deals had by then (`gap`), or the smallest change by "
        "which the model would answer differently (`change`). Association, not a promise.",
        ("run_id", "opportunity_id", "step"),
        (
            *of_deal_and_run(),
            Column("step", Kind.COUNT, "Its place; 1 is first.", _STEP.c.key + 1),
            unfolded(_V, "kind", Kind.TEXT, "`gap` or `change`."),
            Column(
                "name",
                Kind.TEXT,
                "The practice or the action by its own name.",
                sa.func.coalesce(entry(_V, "practice"), entry(_V, "action")),
            ),
            unfolded(_V, "brief", Kind.TEXT, "In a few words."),
            unfolded(_V, "says", Kind.TEXT, "In sentences."),
            unfolded(_V, "feature", Kind.TEXT, "Of a gap: the feature by which it is seen."),
            unfolded(_V, "value", Kind.NUMBER, "Of a gap: that feature's value.", at="here"),
            unfolded(_V, "won_share", Kind.NUMBER, "Of a gap: share of won deals that had it.", "0 to 1", at="won"),
            unfolded(_V, "won_deals", Kind.COUNT, "Of a gap: how many won deals there were.", "deals"),
            unfolded(_V, "lost_share", Kind.NUMBER, "Of a gap: share of lost deals that had it.", "0 to 1", at="lost"),
            unfolded(_V, "lost_deals", Kind.COUNT, "Of a gap: how many lost deals there were.", "deals"),
            unfolded(
                _V, "odds_ratio", Kind.NUMBER, "Of a gap: odds ratio of having had it, like deals compared.", at="odds"
            ),
            unfolded(_V, "odds_low", Kind.NUMBER, "Of a gap: lower end of its interval.", at="low"),
            unfolded(_V, "odds_high", Kind.NUMBER, "Of a gap: upper end of its interval.", at="high"),
            unfolded(_V, "win_from", Kind.NUMBER, "Of a change: the win chance as it is.", "0 to 1", at="from"),
            unfolded(_V, "win_to", Kind.NUMBER, "Of a change: what the model would say.", "0 to 1", at="to"),
            unfolded(_V, "stall_from", Kind.NUMBER, "Of a change: the stall risk as it is.", "0 to 1"),
            unfolded(_V, "stall_to", Kind.NUMBER, "Of a change: what the model would say.", "0 to 1"),
            unfolded(_V, "like_deals", Kind.COUNT, "Of a change: closed deals like it that had it.", "deals"),
            unfolded(
                _V, "like_won", Kind.COUNT, "How many of these were won; missing where it is about stalling.", "deals"
            ),
            unfolded(
                _V, "like_stalled", Kind.COUNT, "How many of these stalled; missing where it is about winning.", "deals"
            ),
            unfolded(_V, "other_deals", Kind.COUNT, "Of a change: closed deals like it that had it not.", "deals"),
            unfolded(_V, "other_won", Kind.COUNT, "How many of these were won.", "deals"),
            unfolded(_V, "other_stalled", Kind.COUNT, "How many of these stalled.", "deals"),
        ),
        SCORES.join(_STEP, sa.true()),
        dated_by="as_of",
    ),
)

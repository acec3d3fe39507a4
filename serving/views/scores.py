"""Scoring runs: the deals that are open now, every score that was ever given, and the runs themselves."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store_tables import DEALS, RUNS, SCORES
from serving.views.unfolding import entry
from serving.views.view import Column, Kind, View, of

_S, _D = SCORES.c, DEALS.c
_NEWEST_FIRST = (RUNS.c.as_of.desc(), RUNS.c.started_at.desc(), RUNS.c.run_id.desc())
_SCORED = SCORES.join(DEALS, (_S.run_id == _D.run_id) & (_S.opportunity_id == _D.opportunity_id))


def newest_run(kind: str) -> sa.ScalarSelect[str]:
    """The newest run of a kind ("score", "forecast"), as the store's own readers choose it."""
    runs = sa.select(RUNS.c.run_id).where(RUNS.c.kind == kind)
    return runs.order_by(*_NEWEST_FIRST).limit(1).scalar_subquery()


def of_deal_and_run() -> tuple[Column, ...]:
    """What begins every view that has rows of a deal in a run."""
    return (
        of(_S.run_id, "The scoring run."),
        of(_S.as_of, "As of when the deal was looked at."),
        of(_S.opportunity_id, "The deal."),
    )


_SCORES = (
    *of_deal_and_run(),
    of(_D.name, "What people call the deal."),
    of(_D.account, "The account's name; empty where it has none."),
    of(_D.account_id, "The account."),
    of(_D.owner, "The owner's name."),
    of(_D.owner_id, "The owner; `bi_users` has more of them."),
    of(_D.stage, "The stage in which it stood."),
    of(_D.stage_since, "Since when it had stood there, as far as is known."),
    of(_D.amount, "Its amount in the CRM.", "the deal's currency"),
    of(_D.currency, "The currency in which it was entered; empty where none is given."),
    of(_D.close_date, "The close date that is planned in the CRM."),
    of(_S.win_probability, "Chance that it is won in the end.", "0 to 1"),
    of(_S.win_probability_change, "Its change since the run before; missing where there was none.", "0 to 1"),
    of(_S.score, "The win chance from 1 to 99."),
    of(_S.grade, "A to D."),
    of(_S.win_probability_this_period, "Chance that it is won within the fiscal period.", "0 to 1"),
    of(_S.expected_close_date, "The day by which half of the wins come, given a win."),
    of(_D.close_p10, "The day by which one in ten of the wins has come."),
    of(_D.close_p90, "The day by which nine in ten of the wins have come."),
    of(_D.slip_probability, "Chance to be still open at the end of the planned close date.", "0 to 1"),
    of(_S.stall_risk, "Chance that it makes no forward move in the days to come.", "0 to 1"),
    of(_S.expected_amount, "For how much it is won, if it is won.", "money"),
    of(_S.expected_revenue_this_period, "Expected amount × win chance within the period.", "money"),
    of(_S.revenue_at_stake, "What a stall would cost on the average.", "money"),
    of(_S.priority, "Its place in the list; 1 is first."),
    of(_S.data_confidence, "Share of the usual facts that the CRM has of it.", "0 to 1"),
    of(_S.model_version, "The model that has answered; `baseline` where none was trained."),
    of(_S.scored_at, "When it was scored."),
)


_LOUDEST = (
    Column("reason_for", Kind.TEXT, "What speaks for it the most, in a sentence.", entry(_S.reasons, "for", 0, "says")),
    Column(
        "reason_against",
        Kind.TEXT,
        "What speaks against it the most, in a sentence.",
        entry(_S.reasons, "against", 0, "says"),
    ),
    Column(
        "reason_to_stall",
        Kind.TEXT,
        "Why it may stall, in a sentence.",
        entry(_S.stall_reasons, "for", 0, "says"),
    ),
    Column("next_step", Kind.TEXT, "The first step of its coaching, in a few words.", entry(_S.coaching, 0, "brief")),
)


def _place(*within: sa.ColumnElement[object]) -> sa.ColumnElement[bool]:
    return sa.func.row_number().over(partition_by=list(within), order_by=list(_NEWEST_FIRST)) == 1


VIEWS = (
    View(
        "bi_open_deals",
        "A deal of the newest scoring run, the most urgent first by `priority`: how it stood and what was answered.",
        ("run_id", "opportunity_id"),
        (*_SCORES, *_LOUDEST),
        _SCORED,
        _S.run_id == newest_run("score"),
    ),
    View(
        "bi_score_history",
        "A deal in a scoring run: how it stood then and what was answered.",
        ("run_id", "opportunity_id"),
        _SCORES,
        _SCORED,
        dated_by="as_of",
    ),
    View(
        "bi_runs",
        "A run: what was computed, as of when, by which model. The other views' rows name theirs.",
        ("run_id",),
        (
            of(RUNS.c.run_id, "The run."),
            of(RUNS.c.kind, "`score` or `forecast`."),
            of(RUNS.c.as_of, "As of when the data were looked at."),
            of(RUNS.c.started_at, "When its answers were kept."),
            of(RUNS.c.model_version, "The model that has answered."),
            Column("is_newest", Kind.FLAG, "Whether it is the newest of its kind.", _place(RUNS.c.kind)),
            Column(
                "is_last_of_date",
                Kind.FLAG,
                "Whether it is the last of its kind as of that instant; a date can be answered twice.",
                _place(RUNS.c.kind, RUNS.c.as_of),
            ),
        ),
        RUNS,
        dated_by="as_of",
    ),
)

"""Deals that have closed, as the scoring runs since have seen them."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store_tables import CLOSED, RUNS
from serving.views.view import Column, Kind, View, of

_C = CLOSED.c
_NEWEST_FIRST = [RUNS.c.as_of.desc(), RUNS.c.started_at.desc(), RUNS.c.run_id.desc()]

VIEWS = (
    View(
        "bi_closed_deals",
        "A deal that had closed when a scoring run was made, of those that had not when the run before it was.",
        ("opportunity_id", "run_id"),
        (
            of(_C.run_id, "The scoring run."),
            of(RUNS.c.as_of, "As of when it looked at the deals."),
            of(_C.opportunity_id, "The deal."),
            of(_C.name, "What people call the deal."),
            of(_C.account, "The account's name; empty where it has none."),
            of(_C.owner_id, "The owner; `bi_users` has more of them."),
            of(_C.closed_at, "When it closed."),
            of(_C.is_won, "Whether it was won."),
            of(_C.amount, "Its amount in the CRM.", "the deal's currency"),
            of(_C.currency, "The currency in which it was entered; empty where none is given."),
            Column(
                "is_newest",
                Kind.FLAG,
                "Whether no later run has told of the deal's closing: a deal that was reopened closes again.",
                sa.func.row_number().over(partition_by=[_C.opportunity_id], order_by=_NEWEST_FIRST) == 1,
            ),
        ),
        CLOSED.join(RUNS, _C.run_id == RUNS.c.run_id),
        dated_by="as_of",
    ),
)

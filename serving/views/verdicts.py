"""What people say of deals beside the model's answer."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store_tables import DEALS, FEEDBACK
from serving.views.view import Column, Kind, View, of

_F, _D = FEEDBACK.c, DEALS.c


def _is_newest() -> sa.ColumnElement[bool]:
    return sa.func.row_number().over(partition_by=[_F.author, _F.opportunity_id], order_by=_F.id.desc()) == 1


VIEWS = (
    View(
        "bi_verdicts",
        "A person's verdict on a deal, with what the model said then and how the deal stood.",
        ("verdict_id",),
        (
            Column("verdict_id", Kind.COUNT, "Counts them.", _F.id),
            of(_F.made_at, "When it was given."),
            of(_F.opportunity_id, "The deal."),
            of(_D.name, "What people call the deal."),
            of(_D.account, "The account's name."),
            of(_D.owner, "The owner's name."),
            of(_D.stage, "The stage in which it stood."),
            of(_F.verdict, "`agree`, `dispute`, `override` or `snooze`."),
            of(_F.side, "Of a dispute: whether the model's chance is too `high` or too `low`."),
            of(_F.probability, "Of an override: the person's own chance.", "0 to 1"),
            of(_F.until, "Of a snooze: the day on which the deal comes back."),
            of(_F.note, "Why."),
            of(_F.author, "Whose word it is."),
            of(_F.run_id, "The scoring run that it is about."),
            of(_F.as_of, "As of when that was."),
            of(_F.win_probability, "The model's chance then.", "0 to 1"),
            of(_F.model_version, "The model that had answered."),
            Column("is_newest", Kind.FLAG, "Whether it is its author's newest on the deal.", _is_newest()),
        ),
        FEEDBACK.join(DEALS, (_F.run_id == _D.run_id) & (_F.opportunity_id == _D.opportunity_id)),
        dated_by="made_at",
    ),
)

"""The versions of the model, and who is champion."""

from __future__ import annotations

import sqlalchemy as sa

from serving.champions import How
from serving.store_tables import MODELS, PROMOTIONS
from serving.views.view import Column, Kind, View, of

_M, _P = MODELS.c, PROMOTIONS.c
_LATER = PROMOTIONS.alias("later")
_LAST = sa.select(sa.func.max(_LATER.c.id)).where(_LATER.c.version == _M.version).correlate(MODELS).scalar_subquery()
_EVER = PROMOTIONS.alias("ever")
_CHAMPION = sa.select(sa.func.max(_EVER.c.id)).scalar_subquery()

VIEWS = (
    View(
        "bi_model_versions",
        "A version of the model, with how it last became champion, if it ever did.",
        ("version",),
        (
            Column("version", Kind.ID, "Its number.", _M.version),
            of(_M.trained_at, "When it was trained."),
            of(_M.gate_passed, "Whether it has passed every check of the gate."),
            Column(
                "is_champion", Kind.FLAG, "Whether it answers today.", sa.func.coalesce(_P.id == _CHAMPION, sa.false())
            ),
            of(_P.promoted_at, "When it last became champion; missing where it never did."),
            Column(
                "promoted_how",
                Kind.TEXT,
                "By the `gate`, `forced` by a person, or by a `rollback`.",
                sa.case((_P.id.is_not(None), sa.func.coalesce(_P.how, sa.literal(How.GATE.value)))),
            ),
            of(_P.promoted_by, "Who has promoted it."),
            of(_P.reason, "Why."),
            of(_M.mlflow_run_id, "Its training run in MLflow."),
        ),
        MODELS.outerjoin(PROMOTIONS, _P.id == _LAST),
        dated_by="trained_at",
    ),
)

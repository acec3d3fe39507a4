"""Companies and linear models made so that the answer is known: who met the buyer, who was won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crm.tables import CrmTables
from features.dataset import ScoringSet, scoring_set
from features.feature import OwnField, Vocabulary
from features.histories import Histories
from features.settings import TimeSettings
from tests.histories import change, crm, deal, millis
from training.calibration import Calibrator
from training.deal_model import Answers, Boosters, DealModel
from training.models.line import Line
from training.models.win_curve import Curve

AS_OF = "2026-08-14T23:59:59.999"
EDGES = np.array([0.0, 30.0, 60.0])


def activity(opportunity_id: str, at: str, kind: str = "email", **said: object) -> dict[str, object]:
    """An activity that was entered when it took place; an e-mail to the buyer unless it says otherwise."""
    usual = {"direction": "outbound", "contact_id": "c1", "owner_id": "u1", "duration_minutes": 30.0}
    row = {"opportunity_id": opportunity_id, "occurred_at": at, "recorded_at": at, "kind": kind}
    return {**row, **usual, **said}


def company_of(
    had: Mapping[str, int],
    had_not: Mapping[str, int],
    *more: dict[str, object],
    kind: str = "demo",
    open_deals: Sequence[str] = ("OPEN",),
    **columns: object,
) -> CrmTables:
    """Closed deals, so many won and lost of those with one activity of a kind and of those without; and open ones.

    All are a month old, stood in one stage, and had an e-mail in their second week; `more` activities go beside.
    """
    deals, moves, activities = [], [], list(more)
    for group, outcomes in (("with", had), ("without", had_not)):
        for outcome, count in outcomes.items():
            for number in range(count):
                name = f"{group}-{outcome}-{number:03}"
                closing = {"closed_at": "2026-05-01", "is_won": outcome == "Won"}
                deals.append(deal(name, "2026-04-01", f"Closed {outcome}", amount=100.0 + number, **closing))
                moves.append(change(name, "2026-05-01", "stage", "Prospect", f"Closed {outcome}"))
                activities.append(activity(name, "2026-04-08"))
                if group == "with":
                    activities.append(activity(name, "2026-04-09", kind))
    for name in open_deals:
        deals.append(deal(name, "2026-07-20", amount=500.0, owner_id="u1", close_date="2026-09-15", **columns))
        activities.append(activity(name, "2026-07-27"))
    # A field is known at a past date where changes of it are recorded anywhere.
    moves.append(change(open_deals[0], "2026-07-21", "close_date", "2026-09-01", "2026-09-15"))
    moves.append(change(open_deals[0], "2026-07-21", "next_step", None, "call them"))
    moves.append(change(open_deals[0], "2026-07-22", "next_step", "call them", None))
    return crm(deals, changes=moves, activities=activities)


def linear_model(weights: Mapping[str, float], base: float = -0.5, fields: tuple[OwnField, ...] = ()) -> DealModel:
    """A model that answers by a line: log-odds = base + Σ weight × value (0 where not known)."""
    names, zeros = tuple(weights), (0.0,) * len(weights)
    # A line cuts what lies further than four standard deviations from the middle: here they are wide.
    wide = 1e9
    line = Line(base, zeros, (wide,) * len(weights), tuple(one * wide for one in weights.values()), zeros, zeros)
    boosters = Boosters(None, line, None)  # type: ignore[arg-type]
    vocabulary = Vocabulary(fields=fields)
    return DealModel(boosters, Calibrator(), Calibrator(), names, vocabulary, TimeSettings(), {"reference": {}})


def scoring_of(tables: CrmTables, model: DealModel, as_of: str = AS_OF) -> ScoringSet:
    """The open deals with what the model asks of them."""
    return scoring_set(Histories(tables), model.vocabulary, model.names, millis(as_of))


def answers_of(scoring: ScoringSet, model: DealModel) -> Answers:
    """What the model says; half of the wins come within a month."""
    x, n = model.matrix(scoring.features), len(scoring.snapshots)
    won = np.tile([0.0, 0.25, 0.5], (n, 1))
    curve = Curve(EDGES, won, won * 0, np.zeros(n))
    return Answers(model.win_chance(x), curve, model.stall_risk(x))

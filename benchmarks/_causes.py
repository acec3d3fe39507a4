"""Causes injected into a simulated company's open deals, with what each does to a deal's true chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import instants
from crm.simulator import Simulation
from crm.simulator.dynamics import HOT, QUIET
from crm.simulator.vocabulary import PRODUCTS, SOURCES, STAGES, TYPES
from crm.tables import CrmTables
from features.dataset import ScoringSet, scoring_set
from features.histories import Histories
from serving.movement import Then, movements
from serving.scoring import teller, texts
from training.deal_model import DealModel

DAYS = 45
"""For how long the buyer has been silent, or eager."""
LEAST_EFFECT = 0.02
"""Below two points of true effect its sign is no matter."""


@dataclass(frozen=True)
class Cause:
    """One change of a deal's facts.

    :param groups: groups of features that tell of it.
    :param alters: the tables as they would be, for these ids at this instant.
    :param otherwise: what :meth:`Simulation.true_win_probability_if` takes.
    :param turned: whether its effect has turned or grown over the company's history, so that the past tells otherwise.
    """

    name: str
    groups: frozenset[str]
    alters: Callable[[CrmTables, np.ndarray, pd.Timestamp], CrmTables]
    otherwise: dict[str, float]
    turned: bool = False


@dataclass(frozen=True)
class Found:
    """What the reasons said of a cause, a deal each: `truth` its true effect, `told` what its groups moved.

    Deals of which nothing that is known changed are left out: a buyer who never wrote cannot fall silent.

    :param first: whether the weightiest reason of the change is one of its groups.
    """

    cause: str
    deal: np.ndarray
    truth: np.ndarray
    told: np.ndarray
    change: np.ndarray
    first: np.ndarray


def _field(name: str, value: str) -> Callable[[CrmTables, np.ndarray, pd.Timestamp], CrmTables]:
    def alter(tables: CrmTables, ids: np.ndarray, at: pd.Timestamp) -> CrmTables:
        del at
        deals = tables["opportunities"].copy()
        deals.loc[deals["opportunity_id"].isin(ids), name] = value
        return tables.with_frames(opportunities=deals)

    return alter


def _moved_on(tables: CrmTables, ids: np.ndarray, at: pd.Timestamp) -> CrmTables:
    """Three days ago, or after what was last said of it, each deal went on to the next stage and its category."""
    deals, changes = tables["opportunities"].copy(), tables["changes"]
    mine = deals["opportunity_id"].isin(ids)
    said = changes[changes["changed_at"] <= at].groupby("opportunity_id")["changed_at"].max()
    last = deals.loc[mine, "opportunity_id"].map(said).fillna(deals.loc[mine, "created_at"])
    when = np.maximum(last + pd.Timedelta(seconds=1), at - pd.Timedelta(days=3))
    names = [stage.name for stage in STAGES]
    new = deals.loc[mine, "stage"].map(lambda one: names[names.index(one) + 1])
    category = new.map({stage.name: stage.forecast_category for stage in STAGES})
    rows = []
    for field, after in (("stage", new), ("forecast_category", category)):
        moved = pd.DataFrame(
            {
                "opportunity_id": deals.loc[mine, "opportunity_id"],
                "changed_at": when,
                "field": field,
                "old_value": deals.loc[mine, field],
                "new_value": after,
                "changed_by": None,
            }
        )
        rows.append(moved[moved["old_value"] != moved["new_value"]])
        deals.loc[mine, field] = after
    return tables.with_frames(opportunities=deals, changes=_joined(changes, pd.concat(rows)))


def _silent(tables: CrmTables, ids: np.ndarray, at: pd.Timestamp) -> CrmTables:
    """Nothing has come from the buyer lately, and nobody has met."""
    acts = tables["activities"]
    theirs = (acts["direction"] == "inbound") | acts["kind"].isin(["meeting", "demo"])
    lately = acts["occurred_at"] > at - pd.Timedelta(days=DAYS)
    return tables.with_frames(activities=acts[~(acts["opportunity_id"].isin(ids) & theirs & lately)])


def _eager(tables: CrmTables, ids: np.ndarray, at: pd.Timestamp) -> CrmTables:
    """The buyer has written every third day, and there was a meeting every other week."""
    acts = tables["activities"]
    latest = acts[acts["opportunity_id"].isin(ids)].drop_duplicates("opportunity_id", keep="last")
    rows = []
    for kind, direction, every in (("email", "inbound", 3), ("meeting", "outbound", 14)):
        for ago in range(2, DAYS, every):
            when = at - pd.Timedelta(days=ago)
            new = {"occurred_at": when, "recorded_at": when, "kind": kind, "direction": direction, "subject": None}
            rows.append(latest.assign(**new, activity_id=latest["activity_id"] + f" {kind} {ago}"))
    return tables.with_frames(activities=_joined(acts, pd.concat(rows)))


def _joined(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    both = [frame, more[list(frame.columns)].astype(frame.dtypes.to_dict())]
    return pd.concat(both, ignore_index=True)


_BUYER = frozenset({"buyer_silence", "buyer_replies", "rhythm", "touches", "last_touch", "meetings", "demos"})
CAUSES = (
    Cause("moved on to the next stage", frozenset({"stage", "stage_moves", "stage_pace"}), _moved_on, {"further": 1}),
    Cause(f"the buyer silent for {DAYS} days", _BUYER, _silent, {"mood": QUIET}),
    Cause(f"the buyer eager for {DAYS} days", _BUYER, _eager, {"mood": HOT}),
    Cause("a renewal", frozenset({"segment_type"}), _field("type", TYPES[2]), {"type": 2}),
    Cause("new business", frozenset({"segment_type"}), _field("type", TYPES[0]), {"type": 0}),
    Cause("from a referral", frozenset({"segment_lead_source"}), _field("lead_source", SOURCES[1]), {"source": 1}),
    Cause(
        "from advertising", frozenset({"segment_lead_source"}), _field("lead_source", SOURCES[5]), {"source": 5}, True
    ),
    Cause("analytics", frozenset({"segment_product"}), _field("product", PRODUCTS[1]), {"product": 1}, True),
)


def injected(company: Simulation, model: DealModel, as_of: int, cause: Cause) -> Found:
    """Inject a cause into every open deal in which it does something, and ask for the reasons of the change."""
    at = instants(np.array([as_of]))[0]
    before = scoring_set(Histories(company.tables), model.vocabulary, model.names, as_of)
    every = before.prepared.histories.deals["opportunity_id"].to_numpy(object)
    ids = every[before.snapshots.deal]
    was = company.true_win_probability(ids, at)
    truth = company.true_win_probability_if(ids, at, **cause.otherwise) - was  # type: ignore[arg-type]
    matters = np.abs(truth) >= LEAST_EFFECT
    tables = cause.alters(company.tables, ids[matters], at)
    after = scoring_set(Histories(tables), model.vocabulary, model.names, as_of)
    return _told(before, after, model, np.flatnonzero(matters), truth[matters], cause)


def _told(
    before: ScoringSet, after: ScoringSet, model: DealModel, rows: np.ndarray, truth: np.ndarray, cause: Cause
) -> Found:
    tell = teller(after, model)
    both = [model.matrix(one.features) for one in (after, before)]
    changed = ~((both[0][rows] == both[1][rows]) | (np.isnan(both[0][rows]) & np.isnan(both[1][rows]))).all(axis=1)
    rows, truth = rows[changed], truth[changed]
    x, old = (one[rows] for one in both)
    shap, shap_then = (model.boosters.win.contributions(one) for one in (x, old))
    facts, facts_then = ([texts(one)[row] for row in rows] for one in (after, before))
    said = model.win_calibrator.probability(shap_then.sum(axis=1))
    then = Then(before.as_of, said, np.full(len(rows), np.nan), shap_then, old, facts_then, same_model=True)
    moved = movements(tell, x, shap, model.win_calibrator, then, facts)
    mine = [place for place, group in enumerate(tell.groups) if group in cause.groups]
    return Found(
        cause.name,
        before.snapshots.deal[rows],
        truth,
        tell.summed(shap[:, :-1] - shap_then[:, :-1])[:, mine].sum(axis=1),
        np.array([one.end - one.start for one in moved if one is not None]),
        np.array([bool(one.moves) and one.moves[0].group in cause.groups for one in moved if one is not None]),
    )

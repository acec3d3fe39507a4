"""Scores of all open deals at one date: what comes, what is at stake, in which order to look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from crm.clock import DAY, instants, utc_day
from crm.tables import OPPORTUNITIES
from features.catalogue import Catalogue
from features.dataset import ScoringSet
from features.engines import Prepared
from features.families.account_segments import ACCOUNT_SEGMENTS
from features.families.segment import SEGMENT_FIELDS
from features.feature import Feature
from features.histories import Histories
from serving.close_dates import expected_day
from serving.coach import Coach, as_json
from serving.explain import explanations, probability_points
from serving.feature_records import STALLED, WON
from serving.formats import HOUSE, Formats
from serving.grades import Grades, score_of
from serving.movement import Movement, Then, movements
from serving.store_tables import SCORE_COLUMNS
from serving.tell import Tell
from training.deal_model import Answers, DealModel
from training.models import tree_shap
from training.models.amount import AmountModel


@dataclass(frozen=True)
class Run:
    """What identifies a scoring run and the model that answers in it."""

    run_id: str
    as_of: int
    model_version: str


@dataclass(frozen=True)
class Explained:
    """Each deal's reasons, stall reasons and coaching, as JSON text; lists of n."""

    reasons: list[str]
    stall_reasons: list[str]
    coaching: list[str]


def score_table(
    scoring: ScoringSet,
    answers: Answers,
    explained: Explained,
    reference: Mapping[str, Any],
    previous: pd.Series,
    run: Run,
    grades: Grades,
) -> pd.DataFrame:
    """One row a deal in the columns of the contract, sorted by priority.

    :param previous: win probability by opportunity_id of the run before.
    """
    histories = scoring.prepared.histories
    ids = histories.deals["opportunity_id"].to_numpy(object)[scoring.snapshots.deal]
    score = score_of(answers.win)
    this_period = answers.win_within(_days_left(scoring))
    amount = current_amounts(histories)[scoring.snapshots.deal] * amount_model(reference).mean(scoring.stage)
    table = pd.DataFrame(
        {
            "run_id": run.run_id,
            "as_of": instants(np.full(len(ids), run.as_of)),
            "opportunity_id": pd.Series(ids, dtype="str"),
            "win_probability": answers.win,
            "win_probability_change": answers.win - previous.reindex(ids).to_numpy(float),
            "score": score,
            "grade": grades.of(score),
            "win_probability_this_period": this_period,
            "expected_close_date": expected_day(scoring.as_of, answers),
            "stall_risk": answers.stall,
            "expected_amount": amount,
            "expected_revenue_this_period": amount * this_period,
            "revenue_at_stake": amount * _share_at_stake(scoring, answers, reference),
            "priority": 0,
            "data_confidence": data_confidence(scoring)[0],
            "reasons": explained.reasons,
            "stall_reasons": explained.stall_reasons,
            "coaching": explained.coaching,
            "model_version": run.model_version,
            "scored_at": pd.Timestamp(datetime.now(UTC)),
        }
    )
    return prioritised(table, _share_at_stake(scoring, answers, reference))[list(SCORE_COLUMNS)]


def prioritised(table: pd.DataFrame, share_at_stake: np.ndarray) -> pd.DataFrame:
    """Sorted by revenue at stake, then share at stake, expected revenue, win probability; 1 = first."""
    share = np.where(np.isnan(share_at_stake), -1.0, share_at_stake)
    stake = table["revenue_at_stake"].fillna(-1.0)
    expected = table["expected_revenue_this_period"].fillna(-1.0)
    order = np.lexsort((table["opportunity_id"], -table["win_probability"], -expected, -share, -stake))
    ranked = table.iloc[order].reset_index(drop=True)
    ranked["priority"] = np.arange(1, len(ranked) + 1)
    return ranked


def explain_all(scoring: ScoringSet, model: DealModel, formats: Formats = HOUSE, then: Then | None = None) -> Explained:
    """Reasons and coaching of every deal, from exact SHAP values of the model that gives the probability.

    :param then: the run before, where there was one: why each chance has moved since is told with the reasons.
    """
    if not len(scoring.snapshots):
        return Explained([], [], [])  # LightGBM has no contributions of no rows
    x, won = model.matrix(scoring.features), teller(scoring, model, formats)
    shap, facts, missing = model.boosters.win.contributions(x), texts(scoring), data_confidence(scoring)[1]
    parts = probability_points(shap, model.win_calibrator)
    moved: Sequence[Movement | None] = [None] * len(x)
    if then is not None:
        moved = movements(won, x, shap, model.win_calibrator, then, facts)
    coach = Coach(model.facts["reference"]["playbook"], won.catalogue, model.names, formats)
    reasons, coaching = [], []
    for row, why in enumerate(explanations(won, x, parts[0], parts[1], facts)):
        change = moved[row]
        since = {} if then is None or change is None else {"moved": {"since": utc_day(then.as_of), **change.as_json()}}
        reasons.append(_dumps({**why.as_json(), "missing": missing[row], **since}))
        coaching.append(_dumps(as_json(coach.gaps(x[row], scoring.stage[row], facts[row], why))))
    if model.boosters.stall is None:
        return Explained(reasons, ["{}"] * len(x), coaching)
    parts = probability_points(tree_shap.contributions(model.boosters.stall, x), model.stall_calibrator)
    stalling = explanations(replace(won, outcome=STALLED), x, parts[0], parts[1], facts)
    return Explained(reasons, [_dumps(why.as_json()) for why in stalling], coaching)


def teller(scoring: ScoringSet, model: DealModel, formats: Formats = HOUSE) -> Tell:
    """What puts the model's contributions into words for these deals."""
    lacking = absent_features(scoring.prepared, model.names)
    # A model may have learned from what was banned since; its tables no longer tell which of the absent ones are so.
    uncited = frozenset(lacking) if scoring.prepared.histories.tables.wishes.banned else frozenset()
    catalogue = _worded(scoring.prepared, lacking)
    return Tell(model.names, catalogue, model.facts["reference"], WON, formats, uncited)


def explain_by_rates(
    scoring: ScoringSet, answers: Answers, overall: float, reference: Mapping[str, Any], formats: Formats = HOUSE
) -> Explained:
    """The one reason that a baseline has, the record of the deal's stage; and what won deals had done there."""
    names = tuple(scoring.features.columns)
    catalogue = _worded(scoring.prepared, absent_features(scoring.prepared, names))
    coach, facts = Coach(reference["playbook"], catalogue, names, formats), texts(scoring)
    x = scoring.features.to_numpy(float)
    missing = data_confidence(scoring)[1]
    reasons = []
    for row, stage in enumerate(scoring.stage):
        base = float(overall)
        moved = float(answers.win[row]) - base
        told = _stage_reason(stage, reference, moved, formats)
        sides = {"for": told if moved > 0 else [], "against": told if moved < 0 else []}
        reasons.append(_dumps({"base": base, **sides, "rest": 0.0 if told else moved, "missing": missing[row]}))
    coaching = [_dumps(as_json(coach.gaps(x[row], stage, facts[row]))) for row, stage in enumerate(scoring.stage)]
    return Explained(reasons, ["{}"] * len(reasons), coaching)


def texts(scoring: ScoringSet) -> list[dict[str, str]]:
    """What people call each deal's facts: stage, owner, currency, segments, the account's; a dictionary a deal."""
    histories = scoring.prepared.histories
    deals = histories.deals.iloc[scoring.snapshots.deal]
    banned = histories.tables.wishes.banned
    fields = [f for f in ("currency", "forecast_category", *SEGMENT_FIELDS) if (OPPORTUNITIES.name, f) not in banned]
    columns = {field: deals[field].astype(object).to_numpy() for field in fields}
    accounts = histories.tables["accounts"].drop_duplicates("account_id").set_index("account_id")
    for name in ACCOUNT_SEGMENTS:
        if ("accounts", name) not in banned:
            columns[name] = deals["account_id"].map(accounts[name]).astype(object).to_numpy()
    names = histories.owner_names
    owners = [names.get(owner, owner) if isinstance(owner, str) else "" for owner in deals["owner_id"]]
    # Where the stage has no history, what the CRM shows today is good enough to be shown.
    shown = deals["stage"].astype(object).where(deals["stage"].notna(), "its stage").to_numpy()
    rows = []
    for row, stage in enumerate(scoring.stage):
        facts = {field: str(values[row]) for field, values in columns.items() if not pd.isna(values[row])}
        rows.append({**facts, "stage": str(stage or shown[row]), "owner": owners[row] or "The owner"})
    return rows


def absent_features(prepared: Prepared, names: tuple[str, ...]) -> dict[str, str]:
    """Those of the named features that the company's tables do not give, and why."""
    why = {name: prepared.why_absent(prepared.catalogue.feature(name)) for name in names}
    return {name: reason for name, reason in why.items() if reason is not None}


def _worded(prepared: Prepared, lacking: Mapping[str, str]) -> Catalogue:
    """The catalogue, where a feature that the tables do not give (and why) is no fact about a deal."""

    def worded(feature: Feature) -> Feature:
        if feature.name not in lacking:
            return feature
        missing = f"Not known, because {lacking[feature.name]}."
        return replace(feature, wording=replace(feature.wording, missing=missing), actionable=False, practice=None)

    families = prepared.catalogue.families
    return Catalogue(tuple(replace(f, features=tuple(worded(one) for one in f.features)) for f in families))


_FACTS = (
    "amount", "close_date", "owner_id", "account_id", "next_step", "forecast_category", *SEGMENT_FIELDS
)  # fmt: skip


def data_confidence(scoring: ScoringSet) -> tuple[np.ndarray, list[list[str]]]:
    """Share of the usual facts that each deal has, and the names of those missing.

    A fact is usual where at least half of the open deals have it.
    """
    histories, rows = scoring.prepared.histories, scoring.snapshots.deal
    deals = histories.deals.iloc[rows]
    told = [field for field in _FACTS if (OPPORTUNITIES.name, field) not in histories.tables.wishes.banned]
    has = {field.replace("_id", "").replace("_", " "): deals[field].notna().to_numpy() for field in told}
    for what, stream in (("activity", "touches"), ("replies", "replies"), ("contacts", "met")):
        if stream in scoring.prepared.streams:
            events = scoring.prepared.streams[stream]
            has[what] = events.count(events.known(rows, scoring.snapshots.as_of)) > 0
    usual = {name: here for name, here in has.items() if len(here) and here.mean() >= 0.5}
    if not usual:
        return np.ones(len(rows)), [[] for _ in rows]
    share = np.mean(list(usual.values()), axis=0)
    return share, [[name for name, here in usual.items() if not here[row]] for row in range(len(rows))]


def current_amounts(histories: Histories) -> np.ndarray:
    """What each deal is worth as far as the CRM shows; shape (deals,), NaN = not known."""
    return histories.deals["amount"].to_numpy(float, na_value=np.nan)


def amount_model(reference: Mapping[str, Any]) -> AmountModel:
    """For how much deals are won, as kept with the reference; amounts as they stand where nothing was kept."""
    return AmountModel(**reference.get("amount", {}))


def _stage_reason(stage: str | None, reference: Mapping[str, Any], moved: float, form: Formats) -> list[dict[str, Any]]:
    record = reference["stages"].get(stage)
    if not record or not record["deals"]:
        return []
    rate = record["won"] / record["deals"]
    evidence = (
        f"Of the closed deals that stood there {form.percent(rate)} were won ({form.count(record['won'])} of "
        f"{form.count(record['deals'])}), of all {form.percent(reference['win_rate'])}."
    )
    return [
        {
            "group": "stage",
            "feature": "stage",
            "value": None,
            "says": f"Stands in {stage}.",
            "evidence": evidence,
            "points": moved,
            "rate": rate,
            "deals": record["deals"],
            "actionable": False,
        }
    ]


def _days_left(scoring: ScoringSet) -> float:
    _, end = scoring.prepared.calendar.bounds(np.array([scoring.as_of]))
    return float((end[0] - scoring.as_of) / DAY)


def _by_stage(scoring: ScoringSet, reference: Mapping[str, Any], name: str) -> np.ndarray:
    """A figure of the reference for each deal's stage; the company's where the stage has none."""
    overall = reference["all"].get(name)
    overall = np.nan if overall is None else overall
    found = {stage: record.get(name) for stage, record in reference["stages"].items()}
    return np.array([overall if found.get(s) is None else found[s] for s in scoring.stage], dtype=float)


def _share_at_stake(scoring: ScoringSet, answers: Answers, reference: Mapping[str, Any]) -> np.ndarray:
    """Stall risk × (win rate of like deals that moved on − of those that stalled); NaN without stall risk.

    Like deals are those of a like win chance; where too few are known, those of the stage.
    """
    record = reference.get("moved_by_chance")
    if record:
        moved = np.interp(answers.win, record["chance"], record["moved"])
        stalled = np.interp(answers.win, record["chance"], record["stalled"])
    else:
        moved = _by_stage(scoring, reference, "win_rate_moved")
        stalled = _by_stage(scoring, reference, "win_rate_stalled")
    return answers.stall * np.maximum(moved - stalled, 0.0)


def _dumps(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)

"""Reasons: how fast exact SHAP values come, and whether reasons point the way of what truly happened."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap

from benchmarks._causes import CAUSES, LEAST_EFFECT, Found, injected
from benchmarks._simulated import DEALS, SEEDS, past_of
from crm.simulator import SimulatorSettings, simulate
from features.catalogue import catalogue
from features.dataset import training_set
from features.histories import Histories
from features.settings import propose
from serving.explain import explanations, probability_points
from serving.feature_records import STALLED, WON
from serving.tell import Tell
from training.calibration import Calibrator
from training.learning import learn
from training.models import boosting, tree_shap
from training.reference import reference_tables
from training.rows import all_rows
from training.scores import mean_interval
from training.settings import BoostingSettings, Thresholds

TITLE = "Reasons: exact SHAP values at speed, and which way they point"
ROWS, FEATURES, TIMES = 100_000, 80, 3
FIT_ROWS = 40_000
OURS, LIGHTGBM, SHAP, WOODELF = "Dealcast", "LightGBM `pred_contrib`", "`shap.TreeExplainer`", "woodelf-explainer"


def run() -> str:
    """Two sections."""
    found = {}
    for seed in SEEDS:
        past = past_of(seed)
        model = learn(past.training, BoostingSettings(), Thresholds()).model
        found[seed] = [injected(past.company, model, past.end, cause) for cause in CAUSES]
        print(f"   {time.strftime('%H:%M:%S')} causes injected into company {seed}", file=sys.stderr, flush=True)
    return "\n".join(["### Speed", "", *speed(), "", "### Which way they point", "", *direction(found)])


def speed() -> list[str]:
    """Seconds for the win and the stall model's SHAP values of the same rows, median of several runs in turn."""
    histories = Histories(simulate(SimulatorSettings(deals=DEALS * 2, seed=1)).tables)
    training = training_set(histories, propose(histories), int(histories.episodes.closed[histories.closed].max()))
    rows = all_rows(training)
    kept = np.sort(np.argsort(np.isnan(rows.x).mean(axis=0), kind="stable")[:FEATURES])  # those most often known
    rng = np.random.default_rng(0)
    x = np.ascontiguousarray(rows.x[:, kept])
    explained = x[rng.choice(len(x), ROWS, replace=len(x) < ROWS)]
    boosters = _fitted(x, rows, rng)
    ways: dict[str, Callable[[lgb.Booster], np.ndarray]] = {
        OURS: lambda booster: tree_shap.contributions(booster, explained)[:, :-1],
        LIGHTGBM: lambda booster: tree_shap.by_lightgbm(booster, explained)[:, :-1],
        SHAP: lambda booster: np.asarray(shap.TreeExplainer(booster).shap_values(explained)),
        WOODELF: lambda booster: _woodelf(booster, explained),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    apart = dict.fromkeys(ways, 0.0)
    for _ in range(TIMES):
        values = {}
        for name, way in ways.items():
            began = time.perf_counter()
            values[name] = [way(booster) for booster in boosters.values()]
            seconds[name].append(time.perf_counter() - began)
        for name, both in values.items():
            off = max(float(np.abs(one - own).max()) for one, own in zip(both, values[SHAP], strict=True))
            apart[name] = max(apart[name], off)
    told = _told(training, rows, kept, boosters, explained)
    trees = " and ".join(f"{booster.num_trees()} ({name})" for name, booster in boosters.items())
    ours = statistics.median(seconds[OURS])
    lines = [
        f"{ROWS:,} rows × {FEATURES} features of a simulated company of {DEALS * 2:,} deals, win and stall, "
        f"{trees} trees of {BoostingSettings().num_leaves} leaves; median of {TIMES} runs in turn:",
        "",
        "| | rows a second (win + stall) | times as long as ours | largest difference to shap |",
        "|---|---|---|---|",
    ]
    for name, took in seconds.items():
        median = statistics.median(took)
        lines.append(f"| {name} | {ROWS / median:,.0f} | {median / ours:.1f} | {apart[name]:.1e} |")
    lines += ["", f"From the values to the reasons in words: {ROWS / told:,.0f} rows a second (win + stall)."]
    return lines


def _fitted(x: np.ndarray, rows: Any, rng: np.random.Generator) -> dict[str, lgb.Booster]:
    settings, found = BoostingSettings(), {}
    for name, target in (("win", np.where(rows.outcome < 0, np.nan, rows.outcome)), ("stall", rows.stalled)):
        known = np.flatnonzero(~np.isnan(target))
        some = np.sort(rng.choice(known, min(FIT_ROWS, len(known)), replace=False))
        found[name] = boosting.fit(x[some], target[some].astype(float), rows.group[some], settings)
    return found


def _woodelf(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    """As float64: it compares float32 with thresholds rounded to it, and then some rows fall on the other side."""
    explainer = import_module("woodelf").WoodelfExplainer(booster)
    return np.asarray(explainer.shap_values(pd.DataFrame(x.astype(float)), verbose=False))


def _told(training: Any, rows: Any, kept: np.ndarray, boosters: dict[str, lgb.Booster], x: np.ndarray) -> float:
    """Seconds from SHAP values to the reasons' JSON, win and stall."""
    known = catalogue(training.vocabulary)
    reference = reference_tables(rows, training.labels.amount_ratio, known, training.kinds)
    names = tuple(rows.names[column] for column in kept)
    shap_values = [tree_shap.contributions(booster, x) for booster in boosters.values()]
    facts = [{"stage": "Proposal", "owner": "Ada"}] * len(x)
    began = time.perf_counter()
    for values, outcome in zip(shap_values, (WON, STALLED), strict=True):
        base, points, _ = probability_points(values, Calibrator())
        for one in explanations(Tell(names, known, reference, outcome), x, base, points, facts):
            one.as_json()
    return time.perf_counter() - began


def direction(found: dict[int, list[Found]]) -> list[str]:
    """How often reasons point the way of the injected cause's true effect."""
    companies = f"{len(found)} companies of {DEALS:,} deals"
    lines = [
        f"{companies}, trained half a year before. Into every deal that is open on the last day a cause is injected, "
        "so that its tables are what they would have been; its true effect is known from the simulation (deals with an "
        f"effect below {LEAST_EFFECT:.0%}, and those of which no feature changes, are left out). *Told right*: the "
        "reasons of the cause's own features changed in the direction of the true effect. *Named first*: they are the "
        "weightiest of the change.",
        "",
        "| injected | deals | true effect | change of the win chance | told right | named first |",
        "|---|---|---|---|---|---|",
    ]
    right: list[np.ndarray] = []
    deals: list[np.ndarray] = []
    for number, cause in enumerate(CAUSES):
        of_it = [company[number] for company in found.values()]
        truth, told, change, first = (
            np.concatenate([getattr(one, name) for one in of_it]) for name in ("truth", "told", "change", "first")
        )
        right.append((np.sign(told) == np.sign(truth)).astype(float))
        deals.append(np.concatenate([one.deal + company * 10_000_000 for company, one in enumerate(of_it)]))
        star = "*" if cause.turned else ""
        lines.append(
            f"| {cause.name}{star} | {len(truth):,} | {truth.mean():+.1%} | {change.mean():+.1%} "
            f"| {right[-1].mean():.0%} | {first.mean():.0%} |"
        )
    steady = [place for place, cause in enumerate(CAUSES) if not cause.turned]
    for what, places in (("all but those with *", steady), ("all", range(len(CAUSES)))):
        some, of = (np.concatenate([column[place] for place in places]) for column in (right, deals))
        share = mean_interval(some, np.ones(len(some)), of)
        lines.append(f"| {what} | {len(some):,} | | | {share.value:.1%} ({share.low:.1%} to {share.high:.1%}) | |")
    lines += [
        "",
        "*: its effect has turned or grown within the three years (analytics lost at first, win today), so that what "
        "most of the history teaches is not what is true on the last day.",
    ]
    return lines

"""Pictures of a model for data scientists: does it keep its promise, what does it look at."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import shap
from matplotlib.figure import Figure

from crm.clock import instants
from training.deal_model import DealModel
from training.forecast.record import OURS
from training.rows import Rows
from training.scorecard import Card, JudgedRows
from training.scores import EPSILON

matplotlib.use("Agg")

MOST_ROWS = 2_000


def reliability_plot(card: Card) -> Figure:
    """Promised against kept, one dot a bin, its area the deals in it."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    promised = [row.promised for row in card.reliability]
    kept = [row.kept for row in card.reliability]
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.scatter(promised, kept, s=[max(row.deals, 4) for row in card.reliability], color="#2b6cb0")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="promised", ylabel="kept", title=card.question)
    axes.set_aspect("equal")
    return figure


def lift_plot(judged: JudgedRows) -> Figure:
    """Which share of the wins lies among the rows given most, a line a model; the diagonal knows nothing."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, p in judged.probabilities.items():
        share, found = gains(judged.y, p, judged.weight)
        axes.plot(share, found, label=name, linewidth=2 if name == "model" else 1)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of rows, the highest first", ylabel="share of the wins among them")
    axes.legend(loc="lower right")
    axes.set_aspect("equal")
    return figure


def gains(y: np.ndarray, p: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative shares of all rows and of the wins, by falling probability, equal ones together; from 0 to 1."""
    level = np.unique(-p, return_inverse=True)[1]
    rows, wins = np.bincount(level, weight), np.bincount(level, weight * y)
    return (
        np.concatenate([[0.0], np.cumsum(rows) / rows.sum()]),
        np.concatenate([[0.0], np.cumsum(wins) / max(wins.sum(), EPSILON)]),
    )


def fan_plot(record: pd.DataFrame) -> Figure:
    """The company's forecasts of each period as it drew near: range and middle by date, and what came true."""
    ours = record[(record["method"] == OURS) & (record["level"] == "company") & (record["window"] == 0)]
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    for number, (_, rows) in enumerate(ours.sort_values("as_of").groupby("period_end")):
        day = instants(rows["as_of"].to_numpy()).dt.tz_localize(None).to_numpy()
        first = number == 0
        axes.fill_between(
            day, rows["p10"], rows["p90"], color="#2b6cb0", alpha=0.25, label="8 of 10" if first else None
        )
        axes.plot(day, rows["p50"], color="#2b6cb0", label="middle" if first else None)
        axes.plot(day, rows["already_won"], color="0.6", linewidth=1, label="won by then" if first else None)
        axes.plot(day, rows["actual"], color="black", linewidth=1.5, label="came true" if first else None)
    axes.set(ylabel="revenue of the period", title="Forecasts of past periods, from each week of them", ylim=(0, None))
    if len(ours):
        axes.legend(loc="upper left")
    return figure


def shap_plot(model: DealModel, rows: Rows, seed: int = 0) -> Figure:
    """SHAP beeswarm of the win model on a sample of rows, in log-odds."""
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS]
    values = model.boosters.win.contributions(rows.x[chosen])
    explanation = shap.Explanation(
        values[:, :-1], base_values=values[:, -1], data=rows.x[chosen], feature_names=list(model.names)
    )
    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots()
    shap.plots.beeswarm(explanation, max_display=20, show=False, ax=axes, plot_size=None)
    return figure

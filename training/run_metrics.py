"""What is logged as numbers of a run: flat names, finite values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from training.forecast.summary import Score


def training_metrics(facts: Mapping[str, Any]) -> dict[str, float]:
    """A training's scores by card, line and score, and those of its close dates; from the model's facts."""
    metrics = {}
    for key, card in facts["scores"].items():
        for line in card["lines"]:
            name = line["name"].replace(" ", "_")
            for score in ("log_loss", "brier", "auc", "gain"):
                metrics[f"{key}.{name}.{score}"] = line[score]["value"]
            metrics[f"{key}.{name}.calibration_error"] = line["calibration_error"]
        metrics[f"{key}.calibration_slope"] = card["slope"][0]
    return _finite({**metrics, **_close_date_metrics(facts["close_date_record"])})


def _close_date_metrics(record: Mapping[str, Any] | None) -> dict[str, float]:
    """Of the day of winning: coverage of both spans, and errors in days."""
    if record is None:
        return {}
    metrics = {f"day_of_win.{name}": record[name] for name in ("rows", "deals", "horizon_days")}
    for which in ("span", "other"):
        found = record[which]
        for name, value in (("inside", found["inside"]["value"]), *((n, found[n]) for n in ("promised", "shape"))):
            metrics[f"day_of_win.{which}.{name}"] = value
    for name in ("error", "error_of_plan", "error_of_stage"):
        if record[name] is not None:
            metrics[f"day_of_win.{name}"] = record[name]["value"]
    return metrics


def slice_metrics(one: Mapping[str, Any]) -> dict[str, float]:
    """Counts and scores of a slice, named as those of the whole are."""
    scores = {
        f"win.{line.replace(' ', '_')}.{name}": value
        for line, of_line in one["scores"].items()
        for name, value in of_line.items()
    }
    return _finite({"rows": one["rows"], "deals": one["deals"], "kept": one["kept"], **scores})


def forecast_metrics(scores: Sequence[Score]) -> dict[str, float]:
    """A backtest's scores at the company's level by method and weeks left to the end of the period around them."""
    metrics = {}
    for score in scores:
        if score.level == "company" and score.window == 0:
            where = f"{score.method.replace(' ', '_')}.week_{score.weeks_left:g}"
            for name in ("wape", "bias", "inside", "pinball", "crps"):
                metrics[f"{where}.{name}"] = getattr(score, name)
    return _finite(metrics)


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not math.isnan(value)}

"""What `dealcast backtest` brought, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from crm.hierarchy import COMPANY, LEVELS
from pipelines.backtest import BacktestResult
from pipelines.reports.record import in_words
from pipelines.terminal import or_dash, wrap, wrapped_all
from serving.wording import percent
from training.forecast.record import OURS
from training.forecast.summary import Score

_LEGEND = (
    "off by: Σ|forecast − what came| ÷ Σ what came, of the whole period's revenue; 0 % is perfect. A baseline that "
    "knows no year before makes fewer forecasts.",
    "CRPS: how far the whole range was from what came, ÷ what came; a baseline's range is that of its own earlier "
    "errors, ours beside it is of the same forecasts.",
    "Models were fitted anew at the beginning of each period on what was known then, and answered its weeks.",
)
_SHOWN = 4


def backtest_text(result: BacktestResult) -> str:
    """The record beside the baselines, by weeks to the end of the period."""
    scores = [score for score in result.scores if score.window == 0]
    company = [score for score in scores if score.level == COMPANY]
    weeks = _shown_weeks(company)
    ours = {score.weeks_left: score for score in company if score.method == OURS}
    unit, ahead = ("weeks", "{:.0f}".format) if max(weeks) > 1 else ("days", lambda week: f"{week * 7:.0f}")
    periods = max(score.periods for score in ours.values())
    lines = [
        wrap(f"Forecasts of the last {periods} full periods, from every week with what was known then"),
        "",
        f"{f'off by, so many {unit} before the end':36}" + "".join(f"{ahead(week):>9}" for week in weeks),
    ]
    for method in sorted({score.method for score in company}, key=lambda name: (name != OURS, name)):
        found = {score.weeks_left: score.wape for score in company if score.method == method}
        lines.append(_line(method, [found.get(week, math.nan) for week in weeks]))
    lines += [
        "",
        _line("of ours: too high (+) or low (−)", [ours[week].bias for week in weeks], signed=True),
        _line("          range held", [ours[week].inside for week in weeks]),
        _line("          CRPS", [ours[week].crps for week in weeks]),
        "",
        *_held(scores),
        "",
        *wrapped_all(_nearer(company, weeks)),
        "",
        *wrapped_all(_LEGEND),
    ]
    return "\n".join(lines)


def backtest_json(result: BacktestResult) -> str:
    """A machine's summary: all scores."""
    scores = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in asdict(one).items()}
        for one in result.scores
    ]
    return json.dumps(
        {"run_id": result.run_id, "parts": result.parts, "resumed": result.resumed, "scores": scores},
        ensure_ascii=False,
    )


def _shown_weeks(company: Sequence[Score]) -> list[float]:
    """A few of the weeks that there are, the first and the last among them, the farthest from the end first."""
    weeks = sorted({score.weeks_left for score in company if score.method == OURS}, reverse=True)
    if len(weeks) <= _SHOWN:
        return weeks
    wanted = [13.0, 8.0, 4.0, 1.0] if weeks[0] == 13 else []
    places = [round(place * (len(weeks) - 1) / (_SHOWN - 1)) for place in range(_SHOWN)]
    return wanted or [weeks[place] for place in places]


def _line(name: str, shares: Sequence[float], signed: bool = False) -> str:
    def cell(share: float) -> str:
        return f"{share:+.0%}".replace("-", "−") if signed else percent(share)

    return f"{name:36}" + "".join(f"{or_dash(share, cell):>9}" for share in shares)


def _held(scores: Sequence[Score]) -> list[str]:
    """How often ranges held at each level, over all weeks."""
    lines = []
    for level in LEVELS:
        found = [score for score in scores if score.level == level and score.method == OURS]
        forecasts = sum(score.forecasts for score in found)
        if forecasts:
            inside = sum(score.inside * score.forecasts for score in found) / forecasts
            lines.append(f"{level:8}  the 80 % range held in {percent(inside)} of {forecasts:,} forecasts")
    return lines


def _nearer(company: Sequence[Score], weeks: Sequence[float]) -> list[str]:
    """Where a baseline was nearer to what came than we were, of the forecasts that it made."""
    better = [score for score in company if score.weeks_left in weeks and score.wape < score.beside]
    if not better:
        return ["No baseline was nearer to what came at any of these weeks."]
    return [
        f"{in_words(score.weeks_left)} before the end {score.method} was nearer: off by {percent(score.wape)}, "
        f"ours of the same forecasts by {percent(score.beside)}."
        for score in sorted(better, key=lambda score: -score.weeks_left)
    ]

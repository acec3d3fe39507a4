"""How past forecasts did, in a sentence beside the forecast that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from serving.wording import percent
from training.forecast.record import OURS
from training.forecast.summary import Score


def record_sentence(scores: Sequence[Score], weeks: float, period: str) -> str:
    """How forecasts of the company did that were made about as long before the end; empty without a record.

    :param scores: of the company's own period; :param period: what a period is called.
    """
    ours = [score for score in scores if score.method == OURS]
    if not ours:
        return ""
    own = min(ours, key=lambda score: abs(score.weeks_left - weeks))
    others = [score for score in scores if score.weeks_left == own.weeks_left and score.method != OURS]
    nearest = min(others, key=lambda score: score.wape - score.beside, default=None)
    beside = "" if nearest is None else f" ({nearest.method}, the nearest of others: {_against_ours(nearest, own)})"
    return (
        f"{in_words(own.weeks_left)} before the end of the last {own.periods} {period}s the range held in "
        f"{round(own.inside * own.forecasts)} of {own.forecasts} forecasts; the mean was off by "
        f"{percent(own.wape)}{beside}"
    )


def in_words(weeks: float) -> str:
    """A span of weeks, or of days where it is shorter than one."""
    count, unit = (round(weeks), "week") if weeks >= 1 else (round(weeks * 7), "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _against_ours(score: Score, own: Score) -> str:
    """A baseline's error; with ours of the same forecasts where it could not make all of them."""
    if score.forecasts == own.forecasts:
        return percent(score.wape)
    return f"{percent(score.wape)}, against {percent(score.beside)} in the {score.forecasts} that it could make"

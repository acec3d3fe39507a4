"""A real pipeline: a bank's loan offers (BPI Challenge 2012), scored at a date, judged by what came after."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._tables import reliability_lines, saved_line, score_lines
from crm.clock import DAY, parse_as_of
from crm.history import known_by
from crm.sources.files import read_folder
from features.dataset import TrainingSet, training_set
from features.histories import Histories
from features.settings import propose
from pipelines.cli import main
from training.models.rates import StageRates, win_rates
from training.rows import Rows, all_rows

TITLE = "A real pipeline: loan offers, scored as of 2011-12-18"
AS_OF, JUDGED = "2011-12-18", "2012-01-15"


def run() -> str | None:
    """Train and score through the command line as of one date; judge by the tables as of a later one."""
    root = os.environ.get("DEALCAST_REAL_DATA")
    data = Path(root or "") / "loan_offers"
    if root is None or not data.is_dir():
        print("loan_offers: left out, DEALCAST_REAL_DATA does not name a folder that has it", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        home, out = Path(folder) / "home", Path(folder) / "scores.parquet"
        common = ["--data", str(data), "--as-of", AS_OF, "--home", str(home)]
        for command in (["train", *common], ["score", *common, "--out", str(out)]):
            if main(command) != 0:
                raise RuntimeError(f"dealcast {' '.join(command)} failed")
        scores = pd.read_parquet(out)
    return report(data, scores)


def report(data: Path, scores: pd.DataFrame) -> str:
    """The three probabilities of the scores file against the outcomes."""
    tables = read_folder(data).tables
    then, later = parse_as_of(AS_OF), parse_as_of(JUDGED)
    histories = Histories(known_by(tables, then))
    training = training_set(histories, propose(histories), then)
    came = outcomes(Histories(known_by(tables, later)), scores, then, training)
    rows = all_rows(training)
    text = [
        f"{len(scores):,} deals open at the end of {AS_OF}, scored by a model that knew nothing later "
        f"({training.time.cycle_days:.0f}-day cycle; settings proposed from the data). What the tables show by "
        f"{JUDGED}: {int((came.outcome == 1).sum())} won, {int((came.outcome == 0).sum())} lost, "
        f"{int((came.outcome < 0).sum())} still open. Baselines know the same deals closed by {AS_OF}.",
        "",
    ]
    return "\n".join(
        [*text, *_win(scores, came, rows), *_period(scores, came, rows, then), *_stall(scores, came, rows)]
    )


class Came:
    """What came of each scored deal; shape (n,) each."""

    def __init__(self, outcome: np.ndarray, days: np.ndarray, stalled: np.ndarray, stage: np.ndarray) -> None:
        self.outcome, self.days, self.stalled, self.stage = outcome, days, stalled, stage


def outcomes(later: Histories, scores: pd.DataFrame, then: int, training: TrainingSet) -> Came:
    """Outcome, days to it, whether it stalled, and the stage at the date of scoring."""
    spans, deal = later.episodes, later.deal_rows(scores["opportunity_id"])
    episode = later.episode_at(deal, np.full(len(deal), then))
    history = later.values("stage")
    rank = pd.Series(later.tables["stages"]["position"].to_numpy(), index=later.tables["stages"]["stage"])
    horizon = then + training.time.stall_days * DAY
    stage = history.value_at(len(later), then)[deal]
    moves = pd.DataFrame({"deal": history.deal, "at": history.at, "rank": pd.Series(history.value).map(rank)})
    moves["before"] = moves.groupby("deal")["rank"].shift()
    forward = moves[(moves["rank"] > moves["before"]) & (moves["at"] > then) & (moves["at"] <= horizon)]
    stalled = (spans.closed[episode] > horizon) & ~np.isin(deal, forward["deal"])
    days = (spans.closed[episode] - then) / DAY
    return Came(spans.won[episode], days, stalled.astype(float), stage)


def _win(scores: pd.DataFrame, came: Came, rows: Rows) -> list[str]:
    closed = came.outcome >= 0
    y, deal = (came.outcome[closed] == 1).astype(float), np.flatnonzero(closed)
    rates = win_rates(rows)
    answers = {
        "Dealcast": scores["win_probability"].to_numpy()[closed],
        "base rate": np.full(closed.sum(), rates.overall),
        "stage win rates": rates.probability(came.stage[closed]),
    }
    return _section(f"`win_probability`, the {closed.sum()} deals closed by {JUDGED}", y, answers, deal)


def _period(scores: pd.DataFrame, came: Came, rows: Rows, then: int) -> list[str]:
    left = (parse_as_of("2011-12-31") - then) / DAY
    y = ((came.outcome == 1) & (came.days <= left)).astype(float)
    followed = (rows.as_of.max() - rows.as_of) / DAY >= left
    seen = rows.where(followed)
    within = (seen.outcome == 1) & (seen.days <= left)
    overall = float(within.mean())
    by_stage = {s: float(within[seen.stage == s].mean()) for s in set(seen.stage)}
    answers = {
        "Dealcast": scores["win_probability_this_period"].to_numpy(),
        "base rate": np.full(len(y), overall),
        "stage win rates": StageRates(overall, by_stage, {}).probability(came.stage),
    }
    title = f"`win_probability_this_period`, all {len(y)} deals: won by the month's end"
    return _section(title, y, answers, np.arange(len(y)))


def _stall(scores: pd.DataFrame, came: Came, rows: Rows) -> list[str]:
    known = rows.where(~np.isnan(rows.stalled))
    overall = float(known.stalled.mean())
    by_stage = {s: float(known.stalled[known.stage == s].mean()) for s in set(known.stage)}
    answers = {
        "Dealcast": scores["stall_risk"].to_numpy(),
        "base rate": np.full(len(scores), overall),
        "stage stall rates": StageRates(overall, by_stage, {}).probability(came.stage),
    }
    title = f"`stall_risk`, all {len(scores)} deals: open 14 days later without a forward move"
    return _section(title, came.stalled, answers, np.arange(len(scores)))


def _section(title: str, y: np.ndarray, answers: dict[str, np.ndarray], deal: np.ndarray) -> list[str]:
    baseline = next(name for name in answers if name.startswith("stage"))
    saved = saved_line(y, answers["Dealcast"], answers[baseline], deal)
    return [
        f"### {title}",
        "",
        f"Came true: {y.mean():.1%} (n = {len(y)}).",
        "",
        *score_lines(y, answers, deal),
        "",
        f"Log loss saved against {baseline}: {saved}.",
        "",
        *reliability_lines(y, answers["Dealcast"], deal),
        "",
    ]

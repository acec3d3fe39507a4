"""Everything that answers for a deal, as one piece: logged, promoted and rolled back as a whole.

On disk it is a folder of LightGBM's text files and one JSON file; no pickle. Its SHA-256 is kept elsewhere
(in the product's store) and compared before anything is parsed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from crm.errors import DealcastError
from crm.periods import FiscalCalendar
from features.feature import Vocabulary, vocabulary_from
from features.settings import TimeSettings
from training.calibration import Calibrator
from training.models import boosting
from training.models.blend import Blend, fit_blend
from training.models.line import line_from
from training.models.pace import pace_from
from training.models.win_curve import Curve, Timing, WinCurve, fit_win_curve
from training.rows import Rows
from training.settings import BoostingSettings

FORMAT = 6
"""Of the files, and of what features mean: a model is asked only of features as it learned them."""
_BLENDS = ("closing", "winning", "win")
_STALL = "stall"


@dataclass(frozen=True)
class Boosters:
    """The win curve's two boosters, the win chance's blend, and the stall booster.

    `stall` is None where no stage history tells what a stall is.
    """

    curve: WinCurve
    win: Blend
    stall: lgb.Booster | None


@dataclass(frozen=True)
class Rounds:
    """Boosting rounds of the four boosters, chosen once and used again on more or other rows."""

    closing: int
    winning: int
    win: int
    stall: int | None


def rounds_of(boosters: Boosters) -> Rounds:
    """The rounds that boosters were fitted with."""
    stall = None if boosters.stall is None else boosters.stall.num_trees()
    curve = boosters.curve
    return Rounds(curve.closing.rounds, curve.winning.rounds, boosters.win.rounds, stall)


def fit_boosters(rows: Rows, timing: Timing, settings: BoostingSettings, rounds: Rounds | None = None) -> Boosters:
    """Fit all models on rows with outcomes as known at one date.

    The win model learns from the outcome where it is known and from the curve's probability where the deal
    is still open, so that one model carries both the probability that is shown and its exact explanation.
    """
    both = (rounds.closing, rounds.winning) if rounds else None
    curve = fit_win_curve(rows, timing, settings, both)
    target = soft_outcome(rows, curve)
    win = fit_blend(rows.x, target, rows.group, rows.deal, settings, rounds.win if rounds else None, rows.records)
    known = ~np.isnan(rows.stalled)
    stall = None
    if known.any() and 0 < rows.stalled[known].mean() < 1:
        trees = rounds.stall if rounds else None
        stall = boosting.fit(rows.x[known], rows.stalled[known], rows.group[known], settings, trees)
    return Boosters(curve, win, stall)


def soft_outcome(rows: Rows, curve: WinCurve) -> np.ndarray:
    """1 won, 0 lost, and for deals still open the curve's probability after having stayed open so long."""
    target = rows.outcome.astype(float)
    still_open = rows.outcome < 0
    if still_open.any():
        ahead = curve.curve(rows.x[still_open], rows.as_of[still_open])
        target[still_open] = ahead.won_after(rows.days[still_open])
    return target


@dataclass(frozen=True)
class Answers:
    """What a model says of n deals; shape (n,) each. `stall` is NaN where the model has none."""

    win: np.ndarray
    curve: Curve
    stall: np.ndarray

    def win_within(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being won within so many days, consistent with `win`."""
        return self.win * self.curve.share_of_wins_within(days)

    def lost_within(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being lost within so many days, consistent with `win`."""
        ever = np.maximum(1 - self.curve.ever_won, 1e-9)
        return (1 - self.win) * np.clip(self.curve.lost_within(days) / ever, 0, 1)

    def open_after(self, days: np.ndarray | float) -> np.ndarray:
        """Probability of being still open after so many days, consistent with `win`."""
        return 1 - self.win_within(days) - self.lost_within(days)

    def where(self, keep: np.ndarray) -> Answers:
        """The answers for the deals that a boolean mask keeps."""
        return Answers(self.win[keep], self.curve.where(keep), self.stall[keep])


@dataclass(frozen=True)
class DealModel:
    """A fitted deal model with what it was fitted on.

    :param names: feature columns in the order of training; matched by name at prediction.
    :param facts: everything else that belongs to it, JSON: data, reference rates, scores, gate.
    """

    boosters: Boosters
    win_calibrator: Calibrator
    stall_calibrator: Calibrator
    names: tuple[str, ...]
    vocabulary: Vocabulary
    time: TimeSettings
    facts: Mapping[str, Any]

    def answer(self, features: pd.DataFrame, as_of: np.ndarray | None = None) -> Answers:
        """Answers for snapshots; columns are matched by name. Raises DealcastError where one is missing.

        :param as_of: (n,) milliseconds of the snapshots; without them days ahead are taken to be alike.
        """
        x = self.matrix(features)
        return Answers(self.win_chance(x), self.boosters.curve.curve(x, as_of), self.stall_risk(x))

    def win_chance(self, x: np.ndarray) -> np.ndarray:
        """The probability of being won of each row of :meth:`matrix`; shape (n,)."""
        return self.win_calibrator.probability(self.boosters.win.margin(x))

    def stall_risk(self, x: np.ndarray) -> np.ndarray:
        """The probability of a stall of each row of :meth:`matrix`; shape (n,), NaN where the model has none."""
        if self.boosters.stall is None:
            return np.full(len(x), np.nan)
        return self.stall_calibrator.probability(boosting.margin(self.boosters.stall, x))

    def matrix(self, features: pd.DataFrame) -> np.ndarray:
        """The features in the order of training, float32."""
        missing = [name for name in self.names if name not in features]
        if missing:
            raise DealcastError(
                f"the model needs features that are not there: {', '.join(missing[:5])}",
                remedy="build the features with the model's own vocabulary",
            )
        return features[list(self.names)].to_numpy(np.float32)

    def save(self, folder: Path) -> str:
        """Write the files into an empty folder; returns the SHA-256 of all of them together."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, booster in self._files().items():
            (folder / f"{name}.txt").write_text(booster.model_to_string(), encoding="utf-8")
        head = {
            "format": FORMAT,
            "names": self.names,
            "edges": self.boosters.curve.edges,
            "pace": asdict(self.boosters.curve.pace),
            "lines": {name: asdict(blend.line) for name, blend in self._blends().items()},
            "win_calibrator": asdict(self.win_calibrator),
            "stall_calibrator": asdict(self.stall_calibrator),
            "vocabulary": asdict(self.vocabulary),
            "time": asdict(self.time),
            "facts": self.facts,
        }
        text = json.dumps(head, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "model.json").write_text(text, encoding="utf-8")
        return folder_digest(folder)

    def _blends(self) -> dict[str, Blend]:
        parts = self.boosters
        return dict(zip(_BLENDS, (parts.curve.closing, parts.curve.winning, parts.win), strict=True))

    def _files(self) -> dict[str, lgb.Booster]:
        files = {name: blend.trees for name, blend in self._blends().items()}
        return files if self.boosters.stall is None else {**files, _STALL: self.boosters.stall}


def load(folder: Path, sha256: str) -> DealModel:
    """Read a model whose SHA-256 is known; raises DealcastError before parsing where it differs."""
    if not (folder / "model.json").is_file():
        raise DealcastError("the model's files are missing", where=str(folder), remedy="train again, or roll back")
    found = folder_digest(folder)
    if found != sha256:
        raise DealcastError(
            "the model's files are not those that were trained; they were not read",
            where=str(folder),
            expected=f"SHA-256 {sha256[:16]}…, found {found[:16]}…",
            remedy="restore the folder from a backup, train again, or roll back to an earlier model",
        )
    head = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if head["format"] != FORMAT:
        raise DealcastError(
            f"the model was written by another version of Dealcast (format {head['format']}, not {FORMAT})",
            where=str(folder),
            remedy="train again, or roll back to a model of this version",
        )
    boosters = {
        name: lgb.Booster(model_str=(folder / f"{name}.txt").read_text(encoding="utf-8"))
        for name in (*_BLENDS, _STALL)
        if (folder / f"{name}.txt").is_file()
    }
    closing, winning, win = (Blend(line_from(head["lines"][name]), boosters[name]) for name in _BLENDS)
    curve = WinCurve(closing, winning, tuple(head["edges"]), pace_from(head["pace"]))
    return DealModel(
        Boosters(curve, win, boosters.get(_STALL)),
        Calibrator(**head["win_calibrator"]),
        Calibrator(**head["stall_calibrator"]),
        tuple(head["names"]),
        vocabulary_from(head["vocabulary"]),
        TimeSettings(**{**head["time"], "calendar": FiscalCalendar(**head["time"]["calendar"])}),
        head["facts"],
    )


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()

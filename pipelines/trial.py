"""The trial within a scoring run: who is held back, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from features.settings import propose
from pipelines.answers import Answered
from serving.scoring import Explained, Run, current_amounts
from serving.store import Store
from serving.store_trial import NO_COACHING
from serving.trial.assignment import DEAL, HELD_BACK, Drawn, TrialWishes, draw


@dataclass(frozen=True)
class RunTrial:
    """A run's arms.

    :param assigned: the deals that come into the trial with it (columns of TRIAL but `assigned_at`).
    :param withheld: of how many deals there was something to show that is not shown.
    """

    trial_id: str
    drawn: Drawn
    assigned: pd.DataFrame
    withheld: int

    def blinded(self, explained: Explained) -> Explained:
        """The same without the coaching of deals that are held back."""
        shown = zip(explained.coaching, self.drawn.held_back, strict=True)
        return replace(explained, coaching=[NO_COACHING if held else text for text, held in shown])

    def entered(self, scores: pd.DataFrame) -> pd.DataFrame:
        """What is kept of the deals that come in (columns of TRIAL); they came in when they were scored."""
        return self.assigned.assign(assigned_at=scores["scored_at"].max())

    def counts(self) -> dict[str, object]:
        """A machine's summary: from how many deals coaching is held back in this run, how many have come in with it."""
        new_held = int((self.assigned["arm"] == HELD_BACK).sum())
        new = {"new": len(self.assigned), "new_held_back": new_held}
        return {"trial_id": self.trial_id, "held_back": self.withheld, **new}


def run_trial(answered: Answered, explained: Explained, store: Store, wishes: TrialWishes, run: Run) -> RunTrial | None:
    """The arms of a run's deals; None without a trial.

    Drawn by itself, a deal comes in with the first run that has something to show for it: until then its arm makes no
    difference, and such deals would only dilute the effect. What there is to show is found before it is held back, so
    that the arms stay alike. Drawn by accounts or owners, all deals come in with the first run that coaches anybody,
    because whether there is something to show may be the coaching's doing on others of the unit. A run that looks back
    behind an earlier one brings nobody in: nobody is coached by it.
    """
    if not wishes.is_on:
        return None
    day = datetime.fromtimestamp(run.as_of / 1000, UTC)
    last = store.last_as_of("score")
    forward = last is None or day.replace(tzinfo=None) >= last
    shows = np.array([text != NO_COACHING for text in explained.coaching], dtype=bool)
    enters = shows if wishes.unit == DEAL else np.full(len(shows), shows.any())
    histories, rows = answered.scoring.prepared.histories, answered.scoring.snapshots.deal
    recorded = store.assigned(wishes.trial_id)
    arms = dict(zip(recorded["opportunity_id"], recorded["arm"], strict=True))
    deals = histories.deals.iloc[rows].reset_index(drop=True)
    drawn = draw(deals, wishes, arms, day.date(), enters & forward)
    new = drawn.new
    follow = int(recorded["follow_days"].iloc[0]) if len(recorded) else _cycle(answered)
    assigned = pd.DataFrame(
        {
            "trial_id": wishes.trial_id,
            "opportunity_id": deals["opportunity_id"].to_numpy(object)[new],
            "seed": wishes.seed,
            "share": wishes.share,
            "unit_kind": wishes.unit,
            "follow_days": follow,
            "unit": drawn.units[new],
            "arm": drawn.arms(),
            "as_of": pd.Timestamp(day),
            "run_id": run.run_id,
            "model_version": run.model_version,
            "win_probability": answered.answers.win[new],
            "amount": current_amounts(histories)[rows][new],
            "stage": answered.scoring.stage[new],
            "steps": np.array([len(json.loads(explained.coaching[row])) for row in new], dtype=int),
        }
    )
    return RunTrial(wishes.trial_id, drawn, assigned, int((drawn.held_back & shows).sum()))


def _cycle(answered: Answered) -> int:
    """How many days deals are followed: what half of them take to close. Settled when the first one comes in."""
    return max(1, round(propose(answered.scoring.prepared.histories).cycle_days))

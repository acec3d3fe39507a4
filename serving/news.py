"""What the store has to tell as of a day: the newest scoring run, and what came since an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import pandas as pd

from serving.formats import HOUSE, Formats
from serving.moved import Why, why_moved
from serving.runs import ScoringRun
from serving.since import Since, since
from serving.staff import Staff
from serving.store import Store
from serving.verdicts import SNOOZE, snoozed
from serving.visible import Sight

SLACK = timedelta(hours=12)
"""A night's run comes an hour sooner or later than the one a week ago; it is the same night's all the same."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class News:
    """One scoring run, and the store to ask of what came before.

    :param forms: how figures are written.
    """

    store: Store
    run: ScoringRun
    forms: Formats = HOUSE

    @staticmethod
    def of(store: Store, day: date | None = None, forms: Formats = HOUSE) -> News | None:
        """The news of a day: the newest run up to its end, of all where none is named; None where there is none."""
        runs = store.runs_between(None, None if day is None else datetime.combine(day, time.max))
        return News(store, runs[-1], forms) if runs else None

    @property
    def day(self) -> date:
        """The day as of which deals are told."""
        return self.run.as_of.date()

    @cached_property
    def staff(self) -> Staff:
        """Who reports to whom."""
        return Staff.of(self.store.crm_users())

    @cached_property
    def _runs(self) -> tuple[ScoringRun, ...]:
        return self.store.runs_between(None, self.run.as_of)

    @cached_property
    def snoozed(self) -> frozenset[str]:
        """The deals that somebody does not want to see for now."""
        said = self.store.verdicts()
        rows = self.store.stood(self.run.run_id, sorted(said.loc[said["verdict"] == SNOOZE, "opportunity_id"].unique()))
        if not rows:
            return frozenset()
        return snoozed(said, pd.DataFrame(list(rows.values())).set_index("opportunity_id"), self.day)

    def before(self, days: int) -> ScoringRun | None:
        """The newest run of so many days ago or longer; None where there is none."""
        until = self.run.as_of - timedelta(days=days) + SLACK
        return next((run for run in reversed(self._runs) if run.as_of <= until), None)

    def deals(self, sight: Sight) -> tuple[dict[str, Any], ...]:
        """The open deals that are seen, the most urgent first."""
        return self.store.listed(self.run.run_id, sight.owners)

    def since(self, then: ScoringRun, rows: Sequence[Row], sight: Sight) -> Since:
        """What has changed of these deals since a run, and which closed of those that are seen."""
        before = self.store.stood(then.run_id, [row["opportunity_id"] for row in rows])
        closed = self.store.closed_deals(then.as_of, self.run.as_of)
        own = [row for row in closed if sight.sees(row["owner_id"])]
        return since(rows, before, own, (then.as_of.date(), self.day))

    def told(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Reasons, stall reasons and coaching of some deals."""
        return self.store.told(self.run.run_id, ids)

    def why_moved(self, then: ScoringRun, ids: Sequence[str]) -> dict[str, tuple[Why, ...]]:
        """Why some deals' win chances moved since a run."""
        runs = [run for run in self._runs if run.as_of > then.as_of]
        told = [self.store.told(run.run_id, ids) for run in runs]
        steps = {key: [of_run.get(key, {}).get("reasons", {}).get("moved") for of_run in told] for key in ids}
        return {key: why_moved(of_deal) for key, of_deal in steps.items()}

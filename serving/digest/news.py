"""What the store has to tell as of a day: the newest scoring run, and what came since an earlier one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import pandas as pd

from serving.digest.links import Links
from serving.formats import HOUSE, Formats
from serving.moved import Why, why_moved
from serving.runs import ScoringRun
from serving.since import Since, since
from serving.staff import Staff
from serving.store import Store
from serving.verdicts import snoozed

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
    links: Links = field(default_factory=Links)

    @staticmethod
    def of(store: Store, day: date, forms: Formats = HOUSE, links: Links | None = None) -> News | None:
        """The news of a day: the newest run up to its end; None where nothing was scored by then."""
        runs = store.runs_between(None, datetime.combine(day, time.max))
        return News(store, runs[-1], forms, links or Links()) if runs else None

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
    def _verdicts(self) -> pd.DataFrame:
        return self.store.verdicts()

    def before(self, days: int) -> ScoringRun | None:
        """The newest run of so many days ago or longer; None where there is none."""
        until = self.run.as_of - timedelta(days=days) + SLACK
        return next((run for run in reversed(self._runs) if run.as_of <= until), None)

    def deals(self, owners: Collection[str]) -> tuple[dict[str, Any], ...]:
        """The open deals of some owners, the most urgent first."""
        return self.store.listed(self.run.run_id, owners)

    def since(self, then: ScoringRun, rows: Sequence[Row], owners: Collection[str]) -> Since:
        """What has changed of these owners' deals since a run."""
        before = self.store.stood(then.run_id, [row["opportunity_id"] for row in rows])
        closed = self.store.closed_deals(then.as_of, self.run.as_of)
        own = [row for row in closed if row["owner_id"] in owners]
        return since(rows, before, own, (then.as_of.date(), self.day))

    def snoozed(self, rows: Iterable[Row]) -> frozenset[str]:
        """Those of the deals that somebody does not want to see for now."""
        facts = pd.DataFrame(list(rows))
        if not len(facts):
            return frozenset()
        return snoozed(self._verdicts, facts.set_index("opportunity_id"), self.day)

    def told(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Reasons, stall reasons and coaching of some deals."""
        return self.store.told(self.run.run_id, ids)

    def why_moved(self, then: ScoringRun, ids: Sequence[str]) -> dict[str, tuple[Why, ...]]:
        """Why some deals' win chances moved since a run."""
        runs = [run for run in self._runs if run.as_of > then.as_of]
        told = [self.store.told(run.run_id, ids) for run in runs]
        steps = {key: [of_run.get(key, {}).get("reasons", {}).get("moved") for of_run in told] for key in ids}
        return {key: why_moved(of_deal) for key, of_deal in steps.items()}

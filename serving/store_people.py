"""What people have said beside the model: their own numbers for periods, their verdicts on deals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from serving.database import Database, naive, now
from serving.store_tables import ADJUSTMENTS, DEALS, FEEDBACK

VERDICTS = (*(column.name for column in FEEDBACK.columns), "name", "account", "stage", "owner", "close_date", "amount")


class PeopleStore(Database):
    """What people have said; nothing is ever overwritten."""

    def add_adjustment(self, adjustment: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a person's own number for a period, level and key (columns of ADJUSTMENTS but `id` and `made_at`)."""
        return self._add(ADJUSTMENTS, {**adjustment, "as_of": naive(adjustment["as_of"])})

    def adjustments(self) -> tuple[dict[str, Any], ...]:
        """Every number that a person has kept, the first one first."""
        return self._all(sa.select(ADJUSTMENTS).order_by(ADJUSTMENTS.c.id))

    def add_feedback(self, feedback: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a person's verdict on a deal (columns of FEEDBACK but `id` and `made_at`)."""
        return self._add(FEEDBACK, feedback)

    def feedback(self, opportunity_id: str | None = None) -> tuple[dict[str, Any], ...]:
        """Every verdict (on one deal), the first one first, with how the deal stood in the scoring run it is on."""
        both = (FEEDBACK.c.run_id == DEALS.c.run_id) & (FEEDBACK.c.opportunity_id == DEALS.c.opportunity_id)
        stood = (DEALS.c.name, DEALS.c.account, DEALS.c.stage, DEALS.c.owner, DEALS.c.close_date, DEALS.c.amount)
        query = sa.select(FEEDBACK, *stood).join(DEALS, both).order_by(FEEDBACK.c.id)
        if opportunity_id is not None:
            query = query.where(FEEDBACK.c.opportunity_id == opportunity_id)
        return self._all(query)

    def verdicts(self) -> pd.DataFrame:
        """Every verdict as :mod:`serving.verdicts` takes them: columns of FEEDBACK, and how the deal stood."""
        return pd.DataFrame([{name: row[name] for name in VERDICTS} for row in self.feedback()], columns=list(VERDICTS))

    def _add(self, table: sa.Table, said: Mapping[str, Any]) -> dict[str, Any]:
        row = {**said, "made_at": now()}
        with self.transaction() as connection:
            number = connection.execute(sa.insert(table).returning(table.c.id), row).scalar_one()
        return {"id": number, **row}

    def _all(self, query: sa.Select[Any]) -> tuple[dict[str, Any], ...]:
        with self.transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(dict(row) for row in rows)

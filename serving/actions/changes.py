"""A change of a field, as the company's history of changes would show it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.values import tracked_fields
from serving.actions.action import OpenDeals, Rows


def can_change(deals: OpenDeals, field: str) -> bool:
    """Whether the company's history shows changes of the field at all."""
    return field in tracked_fields(deals.histories.tables)


def changed(deals: OpenDeals, field: str, value: str | np.ndarray) -> Rows:
    """A change of a field from what it is now, made at the date by the owner; values as text."""
    return {
        "changes": {
            "changed_at": deals.instant(),
            "field": field,
            "old_value": np.array([_as_text(one) for one in deals.now(field)], dtype=object),
            "new_value": value,
            "changed_by": deals.now("owner_id"),
        }
    }


def _as_text(value: object) -> object:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else value

"""An activity as this company would log it: its own word for the kind, the usual direction and length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.families.engagement import kinds_of
from features.histories import Histories
from features.text import of_code
from serving.actions.action import OpenDeals, Rows

_FROM_US = ("outbound", "internal")


def logged(deals: OpenDeals, kind: str, days_ahead: float = 0.0, **said: Any) -> Rows:
    """One activity of a recognised kind on each deal, entered at the date.

    It is with the person whom the deal was last in touch with and by whoever last logged something, so that nobody
    new takes part; it has no subject. What is given goes beside or instead.

    :param days_ahead: when it is to take place, from the date.
    """
    activities, mine = deals.histories.tables["activities"], of_kind(deals.histories, kind)
    row = {
        "kind": commonest(activities["kind"][mine]) or kind,
        "occurred_at": deals.instant(days_ahead),
        "recorded_at": deals.instant(),
        "direction": _direction(activities["direction"][mine]),
        "duration_minutes": activities["duration_minutes"][mine].median(),
        "contact_id": deals.contact,
        "owner_id": deals.seller,
    }
    return {"activities": {**row, **said}}


def of_kind(histories: Histories, kind: str) -> np.ndarray:
    """Which of the company's activities are of a recognised kind, however it is written; shape (activities,), bool."""
    code, names = kinds_of(histories)
    return of_code(np.asarray(names.str.lower() == kind), code)


def usual_kind(histories: Histories, among: np.ndarray) -> str:
    """The kind that most of some activities are of; e-mail where there is none."""
    return (commonest(histories.tables["activities"]["kind"][among]) or "email").lower()


def _direction(directions: pd.Series) -> str | None:
    """The commonest direction, where it is ours: what comes from the buyer is not ours to do."""
    found = commonest(directions)
    return found if found is not None and found.lower() in _FROM_US else None


def commonest(values: pd.Series) -> str | None:
    """The commonest value, of equal ones the first by name; None where there is none."""
    counts = values.value_counts()
    if not len(counts):
        return None
    return str(min(counts.index[counts == counts.iloc[0]]))

"""What people do without our features: the events of a deal up to a date, counted by kind, with its last states.

The aggregated-prefix encoding of predictive process monitoring (Teinemaa, Dumas, La Rosa and Maggi 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.clock import DAY, event_millis
from crm.tables import CrmTables

CATEGORIES = ("stage", "owner", "last_activity")
NONE = "none"


@dataclass(frozen=True)
class Prefixes:
    """The encoding of deals of one company; `kinds` and `stages` are those that are counted."""

    kinds: tuple[str, ...]
    stages: tuple[str, ...]

    def encode(self, tables: CrmTables, ids: np.ndarray, as_of: np.ndarray) -> pd.DataFrame:
        """A row for each deal (id) and date (milliseconds): counts, elapsed days, amount, last states; shape (n,)."""
        rows = pd.DataFrame({"row": np.arange(len(ids)), "opportunity_id": ids.astype(str), "as_of": as_of})
        deals = tables["opportunities"].set_index("opportunity_id").loc[rows["opportunity_id"]]
        done = _until(rows, tables["activities"].rename(columns={"kind": "value"}), "occurred_at")
        changes = tables["changes"].rename(columns={"new_value": "value"})
        entered = _until(rows, changes[changes["field"] == "stage"], "changed_at")
        owned = _until(rows, changes[changes["field"] == "owner_id"], "changed_at")
        last = pd.concat([done, entered, owned]).groupby("row")["at"].max().reindex(rows["row"])
        counts = {f"count:{kind}": _counts(done, kind, len(rows)) for kind in self.kinds}
        counts |= {f"entered:{stage}": _counts(entered, stage, len(rows)) for stage in self.stages}
        return pd.DataFrame(
            {
                **counts,
                "activities": np.bincount(done["row"], minlength=len(rows)).astype(float),
                "days": (as_of - event_millis(deals["created_at"])) / DAY,
                "days_since_last": (as_of - last.to_numpy(float)) / DAY,
                "weekday": (as_of // DAY % 7).astype(float),
                "amount": deals["amount"].to_numpy(float),
                "stage": _last(entered, len(rows)),
                "owner": _last(owned, len(rows)),
                "last_activity": _last(done, len(rows)),
            }
        )


def prefixes(tables: CrmTables) -> Prefixes:
    """An encoding that counts every kind of activity and every stage that the tables hold."""
    stages = tables["changes"].loc[tables["changes"]["field"] == "stage", "new_value"]
    return Prefixes(_levels(tables["activities"]["kind"]), _levels(stages))


def _levels(values: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(values.dropna().unique()))


def _until(rows: pd.DataFrame, events: pd.DataFrame, when: str) -> pd.DataFrame:
    """Each row's events up to its date, in the order of time."""
    told = pd.DataFrame(
        {
            "opportunity_id": events["opportunity_id"].astype(str),
            "at": event_millis(events[when]),
            "value": events["value"].astype(object),
        }
    ).sort_values("at", kind="stable")
    met = rows.merge(told, on="opportunity_id")
    return met[met["at"] <= met["as_of"]].sort_values(["row", "at"], kind="stable")


def _counts(met: pd.DataFrame, value: str, n: int) -> np.ndarray:
    return np.bincount(met.loc[met["value"] == value, "row"], minlength=n).astype(float)


def _last(met: pd.DataFrame, n: int) -> np.ndarray:
    """The last value of each row, text; NONE where there is none."""
    found = met.groupby("row")["value"].last().reindex(np.arange(n))
    return found.fillna(NONE).to_numpy(object)

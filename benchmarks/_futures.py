"""The same company up to a date, with everything after it thrown away and drawn anew."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.clock import DAY, NEVER, event_millis, instants
from crm.history import known_by
from crm.tables import CrmTables, Kind

AHEAD_DAYS = 90
CHANGED = 0.7
"""The share of deals of which a field gets another value after the date."""
_SHOWN_BY_STAGE = ("stage", "closed_at", "is_won")


def another_future(tables: CrmTables, as_of: int, rng: np.random.Generator) -> tuple[CrmTables, int, int]:
    """What was known at the date, and another course of things after it.

    Every tracked field of most deals changes to the value of some other deal; deals close that had not, at random;
    activities of other deals are put on them; whatever had really come after the date is gone.

    :returns: the tables, how many rows of the real future are gone, and how many were drawn instead.
    """
    then = known_by(tables, as_of)
    stages = then["stages"]
    closed = stages.set_index("stage")["is_closed"].fillna(False).astype(bool)
    deals = then["opportunities"].copy()
    changes = [then["changes"]]
    for field in sorted(tables.facts.tracked & set(deals.columns) - set(_SHOWN_BY_STAGE[1:])):
        picked = np.flatnonzero((rng.random(len(deals)) < CHANGED) & deals["closed_at"].isna())
        options = pd.Series(stages["stage"]) if field == "stage" else deals[field]
        new = options.iloc[rng.integers(0, len(options), len(picked))].set_axis(deals.index[picked])
        at = _after(as_of, len(picked), rng)
        changes.append(_changes(deals, field, picked, new, at, tables.kind_of(field)))
        deals.loc[deals.index[picked], field] = new.astype(deals[field].dtype)
        if field == "stage":
            ends = closed.reindex(new).to_numpy(bool)
            where = deals.index[picked[ends]]
            deals.loc[where, "closed_at"] = instants(at[ends]).astype(deals["closed_at"].dtype).to_numpy()
            won = stages.set_index("stage")["is_won"].reindex(new[ends]).to_numpy()
            deals.loc[where, "is_won"] = pd.array(won, dtype=deals["is_won"].dtype)
    activities = _activities(then, as_of, rng)
    drawn = {"changes": pd.concat(changes, ignore_index=True), "activities": activities}
    added = sum(len(frame) - len(then[name]) for name, frame in drawn.items())
    gone = sum(len(tables[name]) - len(then[name]) for name in (*drawn, "opportunities"))
    return then.with_frames(opportunities=deals, **drawn).part_of(tables.facts), gone, added


def _changes(
    deals: pd.DataFrame, field: str, picked: np.ndarray, new: pd.Series, at: np.ndarray, kind: Kind
) -> pd.DataFrame:
    old = deals[field].iloc[picked]
    return pd.DataFrame(
        {
            "opportunity_id": deals["opportunity_id"].iloc[picked].to_numpy(),
            "changed_at": instants(at).to_numpy(),
            "field": pd.array([field] * len(picked), dtype="str"),
            "old_value": _as_text(old, kind),
            "new_value": _as_text(new, kind),
        }
    )


def _as_text(values: pd.Series, kind: Kind) -> pd.api.extensions.ExtensionArray:
    if kind is Kind.DATE:
        values = pd.Series(values.to_numpy("datetime64[D]")).dt.strftime("%Y-%m-%d")
    return pd.array(values.astype("str").where(values.notna()), dtype="str")


def _activities(then: CrmTables, as_of: int, rng: np.random.Generator) -> pd.DataFrame:
    """The activities known at the date, and as many again after it, each a copy of one that is put on another deal."""
    known = then["activities"]
    if not len(known):
        return known
    copies = known.iloc[rng.integers(0, len(known), len(known))].reset_index(drop=True)
    at = instants(_after(as_of, len(copies), rng))
    ids = then["opportunities"]["opportunity_id"]
    copies = copies.assign(
        opportunity_id=ids.iloc[rng.integers(0, len(ids), len(copies))].to_numpy(),
        occurred_at=at.astype(known["occurred_at"].dtype).to_numpy(),
        recorded_at=pd.Series(at)
        .where(event_millis(copies["recorded_at"]) != NEVER)
        .astype(known["recorded_at"].dtype),
    )
    return pd.concat([known, copies], ignore_index=True)


def _after(as_of: int, count: int, rng: np.random.Generator) -> np.ndarray:
    return as_of + 1 + rng.integers(0, AHEAD_DAYS * DAY, count)

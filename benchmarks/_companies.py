"""Large companies for benchmarks: a simulated one, repeated under other names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crm.coding import arrow_text
from crm.simulator.settings import SimulatorSettings
from crm.simulator.simulation import simulate
from crm.tables import CrmTables, from_arrow

ONE = 20_000
"""Deals of the company that is repeated."""

NAMED = {
    "opportunities": ("opportunity_id", "account_id", "owner_id"),
    "changes": ("opportunity_id", "changed_by"),
    "activities": ("opportunity_id", "activity_id", "contact_id", "owner_id"),
    "contact_roles": ("opportunity_id", "contact_id"),
    "accounts": ("account_id",),
    "users": ("user_id", "manager_id"),
    "quotas": ("user_id",),
    "leads": ("lead_id", "opportunity_id", "owner_id"),
}
"""Columns whose ids differ from copy to copy."""

EVENTS = ("changes", "activities", "contact_roles")


def company(deals: int, events: int) -> CrmTables:
    """About so many deals with about so many events: copies of a simulated company, each with ids of its own.

    Activities are thinned out at random so that changes, activities and roles together are as many as asked for.
    """
    one = simulate(SimulatorSettings(deals=min(ONE, deals))).tables
    copies = max(1, round(deals / len(one["opportunities"])))
    wanted = events / copies - len(one["changes"]) - len(one["contact_roles"])
    kept = np.random.default_rng(0).random(len(one["activities"])) < wanted / len(one["activities"])
    one = one.with_frames(activities=one["activities"][kept].reset_index(drop=True))
    frames = {name: _copied(frame, NAMED.get(name, ()), copies) for name, frame in one.frames.items()}
    frames |= {name: one[name] for name in ("stages", "costs") if name in one.frames}
    owners = pd.concat([_owners_changed(one["changes"], copy) for copy in range(copies)], ignore_index=True)
    return CrmTables({**frames, "changes": frames["changes"].assign(**owners)}, one.fixed)


def _copied(frame: pd.DataFrame, named: tuple[str, ...], copies: int) -> pd.DataFrame:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    parts = []
    for copy in range(copies):
        part = table
        for name in named:
            part = part.set_column(part.schema.get_field_index(name), name, _renamed(frame[name], copy))
        parts.append(part)
    return from_arrow(pa.concat_tables(parts))


def _owners_changed(changes: pd.DataFrame, copy: int) -> pd.DataFrame:
    """Old and new values, with the ids of owners as they are called in this copy."""
    of_owner = pa.array((changes["field"] == "owner_id").fillna(False).to_numpy(bool))
    values: Mapping[str, pa.Array] = {
        name: pc.if_else(of_owner, _renamed(changes[name], copy), arrow_text(changes[name]))
        for name in ("old_value", "new_value")
    }
    return from_arrow(pa.table(dict(values)))


def _renamed(ids: pd.Series, copy: int) -> pa.Array:
    prefix, nothing = (pa.scalar(text, pa.large_string()) for text in (f"{copy:03}-", ""))
    return pc.binary_join_element_wise(prefix, arrow_text(ids), nothing)

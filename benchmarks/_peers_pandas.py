"""The features of `features_peers` in pandas."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks._peers_plan import PLAN, SPAN, Running
from crm.clock import DAY


def load(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, pd.DataFrame]:
    """The tables as frames; unknown numbers are NaN."""
    return {name: pd.DataFrame(dict(columns)) for name, columns in arrays.items()}


def column(answers: pd.DataFrame, name: str) -> np.ndarray:
    """A key or feature; NaN where not known."""
    return answers[name].to_numpy()


def packed(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """By as-of merges on deal and time packed into one integer."""
    return _features(tables, by_deal=False)


def by_deal(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """By as-of merges on time, by deal."""
    return _features(tables, by_deal=True)


def _features(tables: Mapping[str, pd.DataFrame], by_deal: bool) -> pd.DataFrame:
    merges = _Merges(tables["snapshots"], by_deal)
    for name, running in PLAN.items():
        merges.carry(tables[name], running)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _formulas(merges.asked, merges.found)


class _Merges:
    """Snapshots in order (`asked`), and what is known of each (`found`, arrays)."""

    def __init__(self, snapshots: pd.DataFrame, by_deal: bool) -> None:
        self.by_deal = by_deal
        self.asked = self._keyed(snapshots, "as_of")
        self.found: dict[str, np.ndarray] = {}

    def carry(self, table: pd.DataFrame, running: Running) -> None:
        """Look up a stream's running columns at each snapshot and where its windows begin."""
        events = self._keyed(table, "ts")
        along = self._along(events, running)
        self._look_up(events, along, 0)
        for days, names in running.windows.items():
            self._look_up(events, along[list(names)], days)
        if running.first:
            matching, column = running.first
            first = events[events[matching]].drop_duplicates("deal")
            self._look_up(first, pd.DataFrame({f"first_{column}": first[column]}), 0)

    def _keyed(self, table: pd.DataFrame, time: str) -> pd.DataFrame:
        key = table[time] if self.by_deal else table["deal"] * SPAN + table[time]
        return table.assign(key=key).sort_values("key", ignore_index=True)

    def _along(self, events: pd.DataFrame, running: Running) -> pd.DataFrame:
        summed = {name: events[column] for name, column in running.sums.items()}
        if running.number:
            summed[running.number] = pd.Series(1, index=events.index)
        last = {name: events["ts"].where(events[column]) for name, column in running.last.items()}
        own = {running.at: "ts", running.value: running.value}
        values = {name: events[column].astype(float) for name, column in own.items() if name}
        return pd.concat(
            [
                pd.DataFrame(summed).groupby(events["deal"], sort=False).cumsum(),
                pd.DataFrame(last).groupby(events["deal"], sort=False).ffill(),
                pd.DataFrame(values),
            ],
            axis=1,
        )

    def _look_up(self, events: pd.DataFrame, along: pd.DataFrame, days: int) -> None:
        place = pd.DataFrame({"key": events["key"], "deal": events["deal"], "place": np.arange(len(events))})
        asked = pd.DataFrame({"key": self.asked["key"] - days * DAY, "deal": self.asked["deal"]})
        if self.by_deal:
            last = pd.merge_asof(asked, place, on="key", by="deal")["place"].fillna(-1).to_numpy(int)
        else:
            last = pd.merge_asof(asked, place[["key", "place"]], on="key")["place"].fillna(-1).to_numpy(int)
            last = np.where(events["deal"].to_numpy().take(last) == asked["deal"].to_numpy(), last, -1)
        suffix = f"_{days}" if days else ""
        for name in along:  # where there is no event, the row appended is taken
            nothing = np.nan if along[name].dtype.kind == "f" else 0
            self.found[f"{name}{suffix}"] = np.append(along[name], nothing).take(last)


def _formulas(asked: pd.DataFrame, found: Mapping[str, np.ndarray]) -> pd.DataFrame:
    as_of = asked["as_of"].to_numpy()

    def within(name: str, days: int) -> np.ndarray:
        return found[name] - found[f"{name}_{days}"]

    def since(at: str) -> np.ndarray:
        return (as_of - found[at]) / DAY

    amount, day = found["value"], found["day"]
    answers = {
        "days_since_inbound": since("in_at"),
        "inbound_7d": within("ins", 7),
        "inbound_30d": within("ins", 30),
        "inbound_90d": within("ins", 90),
        "inbound_trend": within("ins", 14) * 2 - within("ins", 28),
        "silence_against_rhythm": since("in_at") / ((since("first_ts") - since("in_at")) / (found["ins"] - 1)),
        "inbound_share": found["ins"] / found["replies"],
        "outbound_30d": within("outs", 30),
        "outbound_90d": within("outs", 90),
        "days_since_touch": since("touch_at"),
        "touches_7d": within("touches", 7),
        "touches_30d": within("touches", 30),
        "touches_90d": within("touches", 90),
        "touches_total": found["touches"],
        "meetings": found["meetings"],
        "meetings_30d": within("meetings", 30),
        "meetings_90d": within("meetings", 90),
        "calls_30d": within("calls", 30),
        "demos": found["demos"],
        "proposals": found["proposals"],
        "days_since_meeting": since("meeting_at"),
        "stage_position": found["rank"],
        "days_in_stage": since("entered_at"),
        "moves_forward": found["forwards"],
        "moves_forward_90d": within("forwards", 90),
        "moves_back": found["backwards"],
        "stages_skipped": found["skips"],
        "days_since_forward": since("forward_at"),
        "reopened": found["reopenings"],
        "amount": amount,
        "amount_changes": found["changes"],
        "amount_change_ratio": np.log1p(amount) - np.log1p(found["first_value"]),
        "days_since_amount_change": since("changed_at"),
        "days_to_close_date": day - asked["as_of"] / DAY,
        "pushes": found["pushes"],
        "pushes_90d": within("pushes", 90),
        "pulls": found["pulls"],
        "close_date_slip": day - found["first_day"],
        "days_since_push": since("pushed_at"),
        "mean_push": found["pushed_days"] / found["pushes"],
    }
    return pd.DataFrame({"deal": asked["deal"], "as_of": asked["as_of"], **answers}, copy=False)

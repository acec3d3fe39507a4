"""The features of `features_peers` in Polars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from benchmarks._peers_plan import PLAN, SPAN, Running
from crm.clock import DAY


def load(arrays: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, pl.DataFrame]:
    """The tables as frames; unknown numbers are nulls."""
    return {name: pl.DataFrame({c: pl.Series(a, nan_to_null=True) for c, a in t.items()}) for name, t in arrays.items()}


def column(answers: pl.DataFrame, name: str) -> np.ndarray:
    """A key or feature; NaN where not known."""
    found = answers[name]
    return (found.fill_null(np.nan) if found.dtype.is_float() else found).to_numpy()


def packed(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """By as-of joins on deal and time packed into one integer."""
    return _features(tables, by_deal=False)


def by_deal(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """By as-of joins on time, by deal."""
    return _features(tables, by_deal=True)


def _features(tables: Mapping[str, pl.DataFrame], by_deal: bool) -> pl.DataFrame:
    joins = _Joins(tables["snapshots"], by_deal)
    for name, running in PLAN.items():
        joins.carry(tables[name], running)
    return pl.concat(joins.parts, how="horizontal").select("deal", "as_of", **_formulas(by_deal)).collect()


class _Joins:
    """Snapshots in order, and what is known of each; `parts` are frames of as many rows, side by side."""

    def __init__(self, snapshots: pl.DataFrame, by_deal: bool) -> None:
        self.by_deal = by_deal
        self.asked = self._keyed(snapshots, "as_of").collect().lazy()
        self.parts = [self.asked]

    def carry(self, table: pl.DataFrame, running: Running) -> None:
        """Look up a stream's running columns at each snapshot, before its deal, and where its windows begin."""
        events = self._keyed(table, "ts")
        along = events.select("deal", "key", *self._along(running)).collect().lazy()
        numbers = [*running.sums, *filter(None, [running.number])]
        others = [*running.last, *self._own(running)]
        self._look_up(along, pl.col("key"), [*numbers, *others])
        if not self.by_deal:  # the sums run on from deal to deal
            self._look_up(along, pl.col("begin"), numbers, "_before")
        for days, names in running.windows.items():
            self._look_up(along, pl.col("key") - days * DAY, [*names], f"_{days}")
        if running.first:
            matching, column = running.first
            first = events.filter(matching).unique("deal", keep="first", maintain_order=True)
            value = {f"first_{column}_at": pl.col("key"), f"first_{column}": pl.col(column)}
            self._look_up(first.select("deal", "key", **value), pl.col("key"), [*value])

    def _keyed(self, table: pl.DataFrame, time: str) -> pl.LazyFrame:
        begin = pl.lit(0) if self.by_deal else pl.col("deal") * SPAN
        keyed = table.lazy().with_columns(begin=begin, key=begin + pl.col(time))
        return keyed.sort("deal", "key") if self.by_deal else keyed.sort("key")

    def _along(self, running: Running) -> list[pl.Expr]:
        summed = {name: pl.col(column) for name, column in running.sums.items()}
        number = {running.number: pl.int_range(1, pl.len() + 1, dtype=pl.Int32)} if running.number else {}
        run = {
            **number,
            **{name: column.cum_sum() for name, column in summed.items()},
            **{name: pl.when(column).then("key").forward_fill() for name, column in running.last.items()},
        }
        return [
            *((one.over("deal") if self.by_deal else one).alias(name) for name, one in run.items()),
            *(pl.col(column).alias(name) for name, column in self._own(running).items()),
        ]

    def _own(self, running: Running) -> dict[str, str]:
        """The event's own columns, and when they are from: in a packed key they may be another deal's."""
        own = {running.at: "key"} if running.at else {}
        return own | ({running.value: running.value, f"{running.value}_at": "key"} if running.value else {})

    def _look_up(self, events: pl.LazyFrame, key: pl.Expr, names: list[str], suffix: str = "") -> None:
        by = "deal" if self.by_deal else None
        kept = events.select(*filter(None, [by]), "key", pl.col(names).name.suffix(suffix))
        found = self.asked.select("deal", key=key).join_asof(kept, on="key", by=by, check_sortedness=False)
        self.parts.append(found.drop("deal", "key"))


def _formulas(by_deal: bool) -> dict[str, pl.Expr]:
    def number(name: str) -> pl.Expr:
        return pl.col(name).fill_null(0).cast(pl.Float64)

    def total(name: str) -> pl.Expr:
        return number(name) if by_deal else number(name) - number(f"{name}_before")

    def within(name: str, days: int) -> pl.Expr:
        return number(name) - number(f"{name}_{days}")

    def own(name: str, at: str = "") -> pl.Expr:
        return pl.when(pl.col(at or f"{name}_at") >= pl.col("begin")).then(name)

    def since(at: str) -> pl.Expr:
        return (pl.col("key") - own(at, at)) / DAY

    amount, day = own("value"), own("day")
    return {
        "days_since_inbound": since("in_at"),
        "inbound_7d": within("ins", 7),
        "inbound_30d": within("ins", 30),
        "inbound_90d": within("ins", 90),
        "inbound_trend": within("ins", 14) * 2 - within("ins", 28),
        "silence_against_rhythm": since("in_at") / ((since("first_ts_at") - since("in_at")) / (total("ins") - 1)),
        "inbound_share": total("ins") / total("replies"),
        "outbound_30d": within("outs", 30),
        "outbound_90d": within("outs", 90),
        "days_since_touch": since("touch_at"),
        "touches_7d": within("touches", 7),
        "touches_30d": within("touches", 30),
        "touches_90d": within("touches", 90),
        "touches_total": total("touches"),
        "meetings": total("meetings"),
        "meetings_30d": within("meetings", 30),
        "meetings_90d": within("meetings", 90),
        "calls_30d": within("calls", 30),
        "demos": total("demos"),
        "proposals": total("proposals"),
        "days_since_meeting": since("meeting_at"),
        "stage_position": own("rank"),
        "days_in_stage": since("entered_at"),
        "moves_forward": total("forwards"),
        "moves_forward_90d": within("forwards", 90),
        "moves_back": total("backwards"),
        "stages_skipped": total("skips"),
        "days_since_forward": since("forward_at"),
        "reopened": total("reopenings"),
        "amount": amount,
        "amount_changes": total("changes"),
        "amount_change_ratio": amount.log1p() - own("first_value").log1p(),
        "days_since_amount_change": since("changed_at"),
        "days_to_close_date": day - pl.col("as_of") / DAY,
        "pushes": total("pushes"),
        "pushes_90d": within("pushes", 90),
        "pulls": total("pulls"),
        "close_date_slip": day - own("first_day"),
        "days_since_push": since("pushed_at"),
        "mean_push": total("pushed_days") / total("pushes"),
    }

"""The parts of a night: each is one declaration of what it is called, what it needs and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from crm.clock import utc_text
from crm.errors import DONE, FAILED, GATE_NOT_PASSED
from pipelines.check import check
from pipelines.config import Config, Home
from pipelines.due import train_if_due
from pipelines.forecast import ForecastResult, forecast
from pipelines.score import score
from pipelines.sinks import sink_called
from pipelines.sync import folder_of, sync
from pipelines.writeback import Asked, writeback

MOVED = 0.1
"""A win chance that changed by more than this is counted as moved."""


@dataclass(frozen=True)
class Told:
    """What a part has to say once it is done.

    :param says: what people are told, a line each; :param facts: what a machine is told.
    :param as_of: the instant that it has settled on, where it has.
    """

    says: tuple[str, ...]
    facts: Mapping[str, Any]
    code: int = DONE
    as_of: str | None = None


@dataclass(frozen=True)
class Work:
    """What parts work with."""

    data: Path | str
    home: Home
    as_of: str

    @property
    def folder(self) -> Path:
        """The folder with the tables."""
        return folder_of(self.data, self.home)


@dataclass(frozen=True)
class Part:
    """One part of a night.

    :param needs: the names of the parts before it that must be done.
    """

    name: str
    needs: tuple[str, ...]
    work: Callable[[Work], Told]


def parts_of(config: Config) -> tuple[Part, ...]:
    """The parts of a night in their order; one write-back a sink. Raises WrongUse where a sink is off."""
    return (
        Part("sync", (), _sync),
        Part("check", ("sync",), _check),
        Part("score", ("check",), _score),
        *(_write_back_to(sink, config) for sink in config.write_back),
        Part("forecast", ("check",), _forecast),
        Part("retrain", ("check",), _retrain),
    )


def _sync(work: Work) -> Told:
    if isinstance(work.data, Path):
        return Told((f"{work.data} is read as it is",), {})
    came = sync(work.data, work.home).came
    new, changed, gone = (sum(getattr(one, what) for one in came.values()) for what in ("new", "changed", "gone"))
    rows = sum(one.rows for one in came.values())
    says = f"{new:,} rows new, {changed:,} changed, {gone:,} gone; {rows:,} in {len(came)} tables"
    return Told((says,), {"rows": rows, "new": new, "changed": changed, "gone": gone})


def _check(work: Work) -> Told:
    result = check(work.folder, work.as_of, work.home, _quiet)
    rows_in, accepted, aside = result.company.report.balance
    ready = result.readiness
    facts = {"rows_in": rows_in, "accepted": accepted, "set_aside": aside, "deals": ready.deals, "open": ready.open}
    says = f"{ready.deals:,} deals, {ready.open:,} of them open; {rows_in:,} rows read, {aside:,} set aside"
    return Told((says, *result.company.notes), facts, as_of=utc_text(result.company.as_of))


def _score(work: Work) -> Told:
    result = score(work.folder, work.as_of, work.home, None, _quiet)
    moved = int((result.scores["win_probability_change"].abs() > MOVED).sum())
    facts = {"deals": len(result.scores), "model_version": result.model_version, "moved": moved}
    by = "shrunken rates" if result.model_version == "baseline" else f"version {result.model_version}"
    says = f"{len(result.scores):,} open deals scored by {by}: {moved:,} moved by more than {MOVED * 100:.0f} points"
    return Told((says,), facts)


def _write_back_to(sink: str, config: Config) -> Part:
    sink_called(sink, config)  # what is off shows before the night begins
    return Part(f"write back to {sink}", ("score",), partial(_write_back, sink))


def _write_back(sink: str, work: Work) -> Told:
    """Looked at and applied at once: that the night may do so is what [nightly] write_back says, up to the cap."""
    looked = writeback(sink, None, work.home, Asked(), _quiet)
    if not looked.plan.changes:
        return Told((f"nothing to change, {looked.plan.unchanged:,} records hold the answers already",), {"written": 0})
    result = writeback(sink, None, work.home, Asked(confirmed=looked.plan.hash), _quiet)
    applied = result.applied
    assert applied is not None  # it was confirmed
    facts = {
        "run_id": applied.run_id,
        "written": len(applied.written),
        "failed": applied.failed,
        "left": applied.left,
        "unprocessed": applied.unprocessed,
    }
    says = [f"{len(applied.written):,} of {len(result.plan.changes):,} records changed (undo: {applied.run_id})"]
    if not applied.whole:
        missing = {"failed": applied.failed, "left alone": applied.left, "not come to": applied.unprocessed}
        says.append(", ".join(f"{len(which):,} {what}" for what, which in missing.items() if which))
        says += [] if applied.stopped is None else str(applied.stopped).splitlines()
    return Told(tuple(says), facts, DONE if applied.whole else FAILED)


def _forecast(work: Work) -> Told:
    result = forecast(work.folder, work.as_of, work.home, None, None, None, _quiet)
    rows = _company_rows(result)
    return Told(
        tuple(f"{row['period']}: {row['mean']:,.0f} (8 of 10: {row['p10']:,.0f} to {row['p90']:,.0f})" for row in rows),
        {"run_id": result.run_id, "periods": rows},
    )


def _company_rows(result: ForecastResult) -> list[dict[str, Any]]:
    company = result.table[result.table["level"] == "company"]
    names = [period.name for period in result.periods]
    return [
        {"period": name, **{column: float(row[column]) for column in ("mean", "p10", "p50", "p90")}}
        for name, (_, row) in zip(names, company.iterrows(), strict=True)
    ]


def _retrain(work: Work) -> Told:
    result = train_if_due(work.folder, work.as_of, work.home, _quiet)
    if result.trained is None:
        return Told(("not due",), {"due": False})
    version, promoted = result.trained.run.version, result.trained.promoted
    facts = {"due": True, "version": version, "promoted": promoted}
    if promoted:
        return Told((f"version {version} was trained, passed the gate and is champion",), facts)
    says = f"version {version} was trained and did not pass the gate; whatever was champion stays"
    return Told((says, f"dealcast models {version} says why"), facts, GATE_NOT_PASSED)


def _quiet(_said: str) -> None:
    """Steps within a part are not announced."""

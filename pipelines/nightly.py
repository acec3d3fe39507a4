"""Nightly: sync → check → score → write back → forecast → retrain where it is due; each stage can be taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from crm.address import without_secrets
from crm.clock import utc_text
from crm.errors import DONE, FAILED, GATE_NOT_PASSED, DataRefused, DealcastError, WrongUse
from crm.lock import held
from crm.sources.connect import kind_of
from crm.sources.mirror.sync import current
from pipelines.check import check
from pipelines.config import Config, Home, caller, load_config
from pipelines.due import train_if_due
from pipelines.forecast import ForecastResult, forecast
from pipelines.nights import Night, Nights, Stage, State
from pipelines.score import score
from pipelines.sinks import sink_called
from pipelines.sync import sync
from pipelines.writeback import Asked, writeback

SYNC, CHECK, SCORE, WRITE_BACK, FORECAST, RETRAIN = "sync", "check", "score", "write back", "forecast", "retrain"
NEEDS: Mapping[str, tuple[str, ...]] = {
    SYNC: (),
    CHECK: (SYNC,),
    SCORE: (CHECK,),
    WRITE_BACK: (SCORE,),
    FORECAST: (CHECK,),
    RETRAIN: (CHECK,),
}
MOVED = 0.1
"""A win chance that changed by more than this is counted as moved."""


@dataclass(frozen=True)
class Told:
    """What a stage has to say once it is done."""

    says: tuple[str, ...]
    facts: Mapping[str, Any]
    code: int = DONE
    as_of: str | None = None


@dataclass(frozen=True)
class Work:
    """What stages work with."""

    data: Path | str
    home: Home
    as_of: str

    @property
    def folder(self) -> Path:
        """The folder with the tables: the one named, or the mirror of the source named."""
        if isinstance(self.data, str):
            mirrored = current(self.home.mirrors / kind_of(self.data))
            if mirrored is None:
                raise DealcastError("the mirror is gone", where=str(self.home.mirrors), remedy="run it again")
            return mirrored
        return current(self.data) or self.data


def stages_of(config: Config) -> tuple[str, ...]:
    """The names of a night's stages, in their order; one write-back a sink."""
    sinks = tuple(f"{WRITE_BACK} to {name}" for name in config.write_back)
    return (SYNC, CHECK, SCORE, *sinks, FORECAST, RETRAIN)


def nightly(data: Path | str, as_of: str, home: Home, step: Callable[[str], None]) -> Night:
    """Do what is to be done every night, or what is left of a night that was stopped.

    A stage that fails does not stop those that can do without it. Whatever happens, the night's record says how far
    each stage has come.

    :raises WrongUse: where the configuration is off, before anything is done.
    :raises DealcastError: where another night is under way in this home.
    """
    config = load_config(home)
    for name in config.write_back:
        sink_called(name, config)
    source = without_secrets(str(data))
    folder = home.path / "nightly"
    with held(folder / "lock", f"dealcast nightly by {caller()}"):
        nights = Nights(folder)
        night = nights.begin(source, as_of, stages_of(config), _now())
        for name in [stage.name for stage in night.stages if stage.state is not State.DONE]:
            kind, _, sink = name.partition(" to ")
            lacking = [need for need in NEEDS[kind] if night.stage(need).state is not State.DONE]
            if lacking:
                left = Stage(name, State.LEFT_OUT, says=(f"needs what {' and '.join(lacking)} brings",))
                night = night.with_stage(left)
                continue
            night = night.with_stage(Stage(name, State.UNDER_WAY))
            nights.keep(night)
            step(name)
            work = Work(data, home, night.as_of or as_of)
            stage, pinned = _done(name, partial(_STAGES[kind], work, sink))
            night = replace(night.with_stage(stage), as_of=night.as_of or pinned)
            nights.keep(night)
        night = replace(night, ended_at=_now())
        nights.keep(night)
    return night


def _done(name: str, work: Callable[[], Told]) -> tuple[Stage, str | None]:
    """The stage once its work has been done, or could not be; and the instant that it has settled on."""
    began = time.monotonic()
    try:
        told = work()
    except (DealcastError, OSError) as error:
        state = State.REFUSED if isinstance(error, DataRefused) else State.FAILED
        code = FAILED if not isinstance(error, DealcastError) or isinstance(error, WrongUse) else error.exit_code
        return Stage(name, state, code, time.monotonic() - began, tuple(str(error).splitlines())), None
    state = State.REFUSED if told.code == GATE_NOT_PASSED else State.FAILED if told.code else State.DONE
    return Stage(name, state, told.code, time.monotonic() - began, told.says, dict(told.facts)), told.as_of


def _sync(work: Work, _sink: str) -> Told:
    if isinstance(work.data, Path):
        return Told((f"{work.data} is read as it is",), {})
    came = sync(work.data, work.home).came
    new, changed, gone = (sum(getattr(one, what) for one in came.values()) for what in ("new", "changed", "gone"))
    rows = sum(one.rows for one in came.values())
    says = f"{new:,} rows new, {changed:,} changed, {gone:,} gone; {rows:,} in {len(came)} tables"
    return Told((says,), {"rows": rows, "new": new, "changed": changed, "gone": gone})


def _check(work: Work, _sink: str) -> Told:
    result = check(work.folder, work.as_of, work.home, _quiet)
    rows_in, accepted, aside = result.company.report.balance
    ready = result.readiness
    facts = {"rows_in": rows_in, "accepted": accepted, "set_aside": aside, "deals": ready.deals, "open": ready.open}
    says = f"{ready.deals:,} deals, {ready.open:,} of them open; {rows_in:,} rows read, {aside:,} set aside"
    return Told((says, *result.company.notes), facts, as_of=utc_text(result.company.as_of))


def _score(work: Work, _sink: str) -> Told:
    result = score(work.folder, work.as_of, work.home, None, _quiet)
    moved = int((result.scores["win_probability_change"].abs() > MOVED).sum())
    facts = {"deals": len(result.scores), "model_version": result.model_version, "moved": moved}
    by = "shrunken rates" if result.model_version == "baseline" else f"version {result.model_version}"
    says = f"{len(result.scores):,} open deals scored by {by}: {moved:,} moved by more than {MOVED * 100:.0f} points"
    return Told((says,), facts)


def _write_back(work: Work, sink: str) -> Told:
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


def _forecast(work: Work, _sink: str) -> Told:
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


def _retrain(work: Work, _sink: str) -> Told:
    result = train_if_due(work.folder, work.as_of, work.home, _quiet)
    if result.trained is None:
        return Told(("not due",), {"due": False})
    version, promoted = result.trained.run.version, result.trained.promoted
    facts = {"due": True, "version": version, "promoted": promoted}
    if promoted:
        return Told((f"version {version} was trained, passed the gate and is champion",), facts)
    says = f"version {version} was trained and did not pass the gate; whatever was champion stays"
    return Told((says, f"dealcast models {version} says why"), facts, GATE_NOT_PASSED)


_STAGES: Mapping[str, Callable[[Work, str], Told]] = {
    SYNC: _sync,
    CHECK: _check,
    SCORE: _score,
    WRITE_BACK: _write_back,
    FORECAST: _forecast,
    RETRAIN: _retrain,
}


def _quiet(_said: str) -> None:
    """Steps within a stage are not announced."""


def _now() -> datetime:
    return datetime.now(UTC)

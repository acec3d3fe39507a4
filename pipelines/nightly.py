"""Nightly: sync → check → score → write back → forecast → retrain where it is due; each part can be taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from crm.address import without_secrets
from crm.errors import FAILED, GATE_NOT_PASSED, DataRefused, DealcastError, WrongUse
from crm.lock import held
from pipelines.config import Home, caller
from pipelines.night_parts import Part, Work
from pipelines.nights import Night, Nights, Stage, State


def nightly(data: Path | str, as_of: str, home: Home, parts: Sequence[Part], step: Callable[[str], None]) -> Night:
    """Do what is to be done every night, or what is left of a night that was stopped.

    A part that fails does not stop those that can do without it. Whatever happens, the night's record says how far
    each one has come.

    :raises DealcastError: where another night is under way in this home.
    """
    folder = home.path / "nightly"
    with held(folder / "lock", f"dealcast nightly by {caller()}"):
        nights = Nights(folder)
        night = nights.begin(without_secrets(str(data)), as_of, [part.name for part in parts], _now())
        for part in parts:
            if night.stage(part.name).state is State.DONE:
                continue
            lacking = [need for need in part.needs if night.stage(need).state is not State.DONE]
            if lacking:
                left = Stage(part.name, State.LEFT_OUT, says=(f"needs what {' and '.join(lacking)} brings",))
                night = night.with_stage(left)
                continue
            night = night.with_stage(Stage(part.name, State.UNDER_WAY))
            nights.keep(night)
            step(part.name)
            stage, pinned = _done(part, Work(data, home, night.as_of or as_of))
            night = replace(night.with_stage(stage), as_of=night.as_of or pinned)
            nights.keep(night)
        night = replace(night, ended_at=_now())
        nights.keep(night)
    return night


def _done(part: Part, work: Work) -> tuple[Stage, str | None]:
    """The stage once the part's work has been done, or could not be; and the instant that it has settled on."""
    began = time.monotonic()
    try:
        told = part.work(work)
    except (DealcastError, OSError) as error:
        state = State.REFUSED if isinstance(error, DataRefused) else State.FAILED
        code = FAILED if not isinstance(error, DealcastError) or isinstance(error, WrongUse) else error.exit_code
        return Stage(part.name, state, code, time.monotonic() - began, tuple(str(error).splitlines())), None
    state = State.REFUSED if told.code == GATE_NOT_PASSED else State.FAILED if told.code else State.DONE
    return Stage(part.name, state, told.code, time.monotonic() - began, told.says, dict(told.facts)), told.as_of


def _now() -> datetime:
    return datetime.now(UTC)

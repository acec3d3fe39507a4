"""The record of a night: its stages, what became of each, and where a night that was stopped goes on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from crm.durable import replace_file
from crm.errors import DONE, FAILED, GATE_NOT_PASSED

KEPT = 30
"""How many nights are remembered."""
GOES_ON_WITHIN = timedelta(hours=18)
"""A night that was stopped longer ago is left as it is, and a new one begins: the next evening's, as a rule."""


class State(StrEnum):
    """How far a stage has come."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"  # the data, a cap or the gate stood against it
    LEFT_OUT = "left out"  # what it needs was not done
    WAITING = "waiting"
    UNDER_WAY = "under way"  # or its process has died in it


@dataclass(frozen=True)
class Stage:
    """One stage of a night.

    :param says: what people are told of it, a line each; :param facts: what a machine is told.
    """

    name: str
    state: State = State.WAITING
    code: int = DONE
    seconds: float = 0.0
    says: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Night:
    """One run of all stages.

    :param source: the folder or address that was asked for; :param asked: the date that was asked for.
    :param as_of: the instant that all stages look at the data as of, once it is known.
    :param resumed: how often it went on after it had been stopped or a stage had failed.
    """

    night_id: str
    source: str
    asked: str
    began_at: datetime
    stages: tuple[Stage, ...]
    as_of: str | None = None
    resumed: int = 0
    ended_at: datetime | None = None

    def stage(self, name: str) -> Stage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)

    def with_stage(self, stage: Stage) -> Night:
        """The same night with this stage in the place of the one of its name."""
        return replace(self, stages=tuple(stage if one.name == stage.name else one for one in self.stages))

    @property
    def whole(self) -> bool:
        """Whether every stage has come to its end; a model that did not pass the gate is one, too."""
        return all(one.state is State.DONE or one.code == GATE_NOT_PASSED for one in self.stages)

    @property
    def code(self) -> int:
        """The exit code: that of the first stage that did not come to its end, else whether the gate was passed."""
        stopped = [one.code for one in self.stages if one.state in (State.FAILED, State.REFUSED)]
        worse = [code for code in stopped if code != GATE_NOT_PASSED]
        left = any(one.state is State.LEFT_OUT for one in self.stages)
        return (worse or stopped or ([FAILED] if left else [DONE]))[0]


class Nights:
    """The nights that a folder remembers, a JSON file each; written whole at each step."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, source: str, asked: str, names: Iterable[str], now: datetime) -> Night:
        """The night to be done now: the last one where it was stopped or something failed in it, else a new one."""
        last, stages = self.last(), tuple(Stage(name) for name in names)
        if (
            last is not None
            and not last.whole
            and (last.source, last.asked) == (source, asked)
            and tuple(one.name for one in last.stages) == tuple(one.name for one in stages)
            and now - last.began_at < GOES_ON_WITHIN
        ):
            again = tuple(one if one.state is State.DONE else Stage(one.name) for one in last.stages)
            return replace(last, stages=again, resumed=last.resumed + 1, ended_at=None)
        return Night(f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}", source, asked, now, stages)

    def last(self) -> Night | None:
        """The newest night; None where there was none."""
        files = self._files()
        return None if not files else _read(files[-1])

    def keep(self, night: Night) -> None:
        """Write it whole; the oldest ones are forgotten."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(asdict(night), ensure_ascii=False, indent=1, default=_as_text)
        replace_file(self._folder / f"{night.night_id}.json", content.encode())
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))


def _read(path: Path) -> Night:
    told = json.loads(path.read_text(encoding="utf-8"))
    stages = tuple(
        Stage(**{**one, "state": State(one["state"]), "says": tuple(one["says"])}) for one in told.pop("stages")
    )
    moments = {
        name: None if told[name] is None else datetime.fromisoformat(told[name]) for name in ("began_at", "ended_at")
    }
    return Night(**{**told, **moments, "stages": stages})


def _as_text(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)

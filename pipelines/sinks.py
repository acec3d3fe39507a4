"""The sinks that the configuration names."""

from __future__ import annotations

from dataclasses import dataclass

from crm.errors import WrongUse
from pipelines.config import FILE, Config
from pipelines.places import opened
from serving.sinks.kinds import SINKS
from serving.sinks.sink import Sink


@dataclass(frozen=True)
class ConfiguredSink:
    """A sink of the configuration, and how many records a write-back to it may change (None: as usual)."""

    sink: Sink
    most: int | None


def sink_called(name: str, config: Config) -> ConfiguredSink:
    """The sink that the configuration has under a name. Raises WrongUse where there is none, or it is off."""
    given = config.sinks.get(name)
    if given is None:
        known = " or ".join(config.sinks)
        raise WrongUse(
            f"there is no sink '{name}'",
            where="--sink",
            expected=known or f"a section [sinks.{name}] in the home's {FILE}",
            remedy="" if known else "see docs/writeback.md for what it says",
        )
    own = {key: value for key, value in given.items() if key != "most"}
    return ConfiguredSink(opened(SINKS, name, own, f"[sinks.{name}]"), given.get("most"))

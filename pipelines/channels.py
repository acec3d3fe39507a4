"""The channels that the configuration names."""

from __future__ import annotations

from crm.errors import WrongUse
from pipelines.config import FILE, Config
from pipelines.places import opened
from serving.channels.channel import Channel
from serving.channels.kinds import CHANNELS
from serving.digest.letter import Kind


def channels_of(config: Config) -> dict[Kind, Channel]:
    """The channel of each kind of letters, where one is named. Raises WrongUse where it is not there, or is off."""
    names = {kind: name for kind in Kind if (name := config.digest.channel_of(kind)) is not None}
    by_name = {name: _called(name, config) for name in dict.fromkeys(names.values())}
    return {kind: by_name[name] for kind, name in names.items()}


def _called(name: str, config: Config) -> Channel:
    given = config.channels.get(name)
    if given is None:
        known = " or ".join(config.channels) or f"a section [channels.{name}] in the home's {FILE}"
        remedy = "see docs/digests.md for what it says"
        raise WrongUse(f"there is no channel '{name}'", where="[digest]", expected=known, remedy=remedy)
    return opened(CHANNELS, name, given, f"[channels.{name}]")

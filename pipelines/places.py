"""Places outside that the configuration names, opened with their settings and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pipelines.config import secret
from pipelines.sections import settings_from
from serving.kinds import Kinds

Opened = TypeVar("Opened")


def opened(kinds: Kinds[Opened], name: str, given: Mapping[str, Any], where: str) -> Opened:
    """The place that a section says: its kind, its settings, its secrets from elsewhere.

    :param where: the section, as it stands in the file. Raises WrongUse for what is off there.
    """
    kind = kinds.called(given["kind"], f"{where} kind")
    settings = settings_from(kind.settings, {key: value for key, value in given.items() if key != "kind"}, where)
    capitals = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
    secrets = {one: secret(one.format(NAME=capitals)) for one in kind.secrets}
    return kind.open(name, settings, {one: value for one, value in secrets.items() if value is not None})

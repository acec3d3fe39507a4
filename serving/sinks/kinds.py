"""The kinds of sinks: a file of this folder that declares a KIND is one, under the file's name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import serving.sinks
from crm.errors import WrongUse
from serving.sinks.sink import Sink


@dataclass(frozen=True)
class SinkKind:
    """One kind of sink.

    :param settings: a dataclass of what `[sinks.NAME]` may say beside `kind` and `most`; its fields are text, whole
        numbers, numbers, days, or true and false. Its `__post_init__` raises WrongUse for what does not fit together.
    :param secrets: names of what must not stand in a file that people share: "HUBSPOT_TOKEN" is what the environment's
        DEALCAST_HUBSPOT_TOKEN holds, or the file that DEALCAST_HUBSPOT_TOKEN_FILE names. `{NAME}` stands for the sink's
        own name in capitals.
    :param open: the sink of a name, with those settings and those of the secrets that are given.
    """

    settings: type[Any]
    open: Callable[[str, Any, Mapping[str, str]], Sink]
    secrets: tuple[str, ...] = ()


def kind_called(name: str, where: str) -> SinkKind:
    """The kind of a name; only its own file is loaded. Raises WrongUse where there is none."""
    if name in _files() and (found := _declared(name)) is not None:
        return found
    known = [one for one in _files() if _declared(one) is not None]
    raise WrongUse(f"there is no kind of sink called '{name}'", where=where, expected=" or ".join(known))


def _files() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(serving.sinks.__path__))


def _declared(name: str) -> SinkKind | None:
    kind = getattr(import_module(f"serving.sinks.{name}"), "KIND", None)
    return kind if isinstance(kind, SinkKind) else None

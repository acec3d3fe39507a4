"""Kinds of places outside, found by being there: a file of a folder that declares a KIND is one, under its name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Generic, TypeVar

from crm.errors import WrongUse

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Kind(Generic[Opened]):
    """One kind of place.

    :param settings: a dataclass of what its section may say beside `kind`; its fields are text, whole numbers, numbers,
        days, or true and false. Its `__post_init__` raises WrongUse for what does not fit together.
    :param secrets: names of what must not stand in a file that people share: "HUBSPOT_TOKEN" is what the environment's
        DEALCAST_HUBSPOT_TOKEN holds, or the file that DEALCAST_HUBSPOT_TOKEN_FILE names. `{NAME}` stands for the
        place's own name in capitals.
    :param open: the place of a name, with those settings and those of the secrets that are given.
    """

    settings: type[Any]
    open: Callable[[str, Any, Mapping[str, str]], Opened]
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kinds(Generic[Opened]):
    """The kinds that a folder has; only the file of the one that is asked for is loaded.

    :param noun: what a place of these is called in messages: "sink".
    """

    folder: ModuleType
    noun: str

    def called(self, name: str, where: str) -> Kind[Opened]:
        """The kind of a name. Raises WrongUse where there is none."""
        if name in self._files() and (found := self._declared(name)) is not None:
            return found
        known = " or ".join(self.names())
        raise WrongUse(f"there is no kind of {self.noun} called '{name}'", where=where, expected=known)

    def names(self) -> list[str]:
        """Every kind there is; loads them all."""
        return [name for name in self._files() if self._declared(name) is not None]

    def _files(self) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(self.folder.__path__))

    def _declared(self, name: str) -> Kind[Opened] | None:
        kind = getattr(import_module(f"{self.folder.__name__}.{name}"), "KIND", None)
        return kind if isinstance(kind, Kind) else None

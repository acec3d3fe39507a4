"""Every action there is for a company."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import serving.actions
from features.feature import Vocabulary
from serving.actions.action import Action


def actions(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """All actions, in the order of their files. Raises ValueError where two share a name."""
    found = tuple(_declared(vocabulary))
    names = [action.name for action in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two declarations of the action {', '.join(twice)}")
    return found


def _declared(vocabulary: Vocabulary) -> Iterator[Action]:
    for file in sorted(module.name for module in pkgutil.iter_modules(serving.actions.__path__)):
        declare = getattr(import_module(f"serving.actions.{file}"), "declare", None)
        if declare is not None:
            yield from declare(vocabulary)

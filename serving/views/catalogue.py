"""Every view there is."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import serving.views
from serving.views.view import View


@cache
def views() -> tuple[View, ...]:
    """All views, in the order of their files. Raises ValueError where two share a name."""
    files = sorted(module.name for module in pkgutil.iter_modules(serving.views.__path__))
    found = [view for file in files for view in getattr(import_module(f"serving.views.{file}"), "VIEWS", ())]
    names = [view.name for view in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two declarations of the view {', '.join(twice)}")
    return tuple(found)

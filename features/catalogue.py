"""Every feature there is for a company: name, unit, family, meaning, wording, who can act on it."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from types import ModuleType

import features.families
from features.feature import Family, Feature, StreamSource, Vocabulary


@dataclass(frozen=True)
class Catalogue:
    """The declared families of a company and what is in them."""

    families: tuple[Family, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """All features, in the order of the families' file names."""
        return tuple(feature for family in self.families for feature in family.features)

    @cached_property
    def streams(self) -> Mapping[str, StreamSource]:
        """All streams by name."""
        return {name: source for family in self.families for name, source in family.streams.items()}

    def feature(self, name: str) -> Feature:
        """The feature of that name; KeyError where there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Feature]:
        return {feature.name: feature for feature in self.features}

    def family_of(self, name: str) -> str:
        """The name of the family that a feature belongs to."""
        return next(f.name for f in self.families if any(feature.name == name for feature in f.features))


@cache
def catalogue(vocabulary: Vocabulary) -> Catalogue:
    """The catalogue of a company. Raises ValueError where two features or streams share a name."""
    files = sorted(module.name for module in pkgutil.iter_modules(features.families.__path__))
    found = Catalogue(tuple(_declared(import_module(f"features.families.{file}"), vocabulary) for file in files))
    for what, names in (
        ("feature", [feature.name for feature in found.features]),
        ("stream", [name for family in found.families for name in family.streams]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two declarations of the {what} {', '.join(twice)}")
    return found


def _declared(file: ModuleType, vocabulary: Vocabulary) -> Family:
    family: Family = file.declare(vocabulary)
    return replace(family, told=(file.__doc__ or "").split("\n\n")[0].strip())

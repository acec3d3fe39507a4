"""A model's features as people are told of them: in groups, each fact in words, with the record of deals like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.feature import Feature
from serving.feature_records import STALLED, WON, overall_rate
from serving.formats import HOUSE, NOBREAK, Formats
from serving.wording import peers, sentence


@dataclass(frozen=True)
class Tell:
    """What is needed to put contributions into words.

    :param names: the model's features, in its order.
    :param reference: the historical rates that are kept with the model.
    :param outcome: which outcome is explained, WON or STALLED.
    :param uncited: features that no reason may cite; they count with everything else.
    """

    names: tuple[str, ...]
    catalogue: Catalogue
    reference: Mapping[str, Any]
    outcome: str = WON
    formats: Formats = HOUSE
    uncited: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The declared features, in the model's order."""
        return tuple(self.catalogue.feature(name) for name in self.names)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The groups that make a reason each, in the order of their first features."""
        return tuple(dict.fromkeys(one.group for one in self.features if one.name not in self.uncited))

    @cached_property
    def columns(self) -> tuple[np.ndarray, ...]:
        """The columns of each group."""
        cited = [(place, one) for place, one in enumerate(self.features) if one.name not in self.uncited]
        return tuple(np.array([place for place, one in cited if one.group == group]) for group in self.groups)

    def summed(self, contributions: np.ndarray) -> np.ndarray:
        """What each group contributes; (n, features) → (n, groups)."""
        sums = [contributions[:, columns].sum(axis=1) for columns in self.columns]
        return np.column_stack(sums) if sums else np.zeros((len(contributions), 0))

    def fact(self, column: int, value: float, facts: Mapping[str, str]) -> str:
        """A feature's value in a sentence (NaN = not known)."""
        return sentence(self.features[column], value, facts, self.formats)

    def evidence(self, column: int, value: float, span: int, facts: Mapping[str, str]) -> str:
        """What came of deals whose value lies in the same span, beside all deals."""
        feature, form = self.features[column], self.formats
        table = self.reference["features"][feature.name]
        if np.isnan(value):
            found, who = table["missing"], "deals for which this was so"
        else:
            found, who = table["bins"][span], peers(feature, table["bounds"], span, facts, form)
        if self.outcome == STALLED:
            deals = form.count(found["stall_deals"])
            record = f"stall {form.percent(found['stall_rate'])} of the time (n{NOBREAK}={NOBREAK}{deals})"
        else:
            share, won, deals = found["won"] / found["deals"], form.count(found["won"]), form.count(found["deals"])
            record = f"are won {form.percent(share)} of the time ({won} of {deals})"
        overall = form.percent(overall_rate(self.reference, self.outcome))
        return f"{who[:1].upper()}{who[1:]} {record}, against {overall} of all."

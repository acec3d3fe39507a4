"""What the subject lines of activities speak of."""

from __future__ import annotations

from functools import partial

import numpy as np

from crm.coding import encode
from features.families.engagement import NO_ACTIVITIES
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since
from features.stream import Events
from features.text import Signal, of_code, speaks_of


def declare(vocabulary: Vocabulary) -> Family:
    """The family's stream and features: two for each signal that a company looks for in its notes."""
    signals = vocabulary.signals
    streams = {"subjects": StreamSource("deal", partial(subjects, signals=signals))} if signals else {}
    return Family("engagement", streams, tuple(feature for signal in signals for feature in _speak_of(signal)))


def _speak_of(signal: Signal) -> tuple[Feature, Feature]:
    said = signal.spoken.replace("{", "{{").replace("}", "}}")  # a company's own words, wording is a template
    return (
        Feature(
            f"subjects_90d:{signal.name}",
            Count("subjects", f"says:{signal.name}", 90),
            Unit.COUNT,
            group=f"words_{signal.name}",
            meaning=f"Activities of the last 90 days whose subject speaks of {signal.spoken}.",
            wording=Wording(
                f"{{value}} of the last 90 days spoke of {said}.",
                peers=f"deals with {{bin}} in 90 days that spoke of {said}",
                zero=f"No activity of the last 90 days spoke of {said}.",
            ),
            noun=("activity", "activities"),
            bins=(0, 1, 2, 4),
        ),
        Feature(
            f"days_since_subject:{signal.name}",
            Since("subjects", f"says:{signal.name}"),
            Unit.DAYS,
            group=f"words_{signal.name}",
            meaning=f"Days since the subject of an activity last spoke of {signal.spoken}.",
            wording=Wording(
                f"An activity last spoke of {said} {{value}} ago.",
                peers=f"deals on which an activity last spoke of {said} {{bin}} ago",
                zero=f"An activity spoke of {said} today.",
                missing=f"No activity has spoken of {said} so far.",
            ),
            bins=(0, 7, 14, 30, 60, 90),
        ),
    )


def subjects(histories: Histories, signals: tuple[Signal, ...]) -> Events | Absent:
    """One event an activity whose subject speaks of anything looked for, dated when it was done and recorded."""
    if not histories.has("activities"):
        return NO_ACTIVITIES
    if not histories.gives("activities", "subject"):
        return Absent("no activity has a subject (subject)")
    (code,), levels = encode([histories.tables["activities"]["subject"]])
    says = {f"says:{signal.name}": speaks_of(levels, signal) for signal in signals}
    telling = np.logical_or.reduce(list(says.values()))
    rows, deal, at = histories.activities_in_order(of_code(telling, code))
    return Events(deal, at, {name: found[code[rows]] for name, found in says.items()})

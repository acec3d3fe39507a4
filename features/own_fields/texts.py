"""Free text: whether something is written, how much, and how long ago."""

from __future__ import annotations

import numpy as np

from features.feature import Absent, StreamSource, Unit, Wording
from features.histories import Histories
from features.own_fields.told import OfField, Source, Told, if_declared
from features.questions import Last
from features.stream import Events

_WRITTEN = "One event each time the text is written or cleared."


def text(told: Told) -> OfField:
    """Whether something is written, how much, and how long ago."""
    field, label = told.field, told.label
    length = told.feature(
        "length",
        Last(told.stream, "length"),
        Unit.COUNT,
        f"How many characters {field.label} holds.",
        Wording(f"{label} holds {{value}}.", peers=f"deals whose {label} holds {{bin}}", zero=f"{label} is empty."),
        noun=("character", "characters"),
        bins=(0, 1, 20, 100, 500),
    )
    changes, _ = told.changes("rewritten")
    written = told.ago("days_since_written", "written", "last written", "written", actionable=field.actionable)
    streams = {told.stream: StreamSource("deal", if_declared(field, _writings(field.name)), _WRITTEN)}
    return OfField(streams, (told.given(), length, written, changes))


def _writings(name: str) -> Source:
    """One event each time the text is written or cleared."""

    def events(histories: Histories) -> Events | Absent:
        history = histories.values(name)
        assert history.levels is not None
        code, given = history.number, history.given
        before = np.where(history.first, -1, np.roll(code, 1))
        length = np.append(history.levels.str.len().to_numpy(np.int64), 0)[code]
        return Events(
            history.deal,
            history.at,
            {
                "given": given,
                "length": length,
                "written": given & (code != before),
                "changed": (before >= 0) & (code != before),
            },
        )

    return events

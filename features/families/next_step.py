"""What comes next, as the owner has written it: whether, when, how much, and what it speaks of."""

from __future__ import annotations

from functools import partial

from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Last, Since
from features.stream import Events
from features.text import Signal, of_code, speaks_of, word_counts


def declare(vocabulary: Vocabulary) -> Family:
    """The family's stream and features; each signal that a company looks for in its notes gets one."""
    signals = vocabulary.signals
    streams = {"next_steps": StreamSource("deal", partial(next_step_entries, signals=signals))}
    return Family("intent", streams, (*_NOTE, *(_speaks_of(signal) for signal in signals)))


_NOTE = (
    Feature(
        "days_since_next_step",
        Since("next_steps", "given"),
        Unit.DAYS,
        group="next_step",
        meaning="Days since the next step was last written.",
        wording=Wording(
            "The next step was last written {value} ago.",
            peers="deals whose next step is {bin} old",
            zero="The next step was written today.",
            missing="No next step was ever written.",
        ),
        actionable=True,
        bins=(0, 7, 14, 30, 60),
        practice=Practice("written the next step in the last {bound}", (7, 14, 30, 60), below=True),
    ),
    Feature(
        "has_next_step",
        Last("next_steps", "given"),
        Unit.FLAG,
        group="next_step",
        meaning="1 where a next step is written, else 0.",
        wording=Wording("A next step is written.", peers="deals {bin} next step", zero="No next step is written."),
        actionable=True,
        bins=(0, 1),
        bin_names=("without a", "with a"),
        practice=Practice("written down a next step"),
    ),
    Feature(
        "next_step_changes",
        Count("next_steps", "changed"),
        Unit.TIMES,
        group="next_step",
        meaning="How often the next step was rewritten.",
        wording=Wording(
            "The next step was rewritten {value}.",
            peers="deals whose next step was rewritten {bin}",
            zero="The next step was never rewritten.",
        ),
        bins=(0, 1, 2, 4),
    ),
    Feature(
        "next_step_changes_30d",
        Count("next_steps", "changed", 30),
        Unit.TIMES,
        group="next_step",
        meaning="How often the next step was rewritten in the last 30 days.",
        wording=Wording(
            "The next step was rewritten {value} in the last 30 days.",
            peers="deals whose next step was rewritten {bin} in 30 days",
            zero="The next step was not rewritten in the last 30 days.",
        ),
        bins=(0, 1, 2, 4),
    ),
    Feature(
        "next_step_words",
        Last("next_steps", "words"),
        Unit.COUNT,
        group="next_step",
        meaning="How many words the next step has; 0 where none is written.",
        wording=Wording(
            "The next step is {value} long.",
            peers="deals with a next step of {bin}",
            zero="No next step is written.",
        ),
        noun=("word", "words"),
        bins=(0, 1, 3, 6, 11, 21),
    ),
)


def _speaks_of(signal: Signal) -> Feature:
    said = signal.spoken.replace("{", "{{").replace("}", "}}")  # a company's own words, wording is a template
    return Feature(
        f"next_step:{signal.name}",
        Last("next_steps", f"says:{signal.name}"),
        Unit.FLAG,
        group=f"words_{signal.name}",
        meaning=f"1 where the next step speaks of {signal.spoken}, else 0.",
        wording=Wording(
            f"The next step speaks of {said}.",
            peers=f"deals {{bin}} next step that speaks of {said}",
            zero=f"No next step that speaks of {said} is written.",
        ),
        bins=(0, 1),
        bin_names=("without a", "with a"),
    )


def next_step_entries(histories: Histories, signals: tuple[Signal, ...] = ()) -> Events | Absent:
    """One event each time the next step is written or cleared."""
    if not histories.is_known("next_step"):
        return Absent("the next step has no recorded history")
    coded = histories.coded("next_step")
    given = coded.code >= 0
    return Events(
        coded.history.deal,
        coded.history.at,
        {
            "given": given,
            "changed": given & ~coded.history.first,
            "words": of_code(word_counts(coded.levels), coded.code),
            **{f"says:{signal.name}": of_code(speaks_of(coded.levels, signal), coded.code) for signal in signals},
        },
    )

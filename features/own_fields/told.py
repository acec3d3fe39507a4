"""How the features of one own column are named and read, and when they can be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crm.tables import OWN_KINDS
from features.feature import Absent, Feature, OwnField, StreamSource, Unit, Wording
from features.histories import Histories
from features.questions import Count, Last, Question, Since
from features.stream import Events

Source = Callable[[Histories], Events | Absent]

CHANGE_BINS = (0, 1, 2, 4)


@dataclass(frozen=True)
class OfField:
    """The streams and features of one column."""

    streams: Mapping[str, StreamSource]
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Told:
    """How the features of one column are named and read; `label` is its label as part of a template."""

    field: OwnField

    @property
    def stream(self) -> str:
        """The stream of the column's values; of a category also that by which its level is found as a key."""
        return f"field:{self.field.name}"

    @property
    def label(self) -> str:
        return _as_text(self.field.label)

    def feature(self, what: str, ask: Question, unit: Unit, meaning: str, wording: Wording, **more: object) -> Feature:
        """A feature of this column; all of one column make one reason."""
        name = self.field.name
        return Feature(f"field:{name}:{what}", ask, unit, f"field_{name}", meaning, wording, **more)  # type: ignore[arg-type]

    def yes_or_no(self, what: str, meaning: str, yes: str, no: str) -> Feature:
        """A feature that is 1 or 0; `yes` and `no` follow the label: "is Acme", "is not Acme"."""
        label, spans = self.label, tuple(f"whose {self.field.label} {says}" for says in (no, yes))
        wording = Wording(f"{label} {_as_text(yes)}.", peers="deals {bin}", zero=f"{label} {_as_text(no)}.")
        ask, act = Last(self.stream, what), self.field.actionable
        return self.feature(what, ask, Unit.FLAG, meaning, wording, actionable=act, bins=(0, 1), bin_names=spans)

    def given(self) -> Feature:
        """Whether the column has a value."""
        return self.yes_or_no("given", f"Whether {self.field.label} is given.", "is given", "is not given")

    def changes(self, done: str = "changed") -> tuple[Feature, Feature]:
        """How often the column was changed, and how long ago."""
        label, called = self.label, self.field.label
        return (
            self.feature(
                "changes",
                Count(self.stream, "changed"),
                Unit.TIMES,
                f"How often {called} was {done}, once it had been given.",
                Wording(
                    f"{label} was {done} {{value}}.",
                    peers=f"deals whose {label} was {done} {{bin}}",
                    zero=f"{label} was never {done}.",
                ),
                bins=CHANGE_BINS,
            ),
            self.ago("days_since_change", "changed", f"last {done}", done),
        )

    def ago(self, what: str, where: str, last_done: str, done: str, *, actionable: bool = False) -> Feature:
        """How long ago something last happened to the column."""
        label = self.label
        wording = Wording(
            f"{label} was {last_done} {{value}} ago.",
            peers=f"deals whose {label} was {last_done} {{bin}} ago",
            zero=f"{label} was {done} today.",
            missing=f"{label} was never {done}.",
        )
        meaning = f"Days since {self.field.label} was {last_done}."
        return self.feature(what, Since(self.stream, where), Unit.DAYS, meaning, wording, actionable=actionable)


def if_declared(field: OwnField, source: Source) -> Source:
    """The source, where the column's past is known and its values are still read as what it was declared as."""
    name = field.name

    def events(histories: Histories) -> Events | Absent:
        if not histories.is_known(name):
            if histories.gives("opportunities", name):
                return Absent(f"{name} has no recorded history and is not declared fixed")
            return Absent(f"no deal has a value of {name}")
        if histories.tables.kind_of(name).dtype != OWN_KINDS[field.kind].dtype:
            return Absent(f"{name} is not declared as a {field.kind} under [fields] any more")
        return source(histories)

    return events


def _as_text(text: str) -> str:
    """Any text as part of a template of wording."""
    return text.replace("{", "{{").replace("}", "}}")

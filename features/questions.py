"""The questions that a feature may ask of streams: plain data, evaluated by two interpreters.

The fast one (`features.engines`) works on ranges of all snapshots at once; the reference in the tests filters
``known_at <= as_of`` one snapshot at a time. A declaration is written once and means the same to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce

_HASH = "_hash"


def _remembered_hash(self: object) -> int:
    known = vars(self).get(_HASH)
    if known is None:
        known = hash((type(self), *(value for name, value in vars(self).items() if name != _HASH)))
        object.__setattr__(self, _HASH, known)
    return int(known)


class Question:
    """Anything with one number a snapshot; questions combine with + - * / and the functions below.

    Each remembers its hash: questions are nested, and looked up once a block of snapshots.
    """

    def __init_subclass__(cls) -> None:
        cls.__hash__ = _remembered_hash  # type: ignore[method-assign] # a dataclass keeps one that is there

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != _HASH}

    def __add__(self, other: Question | float) -> Question:
        return Combine("add", self, _question(other))

    def __sub__(self, other: Question | float) -> Question:
        return Combine("subtract", self, _question(other))

    def __mul__(self, other: Question | float) -> Question:
        return Combine("multiply", self, _question(other))

    def __truediv__(self, other: Question | float) -> Question:
        """Division; by zero gives "not known"."""
        return Combine("divide", self, _question(other))


class OfStream(Question):
    """A question that is asked of one stream."""

    stream: str


@dataclass(frozen=True)
class Constant(Question):
    """The same number for every snapshot."""

    value: float


@dataclass(frozen=True)
class AsOf(Question):
    """The snapshot's own date, in days since 1970."""


@dataclass(frozen=True)
class Static(Question):
    """A fact of the deal that was fixed when it was created, by name."""

    name: str


@dataclass(frozen=True)
class Count(OfStream):
    """How many events, matching a filter, within the last `days` or since the fiscal period began."""

    stream: str
    where: str | None = None
    days: float | None = None
    this_period: bool = False


@dataclass(frozen=True)
class CountAfter(OfStream):
    """How many events matching a filter have followed the last one that matches another; all, where none does."""

    stream: str
    where: str
    after: str


@dataclass(frozen=True)
class Sum(OfStream):
    """The sum of a column over events, matching a filter, within the last `days` or since the period began."""

    stream: str
    column: str
    where: str | None = None
    days: float | None = None
    this_period: bool = False


@dataclass(frozen=True)
class Distinct(OfStream):
    """How many different codes the column has had."""

    stream: str
    column: str
    where: str | None = None


@dataclass(frozen=True)
class Max(OfStream):
    """The largest value that the column has had; not known where it has had none."""

    stream: str
    column: str
    where: str | None = None


@dataclass(frozen=True)
class Last(OfStream):
    """The column's value at the last matching event; not known where there is none."""

    stream: str
    column: str
    where: str | None = None


@dataclass(frozen=True)
class First(OfStream):
    """The column's value at the first matching event; not known where there is none."""

    stream: str
    column: str
    where: str | None = None


@dataclass(frozen=True)
class Since(OfStream):
    """Days from the last matching event to the snapshot; not known where there is none."""

    stream: str
    where: str | None = None


@dataclass(frozen=True)
class SinceFirst(OfStream):
    """Days from the first matching event to the snapshot; not known where there is none."""

    stream: str
    where: str | None = None


@dataclass(frozen=True)
class DaysToPeriodEnd(Question):
    """Days from the snapshot to the end of its fiscal period."""


@dataclass(frozen=True)
class Combine(Question):
    """Two questions made one: add, subtract, multiply, divide, the least or the most of both that is known, or
    otherwise (the right where left is not known)."""

    operation: str
    left: Question
    right: Question


@dataclass(frozen=True)
class Apply(Question):
    """A function of one question: log1p, or known (1 where it is known, else 0)."""

    function: str
    argument: Question


def log1p(question: Question) -> Question:
    """log(1 + x) of what is not negative; negative values count as 0."""
    return Apply("log1p", question)


def known(question: Question) -> Question:
    """1 where the question has an answer, else 0."""
    return Apply("known", question)


def otherwise(question: Question, fallback: Question | float) -> Question:
    """The question's answer, or the fallback's where it has none."""
    return Combine("otherwise", question, _question(fallback))


def least(*questions: Question) -> Question:
    """The smallest of the answers that are known."""
    return reduce(partial(Combine, "least"), questions)


def most(*questions: Question) -> Question:
    """The largest of the answers that are known."""
    return reduce(partial(Combine, "most"), questions)


def shrunken_rate(hits: Question, tries: Question, towards: Question, strength: float) -> Question:
    """A rate pulled towards a prior as if `strength` more tries had gone the prior's way."""
    return (hits + towards * strength) / (tries + strength)


def streams_of(question: Question) -> frozenset[str]:
    """The names of all streams that a question asks."""
    own = question.stream if isinstance(question, OfStream) else None
    parts = [part for part in vars(question).values() if isinstance(part, Question)]
    return frozenset([own] if own else []).union(*(streams_of(part) for part in parts))


def formula(question: Question) -> str:
    """The question as people write formulas: "count(replies where inbound, 30 d) / count(replies)"."""
    match question:
        case Constant(value):
            return f"{value:g}"
        case AsOf():
            return "date"
        case Static(name):
            return name
        case DaysToPeriodEnd():
            return "days to the period's end"
        case Combine("otherwise", left, right):
            return f"({formula(left)} or {formula(right)})"
        case Combine("least" | "most" as operation, _, _):
            return f"{operation}({', '.join(map(formula, _chosen_from(question, operation)))})"
        case Combine(operation, left, right):
            sides = [f"({formula(s)})" if isinstance(s, Combine) and s.operation in _LOOSER[operation] else formula(s)
                     for s in (left, right)]  # fmt: skip
            return f"{sides[0]} {_SIGNS[operation]} {sides[1]}"
        case Apply(function, argument):
            return f"{function}({formula(argument)})"
        case CountAfter(stream, where, after):
            return f"count({stream} where {where}, after the last {after})"
        case OfStream():
            return _asked(question)
    raise TypeError(type(question))


_SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷"}
_LOOSER = {"add": (), "subtract": ("add", "subtract"), "multiply": ("add", "subtract"),
           "divide": ("add", "subtract", "multiply", "divide")}  # fmt: skip
_CALLED = {"Count": "count", "Sum": "sum", "Distinct": "distinct", "Max": "max", "Last": "last", "First": "first",
           "Since": "since", "SinceFirst": "since first"}  # fmt: skip


def _chosen_from(question: Question, operation: str) -> list[Question]:
    """What the least, or the most, is that of: nested ones are one."""
    if isinstance(question, Combine) and question.operation == operation:
        return [*_chosen_from(question.left, operation), *_chosen_from(question.right, operation)]
    return [question]


def _asked(question: OfStream) -> str:
    said = vars(question)
    of = f"{said['column']} of {question.stream}" if said.get("column") else question.stream
    where = f" where {said['where']}" if said.get("where") else ""
    window = f", {said['days']:g} d" if said.get("days") else ", this period" if said.get("this_period") else ""
    return f"{_CALLED[type(question).__name__]}({of}{where}{window})"


def _question(value: Question | float) -> Question:
    return value if isinstance(value, Question) else Constant(float(value))

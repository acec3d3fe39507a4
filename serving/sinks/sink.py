"""What a place that answers are written back to can do; how it is asked for is the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

Value = str | float | int | None
Values = Mapping[str, Value]
"""What a record holds in our fields, by our own names; dates and instants in ISO 8601."""


class Kind(StrEnum):
    """What a field holds."""

    NUMBER = "number"
    PERCENT = "percent"  # a share from 0 to 1
    MONEY = "money"
    DATE = "date"
    INSTANT = "instant"
    TEXT = "text"
    LONG_TEXT = "long_text"


@dataclass(frozen=True)
class OwnField:
    """A field that is ours at every sink: nothing else is ever written.

    :param name: our own name, in answers that of the column of `scores`.
    :param label: what people see; :param meaning: a sentence.
    """

    name: str
    kind: Kind
    label: str
    meaning: str


class Fate(StrEnum):
    """What became of a row that was to be written."""

    WRITTEN = "written"
    FAILED = "failed"  # the sink said no
    UNCLEAR = "unclear"  # no answer came: it may have been written


@dataclass(frozen=True)
class Outcome:
    """What the sink answered for one record."""

    record_id: str
    fate: Fate
    said: str = ""


class Sink(Protocol):
    """Where answers are written back to."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def address(self) -> str:
        """Where it is, without anything secret."""

    @property
    def batch(self) -> int:
        """How many records one call of `write` may hold."""

    @property
    def fields(self) -> Sequence[OwnField]:
        """What is ours in its records."""

    def definitions(self) -> str:
        """What an administrator has to create there, in the sink's own language."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """What the records hold in our fields now; a record that does not exist is left out.

        :raises DealcastError: where our fields are missing (with what creates them) or the sink does not answer.
        """

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Write one batch, only the fields given for each record; one outcome for each record.

        An answer that never came is `UNCLEAR`, not an error: whoever asked reads back before writing again.
        """


@runtime_checkable
class KnowsClosed(Protocol):
    """A sink that can tell which records are closed there; nothing is written to those."""

    def closed(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the records that are closed by now."""

"""Where tasks are made on request: one record a task, by a key of ours, made and deleted as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from crm.errors import WrongUse
from serving.sinks.sink import Kind, OwnField, Sink, Value, Values

KEY = "task_key"
"""What tells our tasks apart, and from all others: a text that stays the same for a deal and a step."""

OPEN, COMPLETED, NORMAL = "open", "completed", "normal"
"""How a task stands and how urgent it is; whatever else a place holds there is said in its own words."""

FIELDS: tuple[OwnField, ...] = (
    OwnField("opportunity_id", Kind.TEXT, "Deal", "The deal that the task is about."),
    OwnField("owner_id", Kind.TEXT, "Owner", "Whose task it is: the deal's owner."),
    OwnField("subject", Kind.TEXT, "Subject", "The step, in a few words."),
    OwnField("description", Kind.LONG_TEXT, "Description", "What speaks for the step; association, no promise."),
    OwnField("due", Kind.DATE, "Due", "The day on which it is due."),
    OwnField("status", Kind.TEXT, "Status", f"'{OPEN}' as it is made."),
    OwnField("priority", Kind.TEXT, "Priority", f"'{NORMAL}' as it is made."),
)
NO_TASK: Values = {field.name: None for field in FIELDS}
"""What a key holds under which there is no task. To write it is to delete the task."""


@dataclass(frozen=True)
class DealNow:
    """A deal as the place of its tasks knows it. :param owner_id: None where it has none, or where that is not known.

    :param knows_owner: whether the place can tell.
    """

    owner_id: str | None = None
    is_closed: bool = False
    knows_owner: bool = True


NOT_KNOWN = DealNow(knows_owner=False)
"""A deal of which the place knows nothing."""


class TaskPlace(Sink, Protocol):
    """A sink whose records are tasks by their keys. A key that has no task reads as :data:`NO_TASK`."""

    def deals(self, ids: Sequence[str]) -> Mapping[str, DealNow]:
        """The deals as they stand there now; one that is not there is left out."""


@runtime_checkable
class HoldsTasks(Protocol):
    """A sink that can hold tasks."""

    def tasks(self) -> TaskPlace:
        """Where they are."""


def tasks_of(sink: Sink) -> TaskPlace:
    """The place of a sink's tasks. Raises WrongUse where it cannot hold any."""
    if not isinstance(sink, HoldsTasks):
        raise WrongUse(
            f"the sink '{sink.name}' cannot hold tasks",
            where="--sink",
            expected="a sink of a kind that can: Salesforce, HubSpot, a database, a file",
        )
    return sink.tasks()


def is_deletion(values: Mapping[str, Value]) -> bool:
    """Whether writing these values to a task is to delete it."""
    return all(value is None for value in values.values())

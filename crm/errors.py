"""Errors that a user can cause, and that a user can mend.

Each says what was found, where, what was expected and what to do. Each class carries its exit code;
the command line and the API map it in one place.
"""

from __future__ import annotations

DONE, FAILED, WRONG_USE, DATA_REFUSED, GATE_NOT_PASSED = 0, 1, 2, 3, 4


class DealcastError(Exception):
    """Something that a user can understand and mend.

    :param found: what was found, in one sentence.
    :param where: file, table, row or column, where known.
    :param expected: what would have been right.
    :param remedy: what to do now.
    """

    exit_code = FAILED

    def __init__(self, found: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        self.found, self.where, self.expected, self.remedy = found, where, expected, remedy
        super().__init__(self.__str__())

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.found}" if self.where else self.found]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


class WrongUse(DealcastError):
    """The command, an option or the configuration is off."""

    exit_code = WRONG_USE


class DataRefused(DealcastError):
    """The data cannot be used as they are; nothing was written."""

    exit_code = DATA_REFUSED


class GateNotPassed(DealcastError):
    """A model was trained, but a check stands against promoting it; the current champion stays."""

    exit_code = GATE_NOT_PASSED

"""Text for a terminal of 80 columns."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from features.settings import TimeSettings

WIDTH = 80
_BLANKS = re.compile(r"[ \x00-\x1f\x7f-\x9f]+")


def notes(given: Iterable[str]) -> str:
    """Notes, a paragraph each; empty where there are none."""
    return "\n".join("\n".join(wrapped(f"Note: {note}", "")) for note in given)


def settings_lines(time: TimeSettings, known: bool = True) -> list[str]:
    """The settings of time that are used, and where to set them otherwise; `known`: whether any deal has closed."""
    every = "day" if time.grid_days == 1 else f"{time.grid_days} days"
    cycle = f"{time.cycle_days:.0f} days"
    weeks = f" by {time.calendar.weeks} weeks" if time.calendar.weeks else ""
    takes = f"A deal takes {cycle} at the median" if known else f"No deal has closed yet; as if one took {cycle}"
    return wrapped(
        f"{takes}: snapshots every {every}, horizon "
        f"{time.horizon_days} days, stall {time.stall_days} days, period {time.calendar.period}{weeks} "
        "(set otherwise under [time]).",
        "",
    )


def or_dash(value: float | None, how: Callable[[float], str]) -> str:
    """The value in words, or a dash where it is not known."""
    return "–" if value is None or math.isnan(value) else how(value)


def spoken_day(at: int) -> str:
    """The UTC day of an instant (milliseconds) as people write it: 7 Aug 2026."""
    day = datetime.fromtimestamp(at / 1000, UTC)
    return f"{day.day} {day:%b %Y}"


def more_than(most: int, rows: int) -> list[str]:
    """What is said below a list that was cut short; nothing where it was not."""
    return wrapped(f"and {rows - most:,} more: --json has all.", "") if rows > most else []


def cut(text: str, width: int, indent: str = "") -> str:
    """One line of at most `width` characters, white space folded, cut with an ellipsis."""
    line = indent + folded(str(text))
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def folded(text: str) -> str:
    """Text in one line: runs of blanks and control characters (a terminal would obey them) are one blank."""
    return _BLANKS.sub(" ", text)


def about(path: Path, text: str) -> list[str]:
    """Lines on a file: its path, which is never broken, before the text; in a line of its own where both need more."""
    line = f"{path}: {folded(text)}"
    return [line] if len(line) <= WIDTH else [f"{path}:", *wrapped(text, "  ")]


def wrap(text: str) -> str:
    """A paragraph."""
    return "\n".join(wrapped(text, ""))


def wrapped(text: str, indent: str) -> list[str]:
    """A paragraph's lines, the first one behind `indent`, the others as far in."""
    following = " " * len(indent)
    return textwrap.wrap(folded(text), WIDTH, initial_indent=indent, subsequent_indent=following) or [indent]


def wrapped_all(texts: Iterable[str]) -> list[str]:
    """The lines of several paragraphs."""
    return [line for text in texts for line in wrapped(text, "")]

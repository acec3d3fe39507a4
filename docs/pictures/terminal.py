"""What a terminal shows, as a picture: ``dealcast explain ID | python docs/pictures/terminal.py TITLE FILE.svg``."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

WIDTH = 80


def picture(text: str, title: str) -> str:
    """An SVG of 80 columns that needs nothing from outside."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print(text, markup=False, soft_wrap=True)
    svg = console.export_svg(title=title)
    # The web font is left out: a page must not fetch anything.
    return re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(picture(sys.stdin.read().rstrip("\n"), sys.argv[1]), encoding="utf-8")

"""A letter as HTML for mail programs: inline styles, no images, no scripts, the reader's own colours."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.digest.cutting import Cut

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def as_html(cut: Cut) -> str:
    """A whole page; every text of the letter is escaped."""
    return _PAGES.get_template("letter.html").render(letter=cut.letter, more=cut.says_more)

"""Charts as inline SVG: lines that take their colours from the page, with what they show in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup, escape

from serving.formats import Formats

WIDTH, HEIGHT, PAD = 96.0, 24.0, 2.0


def sparkline(chances: Sequence[tuple[datetime, float]], since: datetime, until: datetime, forms: Formats) -> Markup:
    """Win chances over a span, from 0 % at the bottom to 100 % at the top; empty where there is less than two.

    :param chances: instants within the span with their probabilities, the first one first.
    """
    if len(chances) < 2:
        return Markup("")
    seconds = (until - since).total_seconds()
    points = [
        (
            PAD + (WIDTH - 2 * PAD) * (at - since).total_seconds() / seconds,
            HEIGHT - PAD - (HEIGHT - 2 * PAD) * chance,
        )
        for at, chance in chances
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    (first_at, first), (_, last) = chances[0], chances[-1]
    says = f"{forms.percent(first)} on {forms.day(first_at.date())}, {forms.percent(last)} now"
    last_x, last_y = points[-1]
    return Markup(
        f'<svg class="spark" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{escape(says)}">'
        f'<polyline points="{line}"/><circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="2"/></svg>'
    )

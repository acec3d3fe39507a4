"""Digests as text and as JSON: who would get what, and what became of what was sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.digest import Preview, Previewed, Sending
from pipelines.terminal import cut, folded, notes, wrapped
from serving.digest.cutting import Cut
from serving.digest.delivery import Became, Delivered
from serving.digest.text import as_text

_RULE = "-" * 78
_MARK = {Became.SENT: "✓", Became.REFUSED: "✗", Became.UNCLEAR: "?"}


def preview_text(made: Preview, files: tuple[Path, ...] = ()) -> str:
    """Who would get what by what, then each letter."""
    lines = wrapped(f"Letters of {_spoken(made)}. Nothing was sent; --send sends.", "")
    lines += ["", *(_previewed(one) for one in made.letters)] if made.letters else ["", "Nobody is due a letter."]
    if files:
        lines += ["", *wrapped(f"{len(files):,} files in {files[0].parent}.", "")]
    if made.notes:
        lines += ["", notes(made.notes)]
    for one in made.letters:
        if one.letter is not None and not files:
            to = f"To {folded(one.person.name)}: {one.letter.subject}"
            lines += ["", _RULE, *wrapped(to, ""), _RULE, as_text(Cut(one.letter)).rstrip()]
    return "\n".join(lines)


def preview_json(made: Preview, files: tuple[Path, ...] = ()) -> str:
    """A machine's summary; letters with all that they say."""
    people = [
        {
            "user_id": one.person.user_id,
            "name": one.person.name,
            "kind": one.kind,
            "channel": one.channel,
            "place": one.place,
            "why_not": one.why_not or None,
            "letter": None if one.letter is None else asdict(one.letter),
        }
        for one in made.letters
    ]
    return _json(made, people, made.notes, sent=False, files=[str(path) for path in files])


def sending_text(made: Sending) -> str:
    """What became of each letter; those who were not due anything now are counted only."""
    number = Counter(one.became for one in made.delivered)
    counted = ", ".join(f"{number[became]:,} {became}" for became in Became if number[became]) or "nobody was due any"
    lines = wrapped(f"Letters of {_spoken(made)}: {counted}.", "")
    shown = [one for one in made.delivered if one.became in (*_MARK, Became.UNREACHED)]
    if shown:
        lines += ["", *(line for one in shown for line in _delivered(one))]
    quiet = next((one.said for one in made.delivered if one.became is Became.QUIET), None)
    if quiet is not None:
        lines += ["", *wrapped(f"Those wait for a later run: {quiet}.", "")]
    if made.notes:
        lines += ["", notes(made.notes)]
    return "\n".join(lines)


def sending_json(made: Sending) -> str:
    """A machine's summary."""
    people = [
        {
            "user_id": one.person.user_id,
            "name": one.person.name,
            "kind": one.kind,
            "channel": one.channel,
            "place": one.place,
            "became": one.became,
            "subject": one.subject,
            "said": one.said,
        }
        for one in made.delivered
    ]
    return _json(made, people, made.notes, sent=True)


def _spoken(made: Preview | Sending) -> str:
    return f"{made.day:%A}, {made.day} (scores as of {made.as_of:%Y-%m-%d %H:%M} UTC)"


def _previewed(one: Previewed) -> str:
    by = "no channel" if one.channel is None else f"{one.channel}: {one.place}"
    return f"  {cut(one.person.name, 24):24} {one.kind:8} {cut(one.why_not or by, 44)}"


def _delivered(one: Delivered) -> Iterable[str]:
    mark = _MARK.get(one.became, "–")
    about = f"{one.became}{f' ({one.said})' if one.became is not Became.SENT and one.said else ''}"
    begins = f"  {mark} {cut(one.person.name, 24):24} {one.kind:8} "
    return wrapped(f"{about}{f', {one.channel}: {one.place}' if one.place else ''}", begins)


def _json(made: Preview | Sending, people: list[dict[str, Any]], told: tuple[str, ...], **more: Any) -> str:
    said = {"day": str(made.day), "as_of": made.as_of.isoformat(), "people": people, "notes": list(told), **more}
    return json.dumps(said, ensure_ascii=False)

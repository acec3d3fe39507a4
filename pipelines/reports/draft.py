"""What to look at in a drafted configuration, as text."""

from __future__ import annotations

import shlex
from pathlib import Path

from crm.sources.finding import MAPPED
from crm.sources.shapes.native import SHAPE as NATIVE
from pipelines.init import Draft
from pipelines.terminal import about, wrapped, wrapped_all


def summary(found: Draft, path: Path) -> str:
    """Where the draft is, what was seen, and what should be confirmed."""
    look, told = found.look, found.told
    lines = [*about(path, "the draft"), ""]
    lines += wrapped(f"Shape: {look.shape}; read: {', '.join(look.files)}.", "")
    if look.unread:
        lines += wrapped(f"Not read: {', '.join(look.unread)}.", "")
    if told:
        ready = told.readiness
        lines += wrapped(f"{ready.deals:,} deals: {ready.won:,} won, {ready.lost:,} lost, {ready.open:,} open.", "")
    if look.refusal:
        lines += ["", "The tables cannot be read yet:", str(look.refusal)]
    lines += ["", "Confirm:"]
    lines += wrapped_all(to_confirm(found))
    then = f"dealcast check --data {shlex.quote(found.data)} --home {shlex.quote(str(path.parent))}"
    return "\n".join([*lines, "", f"Then: {then}"])


def to_confirm(found: Draft) -> list[str]:
    """What the data do not tell for certain, the weightiest first."""
    look, told = found.look, found.told
    said = [f"{key}: only you can tell; the draft names the choices" for key in look.locale.undecided]
    if look.drafts:
        said.append(f"which column is which, in {', '.join(draft.profile.file for draft in look.drafts)}")
    said.append(zone_evidence(found))
    if told is None:
        return said
    if told.stages_inferred:
        said.append("the stages, their order and which of them are won and lost: they were inferred")
    proposed = [one.field for one in told.fixed if one.proposed]
    if proposed:
        said.append(f"that these never change once a deal is entered: {', '.join(proposed)}")
    if told.fiscal.why_year:
        said.append(f"the fiscal year: {told.fiscal.why_year}")
    elif told.fiscal.period is None:
        said.append(f"period = {told.time.calendar.period}: {told.fiscal.why_period}")
    return said


def zone_evidence(found: Draft) -> str:
    """What the data tell of the time zone."""
    bare, told = found.look.locale.needs_zone, found.told
    is_vendors = found.look.shape not in (NATIVE.name, MAPPED)
    whole = f"Times are UTC in the {found.look.shape} shape" if is_vendors else "Times carry their zone"
    begin = "Times carry no zone and are read as UTC" if bare else f"{whole}; days end in UTC"
    if told is None or not told.hours.tells:
        why = f" ({told.hours.said})" if told else ""
        return f"{begin}; nothing tells which zone it is{why}." if bare else f"{begin}; nothing tells another{why}."
    hours = told.hours
    if abs(hours.offset) <= 1:
        own = (
            "people's own clock, or UTC and they are near it: name their zone"
            if bare
            else "a working day in UTC, or near it"
        )
        return f"{begin}. {hours.said}: {own}."
    where = f", for instance {hours.zone}" if hours.zone else ""
    meant = "they look like UTC, with people" if bare else "people seem to work"
    return f"{begin}. {hours.said}: {meant} at about UTC{hours.offset:+d}{where}."

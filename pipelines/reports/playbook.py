"""The playbook, as text of 80 columns and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.playbook import PlaybookResult
from pipelines.terminal import WIDTH, spoken_day, wrap, wrapped
from serving.playbook import Step, spoken_kind, steps, volume_verdict
from serving.wording import number, percent
from training.playbook import LEAST_DEALS
from training.segments import FALSE_ALARMS

_COLUMNS = "   won  lost  odds ratio"
_INDENT = 32


def playbook_text(result: PlaybookResult) -> str:
    """Each stage with its practices, weightiest first; then how much was done, as a fact."""
    book = result.book
    tried = sum(page["tried"] for page in book.pages["stages"].values())
    told = "" if result.segment is None else f", for deals {spoken_kind(*result.segment)}"
    lines = [
        wrap(f"What won deals had done by then that lost deals had not{told}"),
        "",
        wrap(
            f"From {book.closed:,} closed deals ({book.won:,} won) as known on {spoken_day(book.until)}. Association, "
            "not a promise: deals of a like chance are compared, on one day of their stay in the stage. "
            f"{tried:,} statements were tried; about one in ten of those told may be chance."
        ),
    ]
    if result.segment and not any(step.segment for stage in result.stages for step in _steps(result, stage)):
        lines += [
            wrap("No record of theirs differs from that of all deals beyond chance: what follows is that of all.")
        ]
    if not result.stages:
        return "\n".join(
            [*lines, "", wrap("It is not known in which stage deals were, so there is nothing to compare.")]
        )
    for stage in result.stages:
        lines += ["", *_stage(result, stage)]
    lines += ["", "Does more of it go with winning? (A fact about these deals, never advice.)"]
    for stage in result.stages:
        lines += _volumes(result, stage)
    return "\n".join(lines)


def playbook_json(result: PlaybookResult) -> str:
    """A machine's summary: the stages wanted, all practices and volumes with their counts and intervals."""
    book = result.book
    head = {"model_version": book.version, "closed_deals": book.closed, "won_deals": book.won}
    asked = {"segment": None if result.segment is None else "=".join(result.segment)}
    stages = {stage: _as_json(result, stage) for stage in result.stages}
    return json.dumps({**head, **asked, "stages": stages, "notes": list(result.notes)}, ensure_ascii=False)


def _as_json(result: PlaybookResult, stage: str) -> dict[str, Any]:
    page = result.book.pages["stages"][stage]
    told = [{"practice": step.id, "says": step.evidence} for step in _steps(result, stage)]
    volume = [{**one, "verdict": volume_verdict(one, FALSE_ALARMS) or "not told"} for one in page["volume"]]
    return {**page, "volume": volume, "told": told}


def _steps(result: PlaybookResult, stage: str) -> list[Step]:
    return steps(result.book.pages, stage, result.kinds, result.book.catalogue)


def _stage(result: PlaybookResult, stage: str) -> list[str]:
    page = result.book.pages["stages"][stage]
    when = "" if page["day"] is None else f", by day {page['day']} there"
    head = wrapped(f"{stage}{when}: {page['won']:,} won and {page['lost']:,} lost deals", "")
    if min(page["won"], page["lost"]) < LEAST_DEALS:
        return [*head, f"  Too few to tell: {LEAST_DEALS} won and {LEAST_DEALS} lost deals are needed."]
    found = _first_of_groups(_steps(result, stage))
    if not found:
        return [*head, *wrapped(f"None of {page['tried']} statements holds beyond chance.", "  ")]
    lines = [*head, f"{_COLUMNS:{_INDENT}}had"]
    for step in found:
        lines += _line(step)
    return lines + ([] if result.segment else _apart(page, result))


def _first_of_groups(found: list[Step]) -> list[Step]:
    """The weightiest step of each group: what is about the same is told once."""
    first: dict[str, Step] = {}
    for step in found:
        first.setdefault(step.feature.group, step)
    return list(first.values())


def _line(step: Step) -> list[str]:
    one = step.record
    odds = f"{one['odds']:.1f} ({one['low']:.1f} to {one['high']:.1f})"
    own = " (their own record)" if step.segment else ""
    return wrapped_behind(f"{percent(step.won):>6} {percent(step.lost):>5}  {odds}", step.done + own)


def wrapped_behind(cells: str, text: str) -> list[str]:
    """Text in a column of its own behind what stands in the first line."""
    first, *rest = wrapped(text, " " * _INDENT)
    return [f"{cells:{_INDENT}}{first.lstrip()}"[:WIDTH], *rest]


def _apart(page: Mapping[str, Any], result: PlaybookResult) -> list[str]:
    """Segments whose record differs from the stage's beyond chance."""
    lines = []
    for entry in page["practices"]:
        for one in entry["segments"]:
            feature = result.book.catalogue.feature(entry["feature"])
            step = Step(entry["id"], feature, feature.practice, entry["bound"], "", None, None, one)  # type: ignore[arg-type]
            odds = "" if one["odds"] is None else f", odds ratio {one['odds']:.1f}"
            lines += wrapped(
                f"Otherwise for deals {spoken_kind(one['field'], one['value'])}: {percent(step.won)} of those won had "
                f"{step.done}, of the lost {percent(step.lost)}{odds}.",
                "  ",
            )
    return lines


_TOLD = {"more": "Goes with winning", "less": "Goes with losing", "alike": "Does not go with winning"}
_MOST_ALIKE = 5


def _volumes(result: PlaybookResult, stage: str) -> list[str]:
    by_verdict: dict[str, list[str]] = {verdict: [] for verdict in (*_TOLD, "")}
    for one in _of_groups(result, stage):
        by_verdict[volume_verdict(one, FALSE_ALARMS)].append(_amounts(result, one))
    lines = []
    for verdict, says in _TOLD.items():
        told = by_verdict[verdict] if verdict != "alike" else by_verdict[verdict][:_MOST_ALIKE]
        more = len(by_verdict[verdict]) - len(told)
        if told:
            lines += wrapped(f"{says}: {'; '.join(told)}{f'; {more} more' if more else ''}.", "  ")
    if by_verdict[""]:
        lines += wrapped(f"Too few deals to tell: {len(by_verdict[''])} (--json has them).", "  ")
    return [stage, *lines] if lines else []


def _of_groups(result: PlaybookResult, stage: str) -> list[Mapping[str, Any]]:
    """The volume of each group that stands out most: what is about the same is told once."""
    volumes = result.book.pages["stages"][stage]["volume"]
    groups = [result.book.catalogue.feature(one["feature"]).group for one in volumes]
    best: dict[str, Mapping[str, Any]] = {}
    for group, one in zip(groups, volumes, strict=True):
        if group not in best or one["after"] < best[group]["after"]:
            best[group] = one
    return list(best.values())


def _amounts(result: PlaybookResult, one: Mapping[str, Any]) -> str:
    """What is counted, with what won and lost deals had of it."""
    title = result.book.catalogue.feature(one["feature"]).meaning.rstrip(".")
    won, lost = number(one["won_median"]), number(one["lost_median"])
    if won != lost:
        return f"{title} (the median {won} if won, {lost} if lost)"
    shares = percent(one["won_had"] / one["won"]), percent(one["lost_had"] / one["lost"])
    return f"{title} (more than {number(one['usual'])}: {shares[0]} of won, {shares[1]} of lost)"

"""Where deals stall and which steps are missed, by team and rep, as text of 80 columns and as JSON."""

from __future__ import annotations

import json

import numpy as np

from pipelines.coach import CoachResult, coach_table
from pipelines.terminal import spoken_day, wrap, wrapped
from serving.team_coach import Looked
from serving.wording import percent
from training.coaching import Compared

MOST_MISSED = 3
FEW = 10
"""Stays, or closed deals, below which a count says little."""


def coach_text(result: CoachResult, whole: bool) -> str:
    """Team by team, then rep by rep: what differs beyond chance, and the steps that open deals lack.

    :param whole: with the counts that do not differ too.
    """
    lines = [
        "Where deals stall and which steps of the playbook they lack",
        "",
        wrap(
            f"The year to {spoken_day(result.company.until)}: stays in a stage that stalled for {result.stall_days} "
            "days, and closed deals that had not done what won deals had. A rep's share is drawn to the team's and a "
            "team's to the company's by as much as it rests on few; it is told where what remains differs beyond "
            "chance. Association, no ranking; how much people do is not looked at."
        ),
    ]
    if not result.teams.tries.any():
        lines += ["", wrap("No stay in a stage is known in that year, so there is nothing to compare.")]
    for team, members in result.shown.items():
        if result.teams.tries[:, team].any():
            lines += ["", *_team(result, team, members, whole)]
    return "\n".join(lines)


def coach_json(result: CoachResult) -> str:
    """A machine's summary: every team and owner with every count."""
    table = coach_table(result)
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    names = {
        **{key: result.hierarchy.name(result.level, key) for key in table["team"].unique()},
        **{key: result.hierarchy.name("owner", key) for key in table.loc[table["level"] == "owner", "key"].unique()},
    }
    told = {"level": result.level, "stall_days": result.stall_days, "model_version": result.book.version}
    return json.dumps({**told, "names": names, "rows": rows, "notes": list(result.notes)}, ensure_ascii=False)


def _team(result: CoachResult, team: int, members: list[int], whole: bool) -> list[str]:
    """One team: against the company, its open deals, then each of its people."""
    name = result.team_name(team)
    whose = {"company": "All owners", "region": f"Region {name}"}.get(result.level, f"Team of {name}")
    lines = wrapped(f"{whose}: {_rests_on(result, result.teams, team)}", "")
    if result.level != "company":
        lines += _differences(result, result.teams, team, "the company", indent="  ") or [
            "  No difference from the company beyond chance."
        ]
    lines += _missed(result, members, "  ")
    alike = []
    for owner in sorted(members, key=result.owner_name):
        told = _differences(result, result.owners, owner, "the team", indent="    ", whole=whole)
        if told or whole:
            lines += wrapped(f"{result.owner_name(owner)}: {_rests_on(result, result.owners, owner)}", "  ")
            lines += told + _missed(result, [owner], "    ")
        elif result.owners.tries[:, owner].any():
            alike.append(f"{result.owner_name(owner)} ({_tries(result, result.owners, owner)})")
    if alike:
        lines += wrapped(f"No difference from the team beyond chance: {', '.join(alike)}.", "  ")
    return lines


def _tries(result: CoachResult, found: Compared, column: int) -> str:
    stays = sum(int(found.tries[i, column]) for i, thing in enumerate(result.things) if thing.step is None)
    return f"{stays:,} {'stay' if stays == 1 else 'stays'}{', few' if stays < FEW else ''}"


def _rests_on(result: CoachResult, found: Compared, column: int) -> str:
    """How many stays there were, and that they are few where they are."""
    return f"{_tries(result, found, column)} in a stage"


def _differences(
    result: CoachResult, found: Compared, column: int, than: str, *, indent: str, whole: bool = False
) -> list[str]:
    """What differs beyond chance, the farthest apart first; with `whole` all that was tried."""
    told = found.told[:, column]
    chosen = [i for i in range(len(told)) if found.tries[i, column] and (whole or told[i])]
    lines = []
    for i in sorted(chosen, key=lambda i: (not told[i], -abs(found.share[i, column] - found.whole[i, column]))):
        lines += wrapped(_said(result.things[i], found, i, column, than), f"{indent}• ")
    return lines


def _said(thing: Looked, found: Compared, i: int, column: int, than: str) -> str:
    hits, tries = int(found.hits[i, column]), int(found.tries[i, column])
    unit = ("stay" if tries == 1 else "stays") if thing.step is None else ("deal" if tries == 1 else "deals")
    says, whole = f"{thing.says[:1].upper()}{thing.says[1:]}", percent(float(found.whole[i, column]))
    if not found.told[i, column]:
        return f"{says}: {hits} of {tries} {unit}, {than} {whole}; no difference beyond chance."
    share, low, high = (percent(float(getattr(found, n)[i, column])) for n in ("share", "low", "high"))
    return f"{says}: {hits} of {tries} {unit}, {than} {whole}; drawn to that: {share} ({low} to {high})."


def _missed(result: CoachResult, members: list[int], indent: str) -> list[str]:
    """The steps that most open deals of these owners lack, weighed by what won deals had."""
    steps = [thing for thing in result.things if thing.step is not None]
    lacking = np.array([thing.open_lacking[members].sum() for thing in steps], dtype=int)
    order = [i for i in np.argsort(-lacking, kind="stable") if lacking[i]][:MOST_MISSED]
    lines = [f"{indent}Most missed on open deals:"] if order else []
    for i in order:
        asked, step = int(steps[i].open_asked[members].sum()), steps[i].step
        assert step is not None
        lines += wrapped(
            f"{lacking[i]} of {asked} in {step.stage} have not {step.done} ({percent(step.won)} of won deals had, "
            f"{percent(step.lost)} of lost).",
            f"{indent}→ ",
        )
    return lines

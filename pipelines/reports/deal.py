"""One deal's score in words."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pipelines.explain import ExplainResult
from pipelines.reports import like_deals
from pipelines.reports.feedback import said_lines
from pipelines.terminal import or_unknown, wrapped
from serving.explain import LEAST_POINTS
from serving.formats import NOBREAK, Formats
from serving.moved import LATE, MODEL, REST
from serving.wording import points


def explanation(result: ExplainResult) -> str:
    """One deal: the answer, the reasons for and against, what won deals had, stall reasons."""
    score, why, form = result.score, result.reasons, result.formats
    percent, money = form.percent, form.money
    lines = [
        *wrapped(" · ".join(part for part in (score["name"], score["account"]) if part), ""),
        *wrapped(
            f"{score['opportunity_id']} · {score['stage']} · {score['owner']} · as of {form.day(score['as_of'])}",
            "",
        ),
        "",
        f"  Win chance       {percent(score['win_probability'])} (grade {score['grade']}, score {score['score']})",
        f"  This period      {percent(score['win_probability_this_period'])}",
        f"  Stall risk       {or_unknown(score['stall_risk'], percent)}",
        *wrapped(_likely_close(score, form), "  Likely close     "),
        f"  Planned close    {_planned_close(score, form)}",
        f"  Worth            {or_unknown(score['expected_amount'], money)}",
        *wrapped(_confidence(score["data_confidence"], why.get("missing", []), form), "  Data confidence  "),
        *said_lines(result.verdicts, score["win_probability"]),
        "",
        f"From {percent(why['base'])}, the chance of a typical open deal, to {percent(score['win_probability'])}:",
    ]
    lines += reason_lines("What speaks for it", why["for"])
    lines += reason_lines("What speaks against it", why["against"])
    if abs(why["rest"]) >= LEAST_POINTS:
        lines += ["", f"  Everything else together: {points(why['rest'])}"]
    lines += _moved(why.get("moved"), form)
    if result.coaching:
        lines += ["", "What won deals had at this stage (association, not a promise)"]
        for gap in result.coaching:
            lines += wrapped(gap["says"], "  → ")
    lines += like_deals.lines(result.like_deals, form)
    if result.stall_reasons:
        base = percent(result.stall_reasons["base"])
        lines += ["", f"Why it may stall (a typical open deal: {base})"]
        lines += reason_lines("", result.stall_reasons["for"][:3])
    lines += ["", f"Model {score['model_version']}, scored {score['scored_at']:%Y-%m-%d %H:%M} UTC."]
    return "\n".join(lines)


def explanation_json(result: ExplainResult) -> str:
    """The same for a machine: the stored score with all that is told of it, verdicts and trial arm."""
    told: dict[str, Any] = {
        "reasons": result.reasons,
        "stall_reasons": result.stall_reasons,
        "coaching": result.coaching,
        "like_deals": result.like_deals,
    }
    told |= {"verdicts": result.verdicts, "trial": result.trial}
    return json.dumps({**result.score, **told}, ensure_ascii=False, allow_nan=False, default=_iso)


def _iso(moment: date) -> str:
    """A day, or an instant of the store (UTC, without a zone)."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if isinstance(moment, datetime) else moment.isoformat()


def _moved(moved: dict[str, Any] | None, form: Formats) -> list[str]:
    """Why the chance moved since the run before; nothing where it stands where it stood."""
    if moved is None or not any(abs(moved[part]) >= LEAST_POINTS for part in ("facts", "late", "model")):
        return []
    change = moved["to"] - moved["from"]
    since = form.day(date.fromisoformat(moved["since"]))
    lines = ["", f"Since {since}: {form.percent(moved['from'])} → {form.percent(moved['to'])} ({points(change)})"]
    if abs(moved["facts"]) < LEAST_POINTS <= abs(moved["model"]) and not moved["moves"]:
        return [*lines, *wrapped(f"The facts did not change, the model did. ({points(moved['model'])})", "  • ")]
    for move in moved["moves"]:
        lines += wrapped(f"{move['says']} ({points(move['points'])})", "  • ")
        if move["before"]:
            lines += wrapped(f"Then: {move['before']}", "    ")
    for part, says in (("rest", REST), ("late", LATE), ("model", MODEL)):
        if abs(moved[part]) >= LEAST_POINTS:
            lines += wrapped(f"{says} ({points(moved[part])})", "  • ")
    return lines


def _likely_close(score: dict[str, Any], form: Formats) -> str:
    day, first, last = score["expected_close_date"], score.get("close_p10"), score.get("close_p90")
    if day is None:
        return "not known, if won"
    if first is None:
        return f"{form.day(day)}, if won"
    alike = {day.year} == {one.year for one in (first, last) if one is not None}
    begins, ends = (None if one is None else f"{one.day} {one:{'%b' if alike else '%b %Y'}}" for one in (first, last))
    span = f"9 of 10 after {begins}" if ends is None else f"8 of 10 between {begins} and {ends}"
    return f"{form.day(day)}, if won ({span})"


def _planned_close(score: dict[str, Any], form: Formats) -> str:
    planned, slip, today = score.get("close_date"), score.get("slip_probability"), score["as_of"].date()
    if planned is None:
        return "not known"
    if slip is not None:
        return f"{form.day(planned)}: {form.percent(slip)} chance that it is still open then"
    if planned >= today:
        return f"{form.day(planned)}, today" if planned == today else form.day(planned)
    late = (today - planned).days
    return f"{form.day(planned)}: overdue by {form.count(late)}{NOBREAK}{'day' if late == 1 else 'days'}"


def _confidence(share: float, missing: list[str], form: Formats) -> str:
    return form.percent(share) + (f" (missing: {', '.join(missing)})" if missing else "")


def reason_lines(title: str, reasons: list[dict[str, Any]]) -> list[str]:
    """A title and its reasons, each with its evidence below."""
    lines = ["", title] if title and reasons else []
    for reason in reasons:
        lines += wrapped(f"{reason['says']} ({points(reason['points'])})", "  • ")
        if reason["evidence"]:
            lines += wrapped(reason["evidence"], "    ")
    return lines

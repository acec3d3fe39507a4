"""One deal's score in words."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pipelines.explain import ExplainResult
from pipelines.reports import like_deals
from pipelines.reports.feedback import said_lines
from pipelines.terminal import wrapped
from serving.deal_words import confidence, likely_close, moved_of, or_unknown, planned_close
from serving.explain import LEAST_POINTS
from serving.formats import Formats
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
        *wrapped(likely_close(score, form), "  Likely close     "),
        f"  Planned close    {planned_close(score, form)}",
        f"  Worth            {or_unknown(score['expected_amount'], money)}",
        *wrapped(confidence(score["data_confidence"], why.get("missing", []), form), "  Data confidence  "),
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


def _moved(told: dict[str, Any] | None, form: Formats) -> list[str]:
    """Why the chance moved since the run before; nothing where it stands where it stood."""
    moved = moved_of(told)
    if moved is None:
        return []
    begins, ends = form.percent(moved.start), form.percent(moved.end)
    lines = ["", f"Since {form.day(moved.since)}: {begins} → {ends} ({points(moved.points)})"]
    for part in moved.parts:
        lines += wrapped(f"{part.says} ({points(part.points)})", "  • ")
        if part.before:
            lines += wrapped(f"Then: {part.before}", "    ")
    return lines


def reason_lines(title: str, reasons: list[dict[str, Any]]) -> list[str]:
    """A title and its reasons, each with its evidence below."""
    lines = ["", title] if title and reasons else []
    for reason in reasons:
        lines += wrapped(f"{reason['says']} ({points(reason['points'])})", "  • ")
        if reason["evidence"]:
            lines += wrapped(reason["evidence"], "    ")
    return lines

"""One deal's score in words."""

from __future__ import annotations

from typing import Any

from pipelines.explain import ExplainResult
from pipelines.terminal import or_unknown, wrapped
from serving.wording import money, percent, points


def explanation(result: ExplainResult) -> str:
    """One deal: the answer, the reasons for and against, what won deals had, stall reasons."""
    score, why = result.score, result.reasons
    lines = [
        *wrapped(" · ".join(part for part in (score["name"], score["account"]) if part), ""),
        *wrapped(
            f"{score['opportunity_id']} · {score['stage']} · {score['owner']} · as of {score['as_of']:%Y-%m-%d}",
            "",
        ),
        "",
        f"  Win chance       {percent(score['win_probability'])} (grade {score['grade']}, score {score['score']})",
        f"  This period      {percent(score['win_probability_this_period'])}",
        f"  Stall risk       {or_unknown(score['stall_risk'], percent)}",
        f"  Likely close     {score['expected_close_date'] or 'not known'}, if won",
        f"  Worth            {or_unknown(score['expected_amount'], money)}",
        *wrapped(_confidence(score["data_confidence"], why.get("missing", [])), "  Data confidence  "),
        "",
        f"From {percent(why['base'])}, the chance of a typical open deal, to {percent(score['win_probability'])}:",
    ]
    lines += reason_lines("What speaks for it", why["for"])
    lines += reason_lines("What speaks against it", why["against"])
    if abs(why["rest"]) >= 0.005:
        lines += ["", f"  Everything else together: {points(why['rest'])}"]
    if result.coaching:
        lines += ["", "What won deals had at this stage (association, not a promise)"]
        for gap in result.coaching:
            lines += wrapped(gap["says"], "  → ")
    if result.stall_reasons:
        base = percent(result.stall_reasons["base"])
        lines += ["", f"Why it may stall (a typical open deal: {base})"]
        lines += reason_lines("", result.stall_reasons["for"][:3])
    lines += ["", f"Model {score['model_version']}, scored {score['scored_at']:%Y-%m-%d %H:%M} UTC."]
    return "\n".join(lines)


def _confidence(share: float, missing: list[str]) -> str:
    return percent(share) + (f" (missing: {', '.join(missing)})" if missing else "")


def reason_lines(title: str, reasons: list[dict[str, Any]]) -> list[str]:
    """A title and its reasons, each with its evidence below."""
    lines = ["", title] if title and reasons else []
    for reason in reasons:
        lines += wrapped(f"{reason['says']} ({points(reason['points'])})", "  • ")
        if reason["evidence"]:
            lines += wrapped(reason["evidence"], "    ")
    return lines

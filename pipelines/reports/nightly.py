"""What a night brought, as text and as JSON."""

from __future__ import annotations

import json

from pipelines.nights import Night, Stage, State
from pipelines.terminal import wrapped

_MARK = {
    State.DONE: "✓",
    State.FAILED: "✗",
    State.REFUSED: "!",
    State.LEFT_OUT: "–",
    State.WAITING: "…",
    State.UNDER_WAY: "…",
}


def night_text(night: Night) -> str:
    """How it went on the whole, then each stage with what it has to say."""
    names = [f"{stage.name} {stage.state}" for stage in night.stages if stage.state is not State.DONE]
    took = sum(stage.seconds for stage in night.stages)
    how = "all is done" if not names else "; ".join(names)
    again = f", taken up again {night.resumed}×" if night.resumed else ""
    lines = wrapped(f"Night {night.night_id}{again}: {how}; {took:.0f} s of work.", "")
    if night.as_of is not None:
        lines += wrapped(f"The data of {night.source} as of {night.as_of}.", "")
    lines.append("")
    width = max(len(stage.name) for stage in night.stages)
    for stage in night.stages:
        lines += _stage_lines(stage, width)
    if not night.whole:
        lines += ["", *wrapped("Run the same command again: it goes on with what was not done.", "")]
    return "\n".join(lines)


def _stage_lines(stage: Stage, width: int) -> list[str]:
    first, *more = stage.says or (str(stage.state),)
    begins = f"  {_MARK[stage.state]} {stage.name:{width}}  "
    lines = wrapped(first, begins)
    for line in more:
        lines += wrapped(line.strip(), " " * len(begins))
    return lines


def night_json(night: Night) -> str:
    """A machine's summary."""
    return json.dumps(
        {
            "night_id": night.night_id,
            "source": night.source,
            "as_of": night.as_of,
            "began_at": night.began_at.isoformat(),
            "ended_at": None if night.ended_at is None else night.ended_at.isoformat(),
            "resumed": night.resumed,
            "exit_code": night.code,
            "stages": [
                {
                    "name": stage.name,
                    "state": stage.state,
                    "exit_code": stage.code,
                    "seconds": round(stage.seconds, 1),
                    "says": list(stage.says),
                    **({"facts": stage.facts} if stage.facts else {}),
                }
                for stage in night.stages
            ],
        },
        ensure_ascii=False,
    )

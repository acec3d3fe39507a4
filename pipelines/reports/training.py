"""What a training found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.reports.tuning import tuning_lines
from pipelines.terminal import notes, settings_lines, wrap, wrapped
from pipelines.train import TrainResult
from serving.wording import percent

MOST_SEGMENTS = 8


def training_summary(result: TrainResult) -> str:
    """What was learned from, how it did on later dates beside what it must beat, and the gate."""
    data = result.trained.model.facts["data"]
    evaluation = result.trained.model.facts["evaluation"]
    lines = [
        *settings_lines(result.training.time),
        f"Learned from {data['deals']:,} deals, {data['won']:,} won and {data['lost']:,} lost, "
        f"in {data['rows']:,} snapshots.",
        *wrapped(
            f"Judged on dates after {evaluation['calibrated_until'][:10]}, fitted on what was known by "
            f"{evaluation['fit_until'][:10]}; an account's deals never on both sides.",
            "",
        ),
        *tuning_lines(result.trained.model.facts["tuning"]),
    ]
    for card in result.trained.cards:
        lines += [
            "",
            f"{card.question.capitalize()}: {card.deals:,} deals, promised {percent(card.model.mean)}, "
            f"kept {percent(card.kept)}",
            f"  {'':22} {'log loss':>22} {'AUC':>6} {'calibration error':>18}",
        ]
        for line in card.lines:
            lines.append(f"  {line.name:22} {line.log_loss!s:>22} {line.auc.value:6.3f} {line.calibration_error:18.3f}")
    lines += day_of_win_lines(result.trained.model.facts["close_date_record"])
    lines += segment_lines(result.trained.model.facts["segments"])
    lines += ["", "Gate"]
    for finding in result.trained.verdict.findings:
        mark = {"passed": "✓", "failed": "✗", "not applicable": "–"}[finding.outcome.value]
        lines += wrapped(f"{finding.check}: {finding.says}", f"  {mark} ")
    lines += ["", _verdict(result)]
    said = [note for note in (result.note, result.followed.note) if note]
    if said:
        lines.append(notes(said))
    return "\n".join(lines)


def day_of_win_lines(record: Mapping[str, Any] | None) -> list[str]:
    """How the span of the day of winning and its median did; none where too few were won."""
    if record is None:
        return []
    plan, span = record["error_of_plan"], record["span"]
    beside = "" if plan is None else f"the planned date by {plan['value']:.1f}, "
    says = (
        f"Day of winning: {record['deals']:,} deals, within their span promised {percent(span['promised'])}, kept "
        f"{percent(span['inside']['value'])}; the median is off by {record['error']['value']:.1f} days, {beside}the "
        f"stage's median by {record['error_of_stage']['value']:.1f} (counted up to {record['horizon_days']:.0f})."
    )
    return ["", *wrapped(says, "")]


def segment_lines(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of deals for which the model is off, the farthest first; none where there is none."""
    off = [one for one in segments if one["off"]]
    if not off:
        return []
    title = "Where it is off beyond chance (promised, kept, deals; 90 % interval of the difference)"
    lines = ["", *wrapped(title, "")]
    for one in off[:MOST_SEGMENTS]:
        low, high = (f"{one['gap'][end] * 100:+.0f}" for end in ("low", "high"))
        says = (
            f"{one['field'].replace('_', ' ')} {one['value']}: {one['off']}, {percent(one['promised'])}, "
            f"{percent(one['kept'])}, {one['deals']:,} ({low} to {high} points)"
        )
        lines += wrapped(says, "  ")
    if len(off) > MOST_SEGMENTS:
        lines.append(f"  … and {len(off) - MOST_SEGMENTS} more in the model card")
    return lines


def train_json(result: TrainResult) -> str:
    """A machine's summary of a training."""
    return json.dumps(train_facts(result), ensure_ascii=False)


def train_facts(result: TrainResult) -> dict[str, Any]:
    """What a machine is told of a training."""
    return {
        "version": result.run.version,
        "mlflow_run_id": result.run.run_id,
        "promoted": result.promoted,
        "mlflow_agrees": not result.followed.note,
        "data": result.trained.model.facts["data"],
        "tuning": result.trained.model.facts["tuning"],
        "gate": result.trained.model.facts["gate"],
        "segments": result.trained.model.facts["segments"],
        "close_date_record": result.trained.model.facts["close_date_record"],
        "scores": {
            key: {line["name"]: line["log_loss"]["value"] for line in card["lines"]}
            for key, card in result.trained.model.facts["scores"].items()
        },
    }


def _verdict(result: TrainResult) -> str:
    if result.promoted:
        return f"Version {result.run.version} passed the gate and is champion."
    return wrap(
        f"Version {result.run.version} did not pass the gate and was not promoted; whatever was champion stays. "
        "Without a champion, `dealcast score` answers with shrunken rates."
    )

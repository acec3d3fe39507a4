"""What a model is, on one page, from the figures of its own training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.close_dates import PLAIN
from training.learning import Trained
from training.scorecard import Card
from training.scores import Interval
from training.segments import FALSE_ALARMS, LEAST_DEALS


def model_card(trained: Trained) -> str:
    """Markdown: data, scores on later dates, gate, limits."""
    data, evaluation = trained.model.facts["data"], trained.model.facts["evaluation"]
    lines = [
        "# Deal model",
        "",
        f"Learned from {data['rows']:,} snapshots of {data['deals']:,} deals ({data['won']:,} won, "
        f"{data['lost']:,} lost) known by {data['until']}. Data fingerprint `{data['fingerprint'][:16]}`.",
        "",
        f"Judged on later dates: fitted on what was known at {evaluation['fit_until']}, calibrated on dates up to "
        f"{evaluation['calibrated_until']}, judged up to {evaluation['judged_until']}; an account's deals never "
        "stand on both sides. Intervals are 90 %, bootstrapped over deals.",
        "",
    ]
    for card in trained.cards:
        lines += [*card_table(card), ""]
    lines += [*settings_section(trained.model.facts["parameters"], trained.model.facts["tuning"]), ""]
    lines += [*amount_section(trained.model.facts["amount_record"]), ""]
    lines += [*close_date_section(trained.model.facts["close_date_record"]), ""]
    lines += [*segments_section(trained.model.facts["segments"]), ""]
    lines += ["## Gate", "", "| check | outcome | finding |", "|---|---|---|"]
    lines += [f"| {f.check} | {f.outcome.value} | {f.says} |" for f in trained.verdict.findings]
    lines += [
        "",
        "## Limits",
        "",
        "Probabilities hold for deals like those learned from. Reasons are associations, not causes.",
        f"Features left out: {len(trained.model.facts['absent_features'])} (see model.json).",
    ]
    return "\n".join(lines) + "\n"


def settings_section(parameters: Mapping[str, Any], tuning: Mapping[str, Any] | None) -> list[str]:
    """The settings, and whether they were tuned."""
    lines = ["## Settings", "", ", ".join(f"`{name}` {value:g}" for name, value in parameters.items()), ""]
    if tuning is None:
        return [*lines, "Not tuned."]
    until, names = tuning["known_until"], ", ".join(f"`{name}`" for name in tuning["settings"])
    if tuning["carried"]:
        return [*lines, f"Tuned for an earlier champion, on what was known by {until}, and kept: {names}."]
    gain = f"; saved on deals without a part in the choice {Interval(**tuning['gain'])}" if tuning["gain"] else ""
    found = f"Tuned: {names}." if tuning["accepted"] else "Nothing was better beyond chance: not tuned."
    return [
        *lines,
        f"{tuning['tried']} trials on {tuning['splits']} splits by time of what was known by {until}{gain} (share of "
        f"the stage rates' log loss). {found}",
    ]


def amount_section(record: Mapping[str, Any] | None) -> list[str]:
    """How the expected amount and its range did on later dates."""
    if record is None:
        return ["## Amount", "", "Too few won deals with a known amount to judge what deals are won for."]
    inside, bias, loss, as_it_stands = (Interval(**record[name]) for name in ("inside", "bias", "loss", "as_it_stands"))
    return [
        "## Amount",
        "",
        f"{record['rows']:,} snapshots of {record['deals']:,} deals won since. Final ÷ current amount: within the 80 % "
        f"range {inside.share}; expected less final {bias}; pinball loss "
        f"{loss}, of the amount as it stands {as_it_stands}.",
    ]


def close_date_section(record: Mapping[str, Any] | None) -> list[str]:
    """How the span of the day of winning and its median did on later dates."""
    if record is None:
        return ["## Day of winning", "", "Too few won deals to judge when deals are won."]
    error, of_stage = (Interval(**record[name]) for name in ("error", "error_of_stage"))
    plan = record["error_of_plan"]
    of_plan = "" if plan is None else f", of the planned close date {Interval(**plan).days}"
    return [
        "## Day of winning",
        "",
        f"{record['rows']:,} snapshots of {record['deals']:,} deals won since, each judged over the days for which it "
        f"was followed. Between the 10 % and the 90 % day: {_coverage(record['span'])}. Not used: "
        f"{_coverage(record['other'])}.",
        "",
        f"Mean days between win and median, counted up to {record['horizon_days']:.0f}: {error.days}{of_plan}, of the "
        f"median of won deals from the same stage {of_stage.days}.",
    ]


def _coverage(found: Mapping[str, Any]) -> str:
    shape = "the curve's own shares" if found["shape"] == PLAIN else f"shape {found['shape']:.2f}"
    return f"{Interval(**found['inside']).share}, promised of wins so soon {found['promised']:.1%} ({shape})"


def segments_section(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    """Kinds of deals, promised against kept: those that are off first."""
    lines = ["## Segments", ""]
    if not segments:
        return [*lines, "No kind of deal has enough deals on the judged dates."]
    off = [one for one in segments if one["off"]]
    lines += [
        f"{len(segments)} kinds of deals with at least {LEAST_DEALS} deals on the judged dates; {len(off)} off beyond "
        f"what chance explains among so many (expected share of false alarms {FALSE_ALARMS:.0%}).",
        "",
        "| | deals | snapshots | promised | kept | promised − kept | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in segments:
        lines.append(
            f"| {one['field']}: {one['value']} | {one['deals']:,} | {one['rows']:,} | {one['promised']:.1%} "
            f"| {one['kept']:.1%} | {Interval(**one['gap'])} | {one['off']} |"
        )
    return lines


def card_table(card: Card) -> list[str]:
    """One question's scores as a Markdown table."""
    slope, low, high = card.slope
    return [
        f"## {card.question.capitalize()}",
        "",
        f"{card.rows:,} snapshots of {card.deals:,} deals; came true {card.kept:.1%}, promised {card.model.mean:.1%}; "
        f"calibration slope {slope:.2f} ({low:.2f} to {high:.2f}).",
        "",
        "| | log loss | Brier | AUC | calibration error |",
        "|---|---|---|---|---|",
        *(
            f"| {line.name} | {line.log_loss} | {line.brier} | {line.auc} | {line.calibration_error:.3f} |"
            for line in card.lines
        ),
    ]

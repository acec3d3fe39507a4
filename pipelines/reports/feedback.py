"""People's verdicts on deals, and who was right, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pipelines.feedback import Listing, Record
from pipelines.reports.forecast import records
from pipelines.terminal import cut, notes, wrapped, wrapped_all
from serving.formats import NOBREAK
from serving.verdict_words import of_another_chance, said
from serving.verdicts import AGREE, HIGH, LEAST_CLOSED, LOW, OVERRIDE, SNOOZE, Overrides, Side
from serving.wording import percent
from training.scores import Interval

_CALLED = {HIGH: "called too high", LOW: "called too low", AGREE: "agreed with"}
_BORNE_OUT = {HIGH: "lost", LOW: "won", AGREE: "won"}


def given_text(row: Mapping[str, Any]) -> str:
    """What was kept, and the model's answer beside it."""
    model = f"The model's answer as of {row['as_of']:%Y-%m-%d} stays as it is: {percent(row['win_probability'])}."
    after = "Once deals have closed: dealcast feedback --record --data DIR shows who was right."
    if row["verdict"] == SNOOZE:
        after = "It is back in the list then, or as soon as its stage, owner, close date or amount changes."
    return "\n".join(wrapped_all([f"Kept for {row['name']}: {said(row)}.", model, after]))


def given_json(row: Mapping[str, Any]) -> str:
    """A machine's summary."""
    return json.dumps(row, ensure_ascii=False, default=str)


def said_lines(verdicts: Iterable[Mapping[str, Any]], chance: float) -> list[str]:
    """Verdicts on one deal below its answer; the model's chance then, where it is another by now."""
    lines = []
    for row in verdicts:
        lines += wrapped(said(row) + of_another_chance(row, chance), "  • ")
    return ["", "What people say", *lines] if lines else []


def listing_text(kept: Listing) -> str:
    """Two lines a verdict: the deal with the model's chance and the person's, and who says what."""
    table = kept.table
    if not len(table):
        which = " that stands for a deal still open" if kept.still_open else ""
        return "\n".join(
            wrapped(
                f"There is no verdict{which}: dealcast feedback ID agree (or dispute, override, snooze) gives one.", ""
            )
        )
    lines = [f"  {'deal':14} {'':36} {'model':>7} {'person':>7}"]
    for row in table.to_dict("records"):
        own = percent(float(row["probability"])) if row["verdict"] == OVERRIDE else ""
        lines.append(
            f"  {cut(row['opportunity_id'], 14):14} {cut(row['name'], 36):36} {percent(row['win_probability']):>7} "
            f"{own:>7}".rstrip()
        )
        lines += wrapped(said(row), "    ")
    return "\n".join(lines)


def listing_json(kept: Listing) -> str:
    """A machine's listing."""
    table = kept.table.astype(object).where(kept.table.notna(), None)
    return json.dumps({"feedback": records(table)}, ensure_ascii=False, allow_nan=False)


def record_text(found: Record) -> str:
    """Who was right so far."""
    if not found.given:
        lines = wrapped(
            "Nobody has judged a deal while it was open: dealcast feedback ID agree (or dispute, override).", ""
        )
    else:
        lines = wrapped(f"Of {_counted(found.given, 'judgement')} {found.closed:,} are of deals that have closed.", "")
        lines += _overrides(found.overrides)
        for name, side in found.sides.items():
            lines += _side(name, side)
        lines += [
            "",
            *wrapped(
                "A person's newest judgement of a deal counts, made while it was open. Deals that close early are not "
                "like those that are still open.",
                "",
            ),
        ]
    told = notes(found.notes)
    return "\n".join(([told, ""] if told else []) + lines)


def record_json(found: Record) -> str:
    """A machine's summary."""
    told = {name: value for name, value in asdict(found.overrides).items() if name != "people"}
    told["brier"], told["log_loss"] = (
        dict(zip(("person", "model"), pair, strict=True)) if found.overrides.judgements else None
        for pair in (found.overrides.brier, found.overrides.log_loss)
    )
    return json.dumps(
        {
            "judgements": found.given,
            "closed": found.closed,
            "overrides": {**told, "people": records(found.overrides.people)},
            "sides": {name: asdict(side) for name, side in found.sides.items()},
            "notes": list(found.notes),
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def _overrides(found: Overrides) -> list[str]:
    if not found.given:
        return []
    lines = ["", "People's own chances against the model's"]
    if found.brier_saved is None or found.log_loss_saved is None:
        return [*lines, *wrapped(_too_early(found.given, found.deals), "  ")]
    lines += [f"  {_counted(found.deals, 'deal'):14} {'people':>7} {'model':>7}   people nearer by"]
    lines.append(_line("Brier score", found.brier, found.brier_saved))
    lines.append(_line("log loss", found.log_loss, found.log_loss_saved))
    lines += wrapped(_verdict_on(found.brier_saved), "  ")
    lines += ["  by person, drawn towards all people's (Brier score, people nearer by)"]
    for row in found.people.to_dict("records"):
        closed = f"{row['closed']:,} of {row['given']:,} closed"
        lines.append(f"    {cut(row['author'], 30):30} {closed:>20} {_signed(row['brier_saved']):>8}")
    return lines


def _line(name: str, pair: tuple[float, float], saved: Interval) -> str:
    person, model = pair
    between = f"{_signed(saved.value)} ({_signed(saved.low)} to {_signed(saved.high)})"
    return f"  {name:14} {person:7.3f} {model:7.3f}   {between}"


def _verdict_on(saved: Interval) -> str:
    if saved.low > 0:
        return "People were nearer, beyond chance."
    return "The model was nearer, beyond chance." if saved.high < 0 else "Nobody was nearer beyond chance."


def _side(name: str, side: Side) -> list[str]:
    if not side.given:
        return []
    lines = ["", f"Chances that people {_CALLED[name]}"]
    if side.beyond is None:
        return [*lines, *wrapped(_too_early(side.given, side.closed), "  ")]
    expected = side.expected / side.closed
    says = (
        f"{side.borne_out:,} of {side.closed:,} were {_BORNE_OUT[name]} ({percent(side.borne_out / side.closed)}); by "
        f"the model's chances it would be {percent(expected)}. Beyond it: {_points(side.beyond)}."
    )
    return [*lines, *wrapped(says, "  ")]


def _points(beyond: Interval) -> str:
    low, value, high = (f"{round(one * 100):+d}".replace("-", "−") for one in (beyond.low, beyond.value, beyond.high))
    return f"{value} points (90{NOBREAK}% interval {low} to {high})"


def _too_early(given: int, closed: int) -> str:
    have = "has" if closed == 1 else "have"
    return f"Too early: {closed:,} of {_counted(given, 'deal')} {have} closed; {LEAST_CLOSED} are needed."


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

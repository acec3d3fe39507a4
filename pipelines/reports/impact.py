"""What coaching brought, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from crm.clock import utc_day
from pipelines.impact import ImpactResult
from pipelines.terminal import notes, spoken_day, wrapped, wrapped_all
from serving.formats import NOBREAK
from serving.trial.assignment import COACHED, HELD_BACK
from serving.trial.impact import REVENUE, STALLED, WON, Effect, Impact
from serving.trial.information import LEAST_OF_EACH, LEAST_UNITS
from serving.wording import money, number, percent

_MEANT = {WON: "won within {days} days", REVENUE: "won for, a deal", STALLED: "stalled after {days} days"}
_LEGEND = (
    "All deals count in the arm into which they came, whatever was shown of them or happened to them since. The "
    "difference allows for the win chance at which each came in; its interval is one of 95 %.",
)


def impact_text(result: ImpactResult) -> str:
    """The trial, what is off with it, and what coaching brought or what is still needed to tell."""
    found = result.impact
    lines = [*_trial(result), *_arms(found)]
    for one in found.findings:
        lines += ["", *wrapped(f"{'Not to be trusted: ' if one.serious else 'Mind: '}{one.says}", "")]
    told = [effect for effect in found.effects if effect.difference is not None]
    if told:
        lines += ["", *_effects(told), *_conclusion(found.effects[0]), *_ended(found)]
    lines += ["", *_waiting(found)] if found.effects[0].difference is None else _later(found)
    lines += ["", *wrapped_all(_LEGEND)] if told else []
    lines += _earlier(result)
    said = notes(result.company.notes)
    return "\n".join(([said, ""] if said else []) + lines)


def impact_json(result: ImpactResult) -> str:
    """A machine's summary."""
    found = result.impact
    facts = {
        "as_of": utc_day(result.company.as_of),
        "under_way": result.under_way,
        "trial": _plain(found.trial),
        "arms": {arm: asdict(counts) for arm, counts in found.arms.items()},
        "effects": [_effect(effect) for effect in found.effects],
        "won_of_closed": found.ended,
        "findings": [asdict(one) for one in found.findings],
        "balance": asdict(found.balance),
        "ready_at": None if found.ready_at is None else utc_day(found.ready_at),
        "deals_a_day": found.pace,
        "earlier": [_plain(one) for one in result.earlier],
        "notes": list(result.company.notes),
    }
    return json.dumps(_finite(facts), ensure_ascii=False, allow_nan=False)


def _trial(result: ImpactResult) -> list[str]:
    trial = result.impact.trial
    seed = f", seed “{trial['seed']}”" if trial["seed"] else ""
    state = "" if result.under_way else " It is no longer under way."
    says = (
        f"Trial{seed}: coaching is held back from {percent(trial['share'])} of {trial['unit_kind']}s, drawn by chance, "
        f"since {_day(trial['first'])}.{state}"
    )
    return wrapped(says, "")


def _arms(found: Impact) -> list[str]:
    units = found.trial["unit_kind"]
    lines = [
        "",
        f"  {'':12} {'deals':>7} {'' if units == 'deal' else units + 's':>9} {'followed':>9} {'shown coaching':>15}",
    ]
    for arm, counts in found.arms.items():
        own = "" if units == "deal" else f"{counts.units:,}"
        lines.append(f"  {arm:12} {counts.deals:7,} {own:>9} {counts.followed:9,} {counts.shown_since:15,}")
    before = {arm: counts.shown_before for arm, counts in found.arms.items() if counts.shown_before}
    lines += wrapped(f"followed: for {found.trial['follow_days']} days, in which half of the deals close.", "  ")
    if before:
        shown = " and ".join(f"{count:,} of those {arm}" for arm, count in before.items())
        lines += wrapped(f"Before the trial {shown} had been shown coaching; that makes the effect smaller.", "  ")
    return lines


def _effects(told: list[Effect]) -> list[str]:
    lines = [f"  {'':24} {'coached':>8} {'held back':>10}   difference (95 % interval)"]
    for effect in told:
        made, say = effect.difference, _said(effect)
        assert made is not None
        assert effect.coached is not None
        assert effect.held_back is not None
        name = _MEANT[effect.outcome].format(days=effect.days)
        low, value, high = (_signed(one, effect) for one in (made.low, made.value, made.high))
        lines.append(f"  {name:24} {say(effect.coached):>8} {say(effect.held_back):>10}   {value} ({low} to {high})")
    return lines


def _conclusion(won: Effect) -> list[str]:
    made = won.difference
    assert made is not None
    p = f"={NOBREAK}{made.chance:.3f}" if made.chance >= 0.001 else f"<{NOBREAK}0.001"
    assert won.came_by is not None
    chance = f"p{NOBREAK}{p} by drawing the arms anew"
    rest = (
        f"The first {won.deals:,} deals, in by {spoken_day(won.came_by)}, were enough to tell, and they answer for "
        "good: looked for with every deal more, an effect is found sooner or later. Another seed begins another trial."
    )
    if not made.is_proven:
        return ["", *wrapped(f"That coaching changes the share won is not proven ({chance}). {rest}", "")]
    more = "more" if made.value > 0 else "less"
    return ["", *wrapped(f"Deals that were coached were won {more} often, beyond chance ({chance}). {rest}", "")]


def _ended(found: Impact) -> list[str]:
    if found.ended is None or not all(closed for closed, _ in found.ended.values()):
        return []
    shares = {arm: f"{percent(won / closed)} of {closed:,}" for arm, (closed, won) in found.ended.items()}
    return wrapped(
        f"In the end {shares[COACHED]} coached deals that have closed were won and {shares[HELD_BACK]} held back. That "
        "proves nothing: which deals have closed by now may be coaching's doing too.",
        "",
    )


def _waiting(found: Impact) -> list[str]:
    """What is still needed until the share won can be told."""
    there = found.effects[0].information
    assert there is not None
    if any(one.serious for one in found.findings):
        return wrapped("No effect is told before the cause is found. A new trial begins with another seed.", "")
    says = ["Too early to tell."]
    if there.needed is None:
        says.append(
            f"{found.arms[HELD_BACK].units + found.arms[COACHED].units:,} owners are too few, however many deals they "
            f"have: about {there.needed_units:,} are needed for a difference of 5 points to show 8 times of 10. With "
            'unit = "deal" or "account" it takes fewer.'
        )
    elif there.needed > there.followed:
        more = there.needed - there.followed
        says.append(
            f"A difference of 5 points shows 8 times of 10 with about {_rounded(there.needed)} deals followed for "
            f"{found.effects[0].days} days. "
            + (f"{_rounded(more)} more are needed." if there.followed else "None has been followed so long yet.")
        )
        says.append(_when(found))
    else:
        says.append(
            f"At least {LEAST_UNITS} {found.trial['unit_kind']}s in each arm and {LEAST_OF_EACH} deals won and not won "
            "are needed."
        )
    if there.followed and there.needed is not None and there.detectable < 1:
        says.append(f"So far only one of {percent(there.detectable)[:-1]}points or more would.")
    return wrapped_all(says)


def _when(found: Impact) -> str:
    if found.ready_at is None:
        return "At the present pace there will never be so many before the trial ends."
    coming = f"At the present pace, {number(round(found.pace * 7, 1))} more deals a week,"
    return f"{coming} that is about {spoken_day(found.ready_at)}."


def _later(found: Impact) -> list[str]:
    """Of the share stalled, where it is too early for that alone."""
    stalled = found.effects[-1]
    if stalled.difference is not None or stalled.outcome != STALLED or not stalled.deals:
        return []
    return ["", *wrapped("How many stall cannot be told yet.", "")]


def _earlier(result: ImpactResult) -> list[str]:
    if not result.earlier:
        return []
    lines = ["", "Other trials here, each drawn on its own"]
    for one in result.earlier:
        seed = f", seed “{one['seed']}”" if one["seed"] else ""
        lines += wrapped(
            f"{percent(one['share'])} of {one['unit_kind']}s{seed}: {one['deals']:,} deals, {_day(one['first'])} to "
            f"{_day(one['last'])}",
            "  ",
        )
    return lines


def _effect(effect: Effect) -> dict[str, Any]:
    return {**asdict(effect), "came_by": None if effect.came_by is None else utc_day(effect.came_by)}


def _said(effect: Effect) -> Any:
    return money if effect.outcome == REVENUE else percent


def _signed(value: float, effect: Effect) -> str:
    sign = "−" if value < 0 else "+"
    size = money(abs(value)) if effect.outcome == REVENUE else f"{abs(value) * 100:.1f}"
    return f"{sign}{size}"


def _rounded(count: int) -> str:
    """A number of deals as exactly as it is known: two digits."""
    digits = max(len(str(count)) - 2, 0)
    return f"{round(count, -digits):,}"


def _day(moment: Any) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _plain(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:%Y-%m-%d}" if name in ("first", "last") else value for name, value in trial.items()}


def _finite(value: Any) -> Any:
    """Data with None for what is no number, as JSON has none such."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value

"""What tuning found, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.terminal import wrapped
from training.scores import Interval


def tuning_lines(tuning: Mapping[str, Any] | None) -> list[str]:
    """What was tried and found, or which settings were kept; none where the settings are as configured."""
    if tuning is None:
        return []
    until = tuning["known_until"][:10]
    if tuning["carried"]:
        kept = ", ".join(f"{name} {value:g}" for name, value in tuning["settings"].items())
        says = f"Trained with the settings that were tuned for the champion on what was known by {until}: {kept}."
        return ["", *wrapped(says, "")]
    if not tuning["tried"]:
        return ["", *wrapped(f"Not tuned: {_why_not(tuning, until)}", "")]
    lines = ["", *wrapped(_tried(tuning, until), "")]
    lines += [f"  {'':18} {'default':>8} {'tuned' if tuning['accepted'] else 'best':>8}"]
    lines += [f"  {name:18} {value:8g} {tuning['best'][name]:8g}" for name, value in tuning["start"].items()]
    return [*lines, *wrapped(_gain(tuning), "")]


def _why_not(tuning: Mapping[str, Any], until: str) -> str:
    if not tuning["start"]:
        return "[training] names every setting that could be."
    return f"too few deals had closed long enough before {until}, and no later date may choose settings."


def _tried(tuning: Mapping[str, Any], until: str) -> str:
    splits = "1 split" if tuning["splits"] == 1 else f"{tuning['splits']} splits"
    return (
        f"Tuned on what was known by {until}: {tuning['tried']} trials on {splits} by time, "
        f"{tuning['given_up']} of them given up early."
    )


def _gain(tuning: Mapping[str, Any]) -> str:
    if tuning["gain"] is None:
        return "There was no other trial to compare with: the defaults stay."
    gain = Interval(*(tuning["gain"][end] * 100 for end in ("value", "low", "high")))
    saved = (
        f"Choosing saves {gain.value:.1f} % ({gain.low:.1f} to {gain.high:.1f}) of the stage rates' log loss there, "
        "on deals that had no part in the choice"
    )
    if tuning["accepted"]:
        return f"{saved}: trained with the tuned settings, and later trainings keep them."
    return f"{saved}: no gain beyond chance, so the defaults stay."

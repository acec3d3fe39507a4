"""The model's versions, and two of them side by side, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.models import Comparison, Listing, Version
from pipelines.terminal import notes, wrapped
from serving.champions import Promotion
from training.later import Versus
from training.scores import Interval

BASELINE = "stage_win_rates"
_LINES = {"model": "model", BASELINE: "stage win rates", "base_rate": "base rate"}
NAMED = 8


def listing_text(listing: Listing) -> str:
    """A line a version, the newest first; then every change of the champion."""
    lines = [
        f"  {'':10} {'':10} {'data':10} {'closed':>7} {'log loss':>8} {'stage':>6} {'':6}",
        f"  {'version':10} {'trained':10} {'until':10} {'deals':>7} {'model':>8} {'rates':>6} {'gate':6} alias",
        *(_row(version) for version in listing.versions),
        "",
        "Champions",
        *(line for promotion in listing.promotions for line in _promotion(promotion)),
        *([] if listing.promotions else wrapped("none yet: `dealcast score` answers with shrunken rates.", "  ")),
    ]
    moved = [f"{move.alias}: {move.before or 'none'} → {move.after or 'none'}" for move in listing.followed.moves]
    if moved:
        lines += ["", *wrapped(f"MLflow's aliases did not agree and were brought in line: {', '.join(moved)}.", "")]
    if listing.followed.note:
        lines += ["", notes([listing.followed.note])]
    return "\n".join(line.rstrip() for line in lines)


def listing_json(listing: Listing) -> str:
    """A machine's listing."""
    return _dumped(
        {
            "versions": [_as_json(version) for version in listing.versions],
            "promotions": [_promotion_json(promotion) for promotion in listing.promotions],
            "mlflow_agrees": not listing.followed.note,
            "note": listing.followed.note,
        }
    )


def comparison_text(found: Comparison) -> str:
    """Data, settings, scores on the dates that each was judged on, and both on the same later deals."""
    both = (found.first, found.second)
    lines = [f"  {'':30} {'version ' + found.first.version:>22} {'version ' + found.second.version:>22}"]
    for name, of in _FACTS.items():
        lines.append(_side_by_side(name, [of(version) for version in both]))
    same = "the same data (equal fingerprints)" if found.same_data else "different data (fingerprints differ)"
    lines += ["", *wrapped(f"Learned from {same}.", "")]
    lines += ["", "Settings that differ"]
    lines += [_side_by_side(one.name, [one.first, one.second]) for one in found.parameters] or ["  none"]
    for version, names in ((found.first, found.only_first), (found.second, found.only_second)):
        if names:
            more = ", …" if len(names) > NAMED else ""
            lines += wrapped(f"{len(names)} features only in {version.version}: {', '.join(names[:NAMED])}{more}", "  ")
    lines += ["", "Log loss on the dates that each was judged on (not the same ones)"]
    lines += [_side_by_side(name, [_score(v, card, line) for v in both]) for name, card, line in _CARDS]
    lines += ["", *_fair(found)]
    return "\n".join(line.rstrip() for line in lines)


def comparison_json(found: Comparison) -> str:
    """A machine's comparison."""
    return _dumped(
        {
            "first": _as_json(found.first),
            "second": _as_json(found.second),
            "same_data": found.same_data,
            "parameters": {one.name: [one.first, one.second] for one in found.parameters},
            "features_only_first": found.only_first,
            "features_only_second": found.only_second,
            "same_later_deals": [asdict(one) for one in found.fair],
            "since": found.since,
            "why_not": found.why_not,
        }
    )


_CARDS = (
    ("won in the end", "win", "model"),
    ("  base rate", "win", "base rate"),
    ("  stage win rates", "win", "stage win rates"),
    ("won within the horizon", "win_within", "model"),
    ("stalled", "stall", "model"),
)


def _fair(found: Comparison) -> list[str]:
    title = "Both on the same later deals"
    if not found.fair:
        return [title, *wrapped(found.why_not, "  ")]
    one = found.fair[0]
    lines = [*wrapped(f"{title}: snapshots after {found.since}, which neither has learned from", "")]
    for one in found.fair:
        lines.append(_side_by_side(f"{one.question} ({one.deals:,} deals)", [one.first, one.second]))
        lines += wrapped(_verdict(one, found.first.version, found.second.version), "    ")
    return lines


def _verdict(one: Versus, first: str, second: str) -> str:
    if one.saved.low > 0:
        return f"Version {second} is better: it saves {one.saved} of log loss."
    if one.saved.high < 0:
        saved = Interval(-one.saved.value, -one.saved.high, -one.saved.low)
        return f"Version {first} is better: it saves {saved} of log loss."
    return f"No difference beyond chance: version {second} saves {one.saved}."


def _row(version: Version) -> str:
    closed = (version.facts["data"]["won"] + version.facts["data"]["lost"]) if "data" in version.facts else "–"
    losses = [_loss(version, line) for line in ("model", "stage win rates")]
    model, stages = ("–" if loss is None else f"{loss:.3f}" for loss in losses)
    return (
        f"  {version.version:10} {version.trained_at:%Y-%m-%d} {_data(version, 'until')[:10]:10} {closed:>7} "
        f"{model:>8} {stages:>6} {'passed' if version.gate_passed else 'failed'} {version.alias}"
    )


def _promotion(promotion: Promotion) -> list[str]:
    before = f" after {promotion.from_version}" if promotion.from_version else ""
    who = f" by {promotion.promoted_by}" if promotion.promoted_by else ""
    when = f"{promotion.promoted_at:%Y-%m-%d %H:%M}"
    return wrapped(
        f"version {promotion.version}{before}{who} ({promotion.how.value}): {promotion.reason}", f"  {when}  "
    )


def _gate(version: Version) -> str:
    return "passed" if version.gate_passed else "failed"


def _data(version: Version, name: str) -> Any:
    value = version.facts.get("data", {}).get(name, "–")
    return f"{value:,}" if isinstance(value, int) else value


_FACTS: Mapping[str, Callable[[Version], object]] = {
    "trained": lambda v: f"{v.trained_at:%Y-%m-%d %H:%M}",
    "data until": lambda v: _data(v, "until")[:10],
    "data fingerprint": lambda v: _data(v, "fingerprint")[:16],
    "snapshots": lambda v: _data(v, "rows"),
    "deals won": lambda v: _data(v, "won"),
    "deals lost": lambda v: _data(v, "lost"),
    "features": lambda v: len(v.facts["features"]) if "features" in v.facts else "–",
    "vocabulary": lambda v: v.facts.get("provenance", {}).get("vocabulary", "–")[:16],
    "code": lambda v: v.facts.get("provenance", {}).get("code", "–")[:16],
    "gate": _gate,
    "alias": lambda v: v.alias or "–",
}


def _lines(version: Version, card: str) -> Sequence[Mapping[str, Any]]:
    return version.facts.get("scores", {}).get(card, {}).get("lines", ())


def _loss(version: Version, line: str) -> float | None:
    return next((one["log_loss"]["value"] for one in _lines(version, "win") if one["name"] == line), None)


def _score(version: Version, card: str, line: str) -> str:
    found = next((one["log_loss"] for one in _lines(version, card) if one["name"] == line), None)
    return "–" if found is None else str(Interval(**found))


def _side_by_side(name: str, both: Sequence[object]) -> str:
    first, second = ("–" if value is None else str(value) for value in both)
    return f"  {name:30} {first:>22} {second:>22}"


def _as_json(version: Version) -> dict[str, Any]:
    data = version.facts.get("data", {})
    return {
        "version": version.version,
        "mlflow_run_id": version.run_id,
        "trained_at": f"{version.trained_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": data,
        "provenance": version.facts.get("provenance", {}),
        "log_loss": {
            card: {line["name"]: line["log_loss"] for line in _lines(version, card)}
            for card in version.facts.get("scores", {})
        },
        "gate_passed": version.gate_passed,
        "alias": version.alias or None,
        "promoted": None if version.promotion is None else _promotion_json(version.promotion),
    }


def _promotion_json(promotion: Promotion) -> dict[str, Any]:
    return {**asdict(promotion), "promoted_at": f"{promotion.promoted_at:%Y-%m-%dT%H:%M:%SZ}"}


def _dumped(found: Any) -> str:
    return json.dumps(_finite(found), ensure_ascii=False, allow_nan=False)


def _finite(found: Any) -> Any:
    """JSON has no NaN: what is not known is null."""
    if isinstance(found, Mapping):
        return {key: _finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_finite(value) for value in found]
    return None if isinstance(found, float) and math.isnan(found) else found

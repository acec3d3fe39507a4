"""Promotions and versions, as text and as JSON."""

from __future__ import annotations

import json

from pipelines.promote import PromoteResult
from pipelines.terminal import notes, wrapped
from serving.champions import How, Promotion


def promotion_text(result: PromoteResult) -> str:
    """Who is champion now, why, and whether MLflow agrees."""
    promotion = result.promotion
    lines = wrapped(_said(promotion) if result.changed else f"Version {promotion.version} is champion already.", "")
    lines += wrapped("Its files are those that were trained: SHA-256 compared.", "") if result.changed else []
    if result.followed.note:
        return "\n".join([*lines, notes([result.followed.note])])
    moved = [f"{move.alias} from {move.before or 'none'} to {move.after or 'none'}" for move in result.followed.moves]
    return "\n".join([*lines, *wrapped(f"MLflow's aliases: {', '.join(moved) or 'as they should be'}.", "")])


def promotion_json(result: PromoteResult) -> str:
    """A machine's summary of a promotion."""
    promotion = result.promotion
    return json.dumps(
        {
            "champion": promotion.version,
            "changed": result.changed,
            "from": promotion.from_version,
            "how": promotion.how.value,
            "reason": promotion.reason,
            "by": promotion.promoted_by,
            "at": f"{promotion.promoted_at:%Y-%m-%dT%H:%M:%SZ}",
            "mlflow_agrees": not result.followed.note,
            "note": result.followed.note,
        },
        ensure_ascii=False,
    )


def _said(promotion: Promotion) -> str:
    before = f", after version {promotion.from_version}" if promotion.from_version else ""
    how = {
        How.GATE: "it passed the gate",
        How.FORCED: "it did NOT pass the gate; forced",
        How.ROLLBACK: "rolled back",
    }[promotion.how]
    return f"Version {promotion.version} is champion now{before} ({how}). Reason: {promotion.reason}."

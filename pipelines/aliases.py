"""MLflow's aliases and tags follow the store: what a promotion or a killed command left is caught up with."""

from __future__ import annotations

from dataclasses import dataclass

from crm.errors import DealcastError
from serving.champions import Promotion, challenger_of
from serving.store import Store
from training.registry import CHALLENGER, CHAMPION, Move, Standing, align
from training.settings import Tracking


@dataclass(frozen=True)
class Followed:
    """The aliases that were moved; `note` says why MLflow does not agree with the store yet."""

    moves: tuple[Move, ...]
    note: str = ""


def let_mlflow_follow(store: Store, tracking: Tracking) -> Followed:
    """Bring MLflow in line with the store. Where it cannot be, that is said; scoring asks the store alone."""
    try:
        return Followed(align(tracking, standing(store)))
    except DealcastError as error:
        said = f"{error.where}: {error.found}"
        return Followed(
            (),
            f"MLflow's aliases could not be brought in line with the champion here ({said}). Scoring does not need "
            "them. The next `dealcast train`, `promote`, `rollback` or `models` that reaches MLflow does it.",
        )


def standing(store: Store) -> Standing:
    """The aliases and tags that MLflow should have, from what the store remembers."""
    promotions = store.promotions()
    versions = [row["version"] for row in store.models()]
    champion = promotions[-1].version if promotions else None
    newest = {promotion.version: promotion for promotion in promotions}
    return Standing(
        {CHAMPION: champion, CHALLENGER: challenger_of(versions, promotions)},
        {version: _tags(promotion) for version, promotion in newest.items()},
    )


def _tags(promotion: Promotion) -> dict[str, str]:
    return {
        "dealcast.promoted_at": f"{promotion.promoted_at:%Y-%m-%dT%H:%M:%SZ}",
        "dealcast.promoted_by": promotion.promoted_by,
        "dealcast.promoted_from": promotion.from_version or "",
        "dealcast.promotion": promotion.how.value,
        "dealcast.promotion_reason": promotion.reason,
    }

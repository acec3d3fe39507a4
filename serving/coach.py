"""What won deals had at this stage that this deal lacks, of the things that a rep can do something about.

Association, not cause: each gap comes with what won and lost deals had and how many they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.catalogue import Catalogue
from features.feature import Feature
from serving.explain import Explanation
from serving.wording import quantity

MOST_GAPS = 3


@dataclass(frozen=True)
class Gap:
    """One gap between a deal and the won deals that stood in its stage."""

    feature: str
    brief: str
    says: str
    here: float
    won: float
    lost: float
    won_deals: int
    lost_deals: int


def gaps(
    explanation: Explanation, stage: str | None, catalogue: Catalogue, reference: Mapping[str, Any]
) -> tuple[Gap, ...]:
    """The gaps behind the reasons against, weightiest first; none where the record does not show one."""
    found = []
    for reason in explanation.lowering:
        if not reason.actionable or reason.value is None or stage is None:
            continue
        record = reference["features"][reason.feature]["by_stage"].get(stage)
        if record and _behind(reason.value, record["won"], record["lost"]):
            feature = catalogue.feature(reason.feature)
            says = _says(feature, stage, reason.value, record)
            found.append(Gap(feature.name, _brief(feature, reason.value, record), says, reason.value, **record))
    return tuple(found[:MOST_GAPS])


def as_json(found: tuple[Gap, ...]) -> list[dict[str, Any]]:
    """Plain data for storing."""
    return [asdict(gap) for gap in found]


def _behind(here: float, won: float, lost: float) -> bool:
    """Whether the deal lies on the lost deals' side of what won deals had."""
    return (won > lost and here < won) or (won < lost and here > won)


def _brief(feature: Feature, here: float, record: Mapping[str, float]) -> str:
    return f"{feature.meaning.rstrip('.')}: {_signed(here, feature)}; won deals {_signed(record['won'], feature)}"


def _says(feature: Feature, stage: str, here: float, record: Mapping[str, float]) -> str:
    title = feature.meaning.rstrip(".")
    return (
        f"{title}: {_signed(here, feature)} here. Deals won from {stage} had {_signed(record['won'], feature)} "
        f"({record['won_deals']:,} deals), lost ones {_signed(record['lost'], feature)} ({record['lost_deals']:,})."
    )


def _signed(value: float, feature: Feature) -> str:
    """A value in its unit; days past and days ahead must not look alike."""
    size = quantity(abs(value), feature)
    return f"−{size}" if value < 0 and size[0].isdecimal() else size

"""Every sentence that reasons can say, as people last read and approved it.

Where wording was changed on purpose: python -m tests.serving.test_sentences_snapshot, then read the difference.
"""

import math
import sys
from pathlib import Path

import numpy as np

from features.catalogue import catalogue
from features.feature import Feature, Unit
from serving.formats import formats_of
from serving.wording import peers, sentence
from tests.histories import EVERYTHING
from training.reference import bin_bounds

SNAPSHOT = Path(__file__).parent / "sentences.txt"
FACTS = {"stage": "Proposal", "owner": "Ada", "currency": "EUR", "forecast_category": "Commit", "type": "Renewal"}
FACTS |= {"lead_source": "Web", "product": "Core", "region": "North", "industry": "Retail", "country": "Chile"}
TYPICAL = {
    Unit.DAYS: (24.3, 1_234.0),
    Unit.TIMES: (1.0, 3.0),
    Unit.COUNT: (1.0, 2.0),
    Unit.SHARE: (0.41, 0.004),
    Unit.RATIO: (1.74,),
    Unit.MONEY: (48_200.0, 1_250_000.0),
    Unit.POSITION: (3.0,),
    Unit.NUMBER: (12.5,),
    Unit.FLAG: (1.0,),
}


def told() -> str:
    """All features: their sentences for typical, no, negative and unknown values, and the deals of each span."""
    lines: list[str] = []
    for feature in catalogue(EVERYTHING).features:
        lines += ["", feature.name, *(f"  {value:>10g}  {says}" for value, says in _said(feature).items())]
        lines += [f"  {'':>10}  {peers(feature, bounds, which, FACTS)}" for bounds, which in _spans(feature)]
    lines += ["", "in German figures"]
    form = formats_of("de-DE")
    for name in ("amount", "age_days", "inbound_share", "silence_against_rhythm"):
        feature = catalogue(EVERYTHING).feature(name)
        lines += [f"  {value:>10g}  {sentence(feature, value, FACTS, form)}" for value in TYPICAL[feature.unit]]
    return "\n".join(lines).strip().replace("\u00a0", "~") + "\n"


def _said(feature: Feature) -> dict[float, str]:
    """Each different sentence once, by the first value that has it."""
    values = (*TYPICAL[feature.unit], 0.0, -TYPICAL[feature.unit][0], math.nan)
    found: dict[str, float] = {}
    for value in values:
        found.setdefault(sentence(feature, value, FACTS), value)
    return {value: says for says, value in found.items()}


def _spans(feature: Feature) -> list[tuple[list[float], int]]:
    values = [value * TYPICAL[feature.unit][0] for value in (0, 0, 1, 2, 3, 5, 8, 13, 21, 34)]
    values = [value / 34 for value in values] if feature.unit is Unit.SHARE else values
    bounds = [float(bound) for bound in bin_bounds(np.array(values), feature)]
    return [(bounds, which) for which in range(len(bounds))]


def test_what_reasons_say_is_what_was_approved() -> None:
    assert told() == SNAPSHOT.read_text(encoding="utf-8"), "wording has changed; see this file's head"


if __name__ == "__main__":
    SNAPSHOT.write_text(told(), encoding="utf-8")
    sys.stdout.write(f"{SNAPSHOT} written\n")

"""Every feature can be told to people, whatever its value is."""

import math

import numpy as np
import pytest

from features.catalogue import catalogue
from features.feature import Unit
from serving.wording import peers, sentence
from tests.histories import EVERYTHING
from training.reference import bin_bounds

FEATURES = {feature.name: feature for feature in catalogue(EVERYTHING).features}
FACTS = {
    "stage": "Proposal",
    "owner": "Ada",
    "currency": "EUR",
    "forecast_category": "Commit",
    "type": "Renewal",
    "lead_source": "Web",
    "product": "Core",
    "region": "North",
}
TYPICAL = {
    Unit.DAYS: 24.3,
    Unit.TIMES: 3.0,
    Unit.COUNT: 2.0,
    Unit.SHARE: 0.41,
    Unit.RATIO: 1.7,
    Unit.MONEY: 48_200.0,
    Unit.POSITION: 3.0,
    Unit.NUMBER: 12.5,
    Unit.FLAG: 1.0,
}


@pytest.fixture(params=FEATURES)
def feature(request):
    return FEATURES[request.param]


@pytest.fixture(params=["typical", "zero", "negative", "missing"])
def value(request, feature):
    typical = TYPICAL[feature.unit]
    return {"typical": typical, "zero": 0.0, "negative": -typical, "missing": math.nan}[request.param]


@pytest.mark.parametrize("facts", [FACTS, {}], ids=["facts", "no facts"])
def test_a_sentence_is_one_for_people(feature, value, facts):
    text = sentence(feature, value, facts)
    assert text.endswith(".")
    assert not text.endswith("..")
    assert not text[0].islower()
    assert "  " not in text
    assert_plain(text, feature)


def test_the_deals_of_each_span_have_a_name(feature):
    values = np.array([0, 0, 1, 2, 3, 5, 8, 13, 21, 34], dtype=float) * TYPICAL[feature.unit]
    bounds = bin_bounds(values, feature)
    names = [peers(feature, list(bounds), which, FACTS) for which in range(len(bounds))]
    for name in names:
        assert name.startswith("deals ")
        assert_plain(name, feature)
    if "{bin}" in feature.wording.peers:
        assert len(set(names)) == len(names)


def test_spans_with_names_have_as_many_as_bounds(feature):
    assert len(feature.bin_names) in (0, len(feature.bins))


def assert_plain(text: str, feature) -> None:
    """No template left, no number that is none, no name that only a program knows."""
    assert not set("{}") & set(text)
    assert "nan" not in text.lower().replace("finance", "")
    assert "_" not in text
    if not feature.name.isalpha():
        assert feature.name not in text

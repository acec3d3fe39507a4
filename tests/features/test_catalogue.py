"""Every feature is declared whole: its streams, its words, its spans; and a new one is one new file."""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import features.families
from crm.periods import KINDS, FiscalCalendar
from features.catalogue import Catalogue, catalogue
from features.engines import Kernel, key_question, prepare
from features.families.segment import SEGMENT_FIELDS
from features.feature import Feature, Unit, Vocabulary
from features.histories import Histories
from features.questions import streams_of
from features.snapshots import grid
from tests.histories import DAY_US, EPOCH, EVERYTHING, Life, company, show

ALL = catalogue(EVERYTHING)
each_feature = pytest.mark.parametrize("feature", ALL.features, ids=lambda feature: feature.name)
FACTS = {"stage", "owner", "forecast_category", *SEGMENT_FIELDS}


@pytest.fixture(scope="module")
def seen() -> dict[str, np.ndarray]:
    """Every value that each feature took on in some random companies; none where it was absent."""
    values: dict[str, list[np.ndarray]] = {feature.name: [] for feature in ALL.features}
    for seed in range(12):
        histories = Histories(show(company(np.random.default_rng(seed))))
        ready = prepare(histories, ALL, EVERYTHING.calendar)
        kernel = Kernel(ready, grid(histories, 5, (EPOCH + Life().days * DAY_US) // 1000))
        for feature in ALL.features:
            if ready.why_absent(feature) is None:
                values[feature.name].append(kernel.answer(feature.ask))
    return {name: np.concatenate(parts) for name, parts in values.items()}


def test_every_feature_has_a_name_of_its_own() -> None:
    names = [feature.name for feature in ALL.features]
    assert len(names) == len(set(names)) > 60


@each_feature
def test_every_stream_that_a_feature_asks_is_declared(feature: Feature) -> None:
    assert streams_of(feature.ask) <= ALL.streams.keys()


def test_every_streams_key_can_be_found() -> None:
    entities = {source.entity for source in ALL.streams.values()} - {"deal", "company"}
    assert entities == {"account", "owner", "stage", *SEGMENT_FIELDS}
    for entity in entities:
        assert streams_of(key_question(entity)) <= ALL.streams.keys()


def test_every_stream_is_asked_for_something() -> None:
    asked = {stream for feature in ALL.features for stream in streams_of(feature.ask)}
    keys = {stream for source in ALL.streams.values() if source.entity not in ("deal", "company")
            for stream in streams_of(key_question(source.entity))}  # fmt: skip
    assert ALL.streams.keys() == asked | keys


@each_feature
def test_every_feature_says_what_it_is_and_what_people_read(feature: Feature) -> None:
    assert feature.meaning.endswith(".")
    assert feature.group
    texts = (feature.wording.text, feature.wording.zero, feature.wording.negative, feature.wording.missing)
    assert feature.wording.text
    assert all(text.endswith(".") for text in texts if text)
    assert feature.wording.peers.startswith("deals")
    assert not feature.wording.peers.endswith(".")


@each_feature
def test_wording_names_only_facts_that_people_are_told(feature: Feature) -> None:
    wording = feature.wording
    assert places(wording.text) <= {"value", *FACTS}
    assert places(wording.negative) <= {"value", *FACTS}
    assert places(wording.zero) | places(wording.missing) <= FACTS
    assert places(wording.peers) <= {"bin", "stage"}


@each_feature
def test_whatever_can_be_missing_has_words_for_it(feature: Feature, seen: dict[str, np.ndarray]) -> None:
    assert feature.wording.missing or not np.isnan(seen[feature.name]).any()


@each_feature
def test_whatever_can_be_below_zero_has_words_for_it(feature: Feature, seen: dict[str, np.ndarray]) -> None:
    assert feature.wording.negative or not (seen[feature.name] < 0).any()


@each_feature
def test_every_feature_takes_on_different_values_in_random_companies(
    feature: Feature, seen: dict[str, np.ndarray]
) -> None:
    assert len(np.unique(seen[feature.name])) > 1


@each_feature
def test_shares_lie_between_nothing_and_all_and_counts_are_whole(feature: Feature, seen: dict[str, np.ndarray]) -> None:
    values = seen[feature.name][~np.isnan(seen[feature.name])]
    if feature.unit is Unit.SHARE:
        assert ((values >= 0) & (values <= 1)).all()
    if feature.unit in (Unit.COUNT, Unit.TIMES, Unit.FLAG) and feature.name != "account_employees":
        assert (values == np.rint(values)).all()
    if feature.unit is Unit.FLAG:
        assert set(values) <= {0, 1}
    assert np.isfinite(values).all()


@each_feature
def test_what_is_counted_has_a_noun(feature: Feature) -> None:
    assert all(feature.noun) == (feature.unit is Unit.COUNT)


@each_feature
def test_spans_rise_and_there_are_as_many_names_as_spans(feature: Feature) -> None:
    assert list(feature.bins) == sorted(set(feature.bins))
    assert len(feature.bin_names) in (0, len(feature.bins))


@each_feature
def test_every_value_seen_lies_in_a_span(feature: Feature, seen: dict[str, np.ndarray]) -> None:
    if feature.bins:
        assert not (seen[feature.name] < feature.bins[0]).any()


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_a_companys_own_words_get_the_same_features_from_configuration_alone() -> None:
    plain, own = catalogue(Vocabulary()), catalogue(Vocabulary(kinds=("Site visit",), segments=("region",)))
    more = {feature.name for feature in own.features} - {feature.name for feature in plain.features}
    assert more == {"count:Site visit", "days_since:Site visit", "region_win_rate"}


def test_features_that_only_tell_the_date_are_left_out_of_a_short_history() -> None:
    seasoned, young = catalogue(Vocabulary()), catalogue(Vocabulary(seasoned=False))
    fewer = {feature.name for feature in seasoned.features} - {feature.name for feature in young.features}
    assert fewer == {"days_to_period_end", "company_win_rate"}
    assert "company_closings" in young.streams


@pytest.mark.parametrize("period", KINDS)
def test_the_fiscal_period_is_called_by_its_name(period: str) -> None:
    feature = catalogue(Vocabulary(calendar=FiscalCalendar(period))).feature("days_to_period_end")
    assert period in feature.wording.text


def test_a_feature_is_found_by_its_name_and_knows_its_family() -> None:
    assert ALL.feature("pushes").meaning.startswith("How often the close date")
    assert ALL.family_of("pushes") == "close_date"
    with pytest.raises(KeyError):
        ALL.feature("no such feature")


# Discovery -----------------------------------------------------------------------------------------------------

FAMILY = """
from features.feature import Family, Feature, Unit, Wording
from features.questions import AsOf


def declare(vocabulary):
    wording = Wording("The moon is {{value}} old.", peers="deals under a moon {{bin}} old")
    return Family("moon", {{}}, (Feature("{name}", AsOf(), Unit.DAYS, "moon", "The age of the moon.", wording),))
"""


@pytest.fixture
def families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are families too."""
    monkeypatch.setattr(features.families, "__path__", [*features.families.__path__, str(tmp_path)])
    yield tmp_path
    sys.modules.pop("features.families.moon", None)
    vars(features.families).pop("moon", None)


def looked_up_again() -> Catalogue:
    return catalogue.__wrapped__(EVERYTHING)  # past what is remembered from before


def test_a_new_family_is_one_new_file(families: Path) -> None:
    (families / "moon.py").write_text(FAMILY.format(name="moon_age"), encoding="utf-8")
    found = looked_up_again()
    assert found.family_of("moon_age") == "moon"
    assert len(found.features) == len(ALL.features) + 1


def test_two_features_of_one_name_are_refused(families: Path) -> None:
    (families / "moon.py").write_text(FAMILY.format(name="age_days"), encoding="utf-8")
    with pytest.raises(ValueError, match="two declarations of the feature age_days"):
        looked_up_again()


def test_the_same_vocabulary_gives_the_same_catalogue() -> None:
    assert catalogue(EVERYTHING) is ALL
    assert looked_up_again().features == ALL.features

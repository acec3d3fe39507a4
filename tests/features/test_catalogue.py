"""Every feature is declared whole: its streams, its words, its spans; and a new one is one new file."""

from __future__ import annotations

import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import features.families
from crm.periods import KINDS, FiscalCalendar
from features.catalogue import Catalogue, catalogue
from features.engines import Kernel, key_questions, prepare
from features.families.account_segments import ACCOUNT_SEGMENTS
from features.families.segment import SEGMENT_FIELDS
from features.feature import Feature, Practice, Unit, Vocabulary
from features.histories import Entity, Histories
from features.questions import streams_of
from features.snapshots import grid
from features.text import Signal
from tests.histories import DAY_US, EPOCH, EVERYTHING, Life, company, show

ALL = catalogue(EVERYTHING)
Seen = dict[str, np.ndarray]
FACTS = {"stage", "owner", "forecast_category", *SEGMENT_FIELDS, *ACCOUNT_SEGMENTS}


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Every value that each feature took on in some random companies; none where it was absent."""
    values: dict[str, list[np.ndarray]] = {feature.name: [] for feature in ALL.features}
    for seed in range(12):
        histories = Histories(show(company(np.random.default_rng(seed), complete=seed < 4)))
        ready = prepare(histories, ALL, EVERYTHING.calendar)
        kernel = Kernel(ready, grid(histories, 5, (EPOCH + Life().days * DAY_US) // 1000))
        for feature in ALL.features:
            if ready.why_absent(feature) is None:
                values[feature.name].append(kernel.answer(feature.ask))
    return {name: np.concatenate(parts) for name, parts in values.items()}


def test_every_feature_has_a_name_of_its_own() -> None:
    names = [feature.name for feature in ALL.features]
    assert len(names) == len(set(names)) > 150


def test_every_stream_that_a_feature_asks_is_declared() -> None:
    assert failing(lambda feature: streams_of(feature.ask) <= ALL.streams.keys()) == []


def test_every_streams_key_can_be_found() -> None:
    entities = {source.entity for source in ALL.streams.values()} - {"deal", "company"}
    pairs = {("stage", "type"), ("stage", "product")}
    of_accounts = {"account", "accounts.industry", "accounts.country"}
    assert entities == {*of_accounts, "owner", "stage", *pairs, *SEGMENT_FIELDS, "own.Rival__c"}
    for entity in entities:
        assert key_streams(entity) <= ALL.streams.keys()


def key_streams(entity: Entity) -> frozenset[str]:
    """The streams that tell whose a snapshot is."""
    return frozenset().union(*map(streams_of, key_questions(entity)))


def test_every_stream_is_asked_for_something() -> None:
    asked = {stream for feature in ALL.features for stream in streams_of(feature.ask)}
    entities = {source.entity for source in ALL.streams.values()} - {"deal", "company"}
    assert ALL.streams.keys() == asked.union(*map(key_streams, entities))


def test_every_feature_says_what_it_is_and_what_people_read() -> None:
    def is_said(feature: Feature) -> bool:
        wording = feature.wording
        texts = [text for text in (wording.text, wording.zero, wording.negative, wording.missing) if text]
        sentences = wording.text and all(text.endswith(".") for text in [*texts, feature.meaning])
        return bool(sentences and feature.group and wording.peers.startswith("deals") and wording.peers[-1] != ".")

    assert failing(is_said) == []


def test_wording_names_only_facts_that_people_are_told() -> None:
    def is_told(feature: Feature) -> bool:
        wording = feature.wording
        with_value, without = (wording.text, wording.negative), (wording.zero, wording.missing)
        return (
            all(places(text) <= {"value", *FACTS} for text in with_value)
            and all(places(text) <= FACTS for text in without)
            and places(wording.peers) <= {"bin", "stage"}
        )

    assert failing(is_told) == []


def test_whatever_can_be_missing_has_words_for_it(seen: Seen) -> None:
    assert failing(lambda feature: feature.wording.missing or not np.isnan(seen[feature.name]).any()) == []


def test_whatever_can_be_below_zero_has_words_for_it(seen: Seen) -> None:
    assert failing(lambda feature: feature.wording.negative or not (seen[feature.name] < 0).any()) == []


def test_every_feature_takes_on_different_values_in_random_companies(seen: Seen) -> None:
    assert failing(lambda feature: len(np.unique(seen[feature.name])) > 1) == []


@pytest.mark.parametrize(
    ("units", "holds"),
    [
        (tuple(Unit), np.isfinite),
        ((Unit.SHARE,), lambda values: (values >= 0) & (values <= 1)),
        ((Unit.COUNT, Unit.TIMES, Unit.POSITION), lambda values: values == np.rint(values)),
        ((Unit.FLAG,), lambda values: np.isin(values, (0, 1))),
    ],
    ids=["finite", "share", "whole", "flag"],
)
def test_values_are_what_their_unit_says(
    units: tuple[Unit, ...], holds: Callable[[np.ndarray], np.ndarray], seen: Seen
) -> None:
    def is_so(feature: Feature) -> bool:
        values = seen[feature.name]
        return feature.unit not in units or bool(holds(values[~np.isnan(values)]).all())

    assert failing(is_so) == []


def test_what_is_counted_has_a_noun() -> None:
    assert failing(lambda feature: all(feature.noun) == (feature.unit is Unit.COUNT)) == []


def test_spans_rise_and_there_are_as_many_names_as_spans() -> None:
    assert failing(lambda feature: list(feature.bins) == sorted(set(feature.bins))) == []
    assert failing(lambda feature: len(feature.bin_names) in (0, len(feature.bins))) == []


def test_every_value_seen_lies_in_a_span(seen: Seen) -> None:
    assert failing(lambda feature: not feature.bins or not (seen[feature.name] < feature.bins[0]).any()) == []


def test_practices_read_well_after_had_and_are_no_volume() -> None:
    def reads(feature: Feature) -> bool:
        practice = feature.practice
        if practice is None:
            return True
        texts = [text for text in (practice.done, practice.once) if text]
        plain = all(text[0].islower() and text[-1] not in ".:" and places(text) <= {"bound"} for text in texts)
        several = len(practice.bounds) > 1
        return plain and several == ("bound" in places(practice.done)) and (not feature.volume or not several)

    assert failing(reads) == []
    acted_on = {feature.name for feature in ALL.features if feature.volume and feature.actionable}
    assert acted_on == {"meetings_30d"}  # of which having had one at all is a practice


def test_a_practice_tells_done_not_done_and_not_asked() -> None:
    values = np.array([0.0, 1, 2, np.nan])
    assert Practice("x", (2,)).had(values, 2).tolist() == [0, 0, 1, 0]
    assert Practice("x", (2,), below=True).had(values, 2).tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(Practice("x", only_known=True).had(values, 1), [0, 1, 1, np.nan])


def failing(holds: Callable[[Feature], object]) -> list[str]:
    """The features of which something does not hold."""
    return [feature.name for feature in ALL.features if not holds(feature)]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_a_companys_own_words_get_the_same_features_from_configuration_alone() -> None:
    plain, own = catalogue(Vocabulary()), catalogue(Vocabulary(kinds=("Site visit",), segments=("region",)))
    more = {feature.name for feature in own.features} - {feature.name for feature in plain.features}
    assert more == {
        *("count:Site visit", "days_since:Site visit"),
        *("region_win_rate", "region_share"),
    }
    sold = catalogue(Vocabulary(segments=("product",)))
    more = {feature.name for feature in sold.features} - {feature.name for feature in plain.features}
    assert more == {
        *("product_win_rate", "product_share", "amount_against_product", "age_against_product"),
        "stage_time_against_product",
    }


def test_notes_are_searched_for_a_companys_own_words() -> None:
    own = Signal("fair", "a {trade} fair", ("fair", "booth*"))
    plain, asked = catalogue(Vocabulary(signals=())), catalogue(Vocabulary(signals=(own,)))
    more = {feature.name for feature in asked.features} - {feature.name for feature in plain.features}
    assert more == {"next_step:fair", "subjects_90d:fair", "days_since_subject:fair"}
    assert asked.feature("next_step:fair").wording.text.format() == "The next step speaks of a {trade} fair."


def test_the_fields_that_a_deal_should_have_are_those_whose_past_is_known() -> None:
    def filled(*fields: str, segments: tuple[str, ...] = ()) -> frozenset[str]:
        found = catalogue(Vocabulary(key_fields=fields, segments=segments)).features
        return next((streams_of(f.ask) for f in found if f.name == "fields_filled"), frozenset())

    assert filled() == filled("region") == frozenset()
    assert filled("amount", "region") == {"amounts"}
    assert filled("amount", "region", segments=("region",)) == {"amounts", "region_entries"}


def test_features_that_only_tell_the_date_are_left_out_of_a_short_history() -> None:
    seasoned, young = catalogue(Vocabulary()), catalogue(Vocabulary(seasoned=False))
    fewer = {feature.name for feature in seasoned.features} - {feature.name for feature in young.features}
    assert fewer == {"days_to_period_end", "company_win_rate"}
    assert "company_closings" in young.streams
    no_seasons = catalogue(Vocabulary(yearly=False))
    assert {f.name for f in seasoned.features} - {f.name for f in no_seasons.features} == {"days_into_year"}
    assert "years" not in no_seasons.streams


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

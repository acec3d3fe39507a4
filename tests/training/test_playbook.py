"""The playbook finds what was put in, does not recommend what is of no use, and is silent where there is nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks._injected import COUNTED, DEED, STAGE, USELESS, injected, shuffled
from crm.history import data_through
from crm.simulator import SimulatorSettings
from features.catalogue import Catalogue, catalogue
from features.dataset import TrainingSet, training_set
from features.feature import Family, Feature, Practice, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Constant
from features.settings import propose
from tests.training.examples import LOST, WON, rows_of, stages
from training.composition import composition, strata_of
from training.playbook import LEAST_DEALS, playbook, playbook_of
from training.rows import Rows, all_rows

PEOPLE = Practice("reached {bound} or more", (1, 2, 3))


def feature(name: str, group: str, practice: Practice | None = None, *, actionable: bool = False, volume: bool = False):
    words = Wording("{value}.", peers="deals with {bin}")
    return Feature(name, Constant(0.0), Unit.COUNT, group, f"{name}.", words, actionable, practice=practice,
                   volume=volume, noun=("one", "ones"))  # fmt: skip


KNOWN = Catalogue((Family("some", {}, (
    feature("people", "people", PEOPLE, actionable=True),
    feature("new_people", "people"),
    feature("calls", "calls", volume=True),
    feature("size", "size"),
    feature("plan", "plan", actionable=True),
)),))  # fmt: skip
NAMES = tuple(one.name for one in KNOWN.features)


def deals(seed: int, count: int = 800, effect: float = 1.6) -> tuple[Rows, np.ndarray]:
    """Deals of two types: of the first, those won had reached two people or more; large ones have more calls."""
    rng = np.random.default_rng(seed)
    first, size = rng.random(count) < 0.5, rng.normal(size=count)
    won = rng.random(count) < 1 / (1 + np.exp(-size))
    people = 1 + (rng.random(count) < 1 / (1 + np.exp(-(effect * (won & first) - 0.6)))) + (rng.random(count) < 0.15)
    calls = rng.poisson(np.exp(1 + 0.6 * size))
    x = np.column_stack([people, people, calls, size, rng.normal(size=count)])
    rows = rows_of(np.where(won, WON, LOST), [1.0] * count, x=x, stage=stages(*["A"] * count),
                   group=rng.integers(0, 10**6, count))  # fmt: skip
    return replace(rows, names=NAMES), np.where(first, "one", "other")


def kinds_of(values: np.ndarray) -> dict[str, pd.Categorical]:
    return {"type": pd.Categorical(values), "owner": pd.Categorical(np.where(values == "one", "Ann", "Bob"))}


@pytest.fixture(scope="module")
def book() -> dict[str, Any]:
    rows, values = deals(0)
    return playbook(rows, kinds_of(values), KNOWN)


def test_it_is_plain_data_with_what_it_rests_on(book: dict[str, Any]) -> None:
    assert json.loads(json.dumps(book, allow_nan=False)) == book
    page = book["stages"]["A"]
    assert page["won"] + page["lost"] == 800
    assert (page["from_day"], page["day"], page["position"]) == (None, None, None)
    assert page["tried"] == 2  # everybody had reached one


def test_of_several_bounds_the_best_supported_is_told_with_its_counts(book: dict[str, Any]) -> None:
    (found,) = book["stages"]["A"]["practices"]
    rows, _ = deals(0)
    assert (found["id"], found["holds"]) == ("people:2", True)
    had = rows.x[:, 0] >= 2
    assert found["won_had"] == (had & (rows.outcome == WON)).sum()
    assert found["lost_had"] == (had & (rows.outcome == LOST)).sum()
    assert found["low"] < found["odds"] < found["high"]
    assert found["after"] < 0.01


def test_segments_that_differ_have_their_own_record_and_owners_are_none(book: dict[str, Any]) -> None:
    (found,) = book["stages"]["A"]["practices"]
    told = {(one["field"], one["value"]): one["holds"] for one in found["segments"]}
    assert told == {("type", "one"): True, ("type", "other"): False}
    assert book["fields"] == {"type": ["one", "other"]}


def test_segments_that_do_not_differ_have_none() -> None:
    rows, values = deals(1)
    mixed = np.random.default_rng(0).permutation(values)
    (found,) = playbook(rows, kinds_of(mixed), KNOWN)["stages"]["A"]["practices"]
    assert found["segments"] == []


def test_volume_that_only_goes_with_what_deals_are_does_not_go_with_winning(book: dict[str, Any]) -> None:
    rows, _ = deals(0)
    (calls,) = book["stages"]["A"]["volume"]
    assert calls["won_median"] > calls["lost_median"]  # large deals are won more often, and called more often
    assert calls["low"] < 1 < calls["high"]
    plain = playbook_of(rows, {}, KNOWN, lambda rows, places: np.zeros(len(places)), 1)
    assert plain["stages"]["A"]["volume"][0]["low"] > 1.5


def test_what_a_deal_is_comes_from_groups_without_practice_or_volume() -> None:
    assert [NAMES[i] for i in composition(NAMES, KNOWN)] == ["size"]


def test_few_deals_have_no_statements() -> None:
    rows, values = deals(0)
    few = rows.where(np.cumsum(rows.outcome == WON) < LEAST_DEALS)
    page = playbook(few, kinds_of(values[: len(few)]), KNOWN)["stages"]["A"]
    assert page["won"] == LEAST_DEALS - 1
    assert (page["tried"], page["practices"], page["volume"]) == (0, [], [])


def test_without_any_stage_or_any_closed_deal_it_is_empty() -> None:
    rows, values = deals(0)
    nowhere = replace(rows, stage=np.full(len(rows), None, dtype=object))
    assert playbook(nowhere, kinds_of(values), KNOWN)["stages"] == {}
    still_open = replace(rows, outcome=np.full(len(rows), -1, np.int8))
    page = playbook(still_open, kinds_of(values), KNOWN)["stages"]["A"]
    assert (page["won"], page["lost"], page["practices"]) == (0, 0, [])


def test_by_chance_nearly_nothing_holds() -> None:
    told = 0
    for seed in range(40):
        rows, values = deals(seed, 400, effect=0.0)
        told += sum(one["holds"] for one in playbook(rows, kinds_of(values), KNOWN)["stages"]["A"]["practices"])
    assert told <= 9  # one in ten may: 4 of 40 are expected


def test_strata_are_equal_parts() -> None:
    assert np.bincount(strata_of(np.arange(100.0), 10)).tolist() == [10] * 10
    assert len(strata_of(np.zeros(0), 10)) == 0
    assert set(strata_of(np.zeros(7), 10)) == {9}


# On the simulated company ------------------------------------------------------------------------------------


def simulated(seed: int) -> TrainingSet:
    tables = injected(SimulatorSettings(deals=2500, seed=seed), 0.1, (1.0, 1.0, 1.0)).tables
    histories = Histories(tables)
    return training_set(histories, propose(histories), data_through(tables))


def held(book: dict[str, Any], feature: str) -> dict[str, dict[str, Any]]:
    pages = book["stages"].items()
    found = {stage: one for stage, page in pages for one in page["practices"] if one["feature"] == feature}
    return {stage: one for stage, one in found.items() if one["holds"]}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_the_deed_that_was_put_in_and_does_not_recommend_the_useless(seed: int) -> None:
    training = simulated(seed)
    rows, vocabulary = all_rows(training), training.vocabulary
    assert vocabulary.deeds == (DEED,)  # what is logged again and again is volume
    book = playbook(rows, training.kinds, catalogue(vocabulary))
    deed = held(book, COUNTED[DEED])
    assert deed[STAGE]["low"] > 1.5
    assert deed[STAGE]["won_had"] / deed[STAGE]["won"] == pytest.approx(0.55, abs=0.1)
    assert deed[STAGE]["lost_had"] / deed[STAGE]["lost"] == pytest.approx(0.25, abs=0.1)
    assert not held(book, COUNTED[USELESS])
    # Neither would it be if it were asked of, and more of it is not said to go with winning.
    asked = playbook(rows, training.kinds, catalogue(replace(vocabulary, deeds=(DEED, USELESS))))
    assert not held(asked, COUNTED[USELESS])
    volumes = [one for page in book["stages"].values() for one in page["volume"]]
    useless = [one for one in volumes if one["feature"] == COUNTED[USELESS]]
    assert len(useless) == 5
    assert not [one for one in useless if one["odds"] > 1 and one["after"] <= 0.1]
    # With the outcomes dealt out anew nearly nothing is left.
    chance = playbook(shuffled(rows, seed), training.kinds, catalogue(vocabulary))
    assert sum(one["holds"] for page in chance["stages"].values() for one in page["practices"]) <= 3


def test_a_companys_own_kinds_are_asked_of_only_where_they_are_deeds() -> None:
    names = {f.name: f for f in catalogue(Vocabulary(kinds=("visit", "review"), deeds=("review",))).features}
    assert names["count:review"].practice is not None
    assert names["count:visit"].practice is None
    assert names["count:visit"].volume

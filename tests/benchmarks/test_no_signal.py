"""Shuffled outcomes: another deal's for each, and nothing else touched."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks._no_signal import shuffled
from crm.simulator import SimulatorSettings, simulate
from features.dataset import TrainingSet
from tests.training.examples import training_of_simulated


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    return training_of_simulated(simulate(SimulatorSettings(deals=300, seed=5)))


def outcome_of(training: TrainingSet) -> dict[int, set[int]]:
    """The outcomes that each span's rows have."""
    episode, outcome = training.snapshots.episode, training.labels.outcome
    return {one: set(outcome[episode == one].tolist()) for one in np.unique(episode)}


def test_rows_of_a_deal_keep_one_outcome_and_as_many_are_won(training):
    before, after = outcome_of(training), outcome_of(shuffled(training, 1))
    assert all(len(found) == 1 for found in after.values())
    assert sorted(found.pop() for found in after.values()) == sorted(found.pop() for found in before.values())


def test_what_is_open_stays_open_and_nothing_but_outcomes_changes(training):
    mixed = shuffled(training, 1)
    assert ((mixed.labels.outcome < 0) == (training.labels.outcome < 0)).all()
    assert (mixed.labels.days == training.labels.days).all()
    assert replace(mixed, labels=training.labels) == training


def test_outcomes_after_and_before_have_nothing_in_common(training):
    closed = training.labels.outcome >= 0
    _, first = np.unique(training.snapshots.episode[closed], return_index=True)
    before = training.labels.outcome[closed][first]
    alike = [np.corrcoef(before, shuffled(training, s).labels.outcome[closed][first])[0, 1] for s in range(40)]
    assert abs(np.mean(alike)) < 0.05
    assert np.std(alike) == pytest.approx(1 / np.sqrt(len(before)), rel=0.4)

"""One simulated company and one training on it, shared by all tests of training."""

from __future__ import annotations

import pytest

from crm.simulator import Simulation, SimulatorSettings, simulate
from features.dataset import TrainingSet
from tests.training.examples import QUICK, training_of_simulated
from training.learning import Trained, learn
from training.rows import Rows, all_rows
from training.settings import Thresholds


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(SimulatorSettings(deals=2000))


@pytest.fixture(scope="session")
def training(simulation: Simulation) -> TrainingSet:
    return training_of_simulated(simulation)


@pytest.fixture(scope="session")
def rows(training: TrainingSet) -> Rows:
    return all_rows(training)


@pytest.fixture(scope="session")
def trained(training: TrainingSet) -> Trained:
    return learn(training, QUICK, Thresholds())

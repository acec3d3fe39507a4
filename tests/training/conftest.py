"""One simulated company and one training on it, shared by all tests of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crm.simulator import Simulation, SimulatorSettings, simulate
from features.dataset import TrainingSet
from features.settings import TimeSettings
from tests.training.examples import QUICK, Learned, fewer, training_of_simulated
from training import learning
from training.evaluation import Cuts, Judged, out_of_fold
from training.learning import Trained
from training.rows import Rows, all_rows
from training.settings import BoostingSettings, Thresholds


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
def learned(training: TrainingSet) -> Learned:
    told: list[str] = []
    kept: list[tuple[Cuts, Judged]] = []

    def watched(rows: Rows, cuts: Cuts, time: TimeSettings, settings: BoostingSettings) -> Judged:
        judged = out_of_fold(rows, cuts, time, settings)
        kept.append((cuts, judged))
        return judged

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "out_of_fold", watched)
        trained = learning.learn(training, QUICK, Thresholds(), progress=told.append)
    return Learned(trained, told, *kept[0])


@pytest.fixture(scope="session")
def trained(learned: Learned) -> Trained:
    return learned.trained


@pytest.fixture(scope="session")
def light(training: TrainingSet) -> TrainingSet:
    """A third of the snapshots and a quarter of the features: quick to learn from."""
    thin = fewer(training, np.arange(len(training.ids)) % 3 == 0)
    return replace(thin, features=thin.features.iloc[:, ::4])

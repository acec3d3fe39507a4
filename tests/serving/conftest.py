"""A trained deal model and the open deals that it answers for."""

from dataclasses import dataclass

import numpy as np
import pytest

from crm.clock import parse_as_of
from features.dataset import ScoringSet, scoring_set
from pipelines.company import open_company
from pipelines.config import Home, load_config
from serving.store import Store
from tests.acceptance import worlds
from training.deal_model import DealModel, load


@dataclass(frozen=True)
class Answering:
    """A champion, the open deals of its company's last day, and their features as the model takes them."""

    model: DealModel
    scoring: ScoringSet

    @property
    def x(self) -> np.ndarray:
        return self.model.matrix(self.scoring.features)


@pytest.fixture(scope="session")
def answering(tmp_path_factory) -> Answering:
    trained = worlds.trained(tmp_path_factory.getbasetemp())
    row = Store.under(trained.home).champion()
    model = load(trained.home / "models" / row["folder"], row["sha256"])
    company = open_company(trained.data, worlds.LAST_DAY, load_config(Home(trained.home)))
    day = parse_as_of(worlds.LAST_DAY)
    return Answering(model, scoring_set(company.histories, model.vocabulary, model.names, day))


@pytest.fixture(scope="session")
def scored(tmp_path_factory):
    return worlds.scored(tmp_path_factory.getbasetemp())


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path) -> str:
    """The URL of an empty database for a store, of each kind that there is."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'store.db'}"

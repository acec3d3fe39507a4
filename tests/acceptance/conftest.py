"""The companies and homes of the acceptance tests."""

import pytest

from tests.acceptance import worlds


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    return worlds.company(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def simulation():
    return worlds.simulation()


@pytest.fixture(scope="session")
def instructive(tmp_path_factory):
    return worlds.instructive(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def few_deals(tmp_path_factory):
    return worlds.few_deals(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    return worlds.trained(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def scored(tmp_path_factory):
    return worlds.scored(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def by_rates(tmp_path_factory):
    return worlds.by_rates(tmp_path_factory.getbasetemp())

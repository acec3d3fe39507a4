"""The companies and homes of the acceptance tests."""

import sys

import pytest

from tests.acceptance import worlds


@pytest.fixture(scope="session", autouse=True)
def demo_under_way(request, tmp_path_factory):
    """`dealcast demo --home H` in an empty folder. It takes longest, so it is started first and waited for last."""
    if not any(item.path.name == "test_demo.py" for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("demo")
    words = ("-m", "pipelines.cli", "demo", "--deals", str(worlds.DEALS), "--home", "H")
    demo = worlds.started([sys.executable, *words], cwd=folder)
    yield demo, folder
    demo.process.kill()
    demo.process.wait()


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

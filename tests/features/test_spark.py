"""On Spark the same work gives the same rows, in the same order, to the last bit."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

import pyarrow as pa
import pytest

from crm.clock import DAY
from crm.parts import Parts
from crm.simulator import SimulatorSettings, simulate
from crm.sources.mapping import SourceMapping
from crm.sources.staging import Staged, stage_folder
from features.fingerprint import Fingerprint
from features.partitions import Engine, Grid, InProcess, Open, Work, known_features, survey
from features.settings import TimeWishes

if find_spec("pyspark") is None:
    pytest.skip("PySpark is not installed: make spark", allow_module_level=True)
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java 17, and there is neither a java nor a JAVA_HOME", allow_module_level=True)

WISHES = TimeWishes(grid_days=14)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.setenv("PYSPARK_PYTHON", sys.executable)
        settings = {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "4"}
        session = import_module("features.spark").session("local[2]", tmp_path_factory.mktemp("spark"), settings)
        with session as engine:
            yield engine


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A simulated company in some parts."""
    folder = tmp_path_factory.mktemp("company")
    simulate(SimulatorSettings(deals=300, dirt=0.01)).write(folder)
    found = stage_folder(folder, tmp_path_factory.mktemp("parts"), 3000, SourceMapping(fixed=frozenset({"region"})))
    assert len(found.parts) >= 3
    return found


def fingerprint(answers: list[pa.Table]) -> str:
    whole = Fingerprint()
    for answer in answers:
        whole.add(answer.to_pandas())
    return whole.hexdigest()


def both(spark: Engine, parts: Parts, work: Work, schema: pa.Schema) -> list[list[pa.Table]]:
    """The answers of all parts here, and on Spark."""
    return [list(engine.each(parts, work, schema)) for engine in (InProcess(), spark)]


def assert_same(here: list[pa.Table], there: list[pa.Table]) -> None:
    """Part by part the same rows in the same order."""
    assert [len(answer) for answer in here] == [len(answer) for answer in there]
    for ours, theirs in zip(here, there, strict=True):
        assert ours.schema.equals(theirs.schema)
        assert ours.to_pandas().equals(theirs.to_pandas())
    assert fingerprint(here) == fingerprint(there)


def test_training_and_scoring_rows_are_the_same_to_the_last_bit(spark: Engine, staged: Staged) -> None:
    parts, as_of = staged.parts, staged.through - 30 * DAY
    here, there = (survey(parts, engine, as_of, WISHES).common for engine in (InProcess(), spark))
    assert (here.facts, here.vocabulary, here.time, here.until) == (
        there.facts,
        there.vocabulary,
        there.time,
        there.until,
    )
    names = known_features(there, parts)
    for work in (Grid(there, names), Open(there, names, (as_of - DAY, as_of))):
        found = both(spark, parts, work, work.schema)
        assert sum(map(len, found[0])) > 50
        assert_same(*found)

"""On Spark the same work gives the same rows, in the same order, to the last bit."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from crm.clock import DAY
from crm.errors import WrongUse
from crm.parts import OF_DEALS, OnePart, Parts
from crm.simulator import SimulatorSettings, simulate
from crm.simulator.simulation import FIXED
from crm.sources.mapping import SourceMapping
from crm.sources.staging import Staged, stage_folder
from features.fingerprint import Fingerprint
from features.partitions import Engine, Grid, InProcess, Open, Surveyed, Work, known_features, survey
from features.settings import TimeWishes
from tests.features.works import Columns

if find_spec("pyspark") is None:
    pytest.skip("PySpark is not installed: make spark", allow_module_level=True)
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java 17: there is no java on the path, nor a JAVA_HOME", allow_module_level=True)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
ROOT = Path(__file__).parents[2]
WISHES = TimeWishes(grid_days=21)
OWN = ["score.v2", "Score.V2", "with blank", "`quoted`", "Größe", "dealcast_part"]
QUICK_TO_START = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
}
"""For a few small jobs, what makes long ones fast costs more than it gains."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.setenv("PYSPARK_PYTHON", sys.executable)
        surroundings.setenv("PYTHONPATH", str(ROOT))
        begin = import_module("features.spark").session
        with begin("local[2]", tmp_path_factory.mktemp("spark"), QUICK_TO_START) as engine:
            yield engine


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A simulated company in some parts, with columns of its own, and a deal that is larger than a part."""
    folder = tmp_path_factory.mktemp("company")
    simulate(SimulatorSettings(deals=300, dirt=0.01)).write(folder)
    deals = pd.read_csv(folder / "opportunities.csv", dtype=str, keep_default_na=False)
    own = {name: [f"{name} {row}" if row % 3 else "" for row in range(len(deals))] for name in OWN}
    deals.assign(**own).to_csv(folder / "opportunities.csv", index=False)
    one = deals.iloc[len(deals) // 2]
    touches = pd.read_csv(folder / "activities.csv", dtype=str, keep_default_na=False)
    more = pd.DataFrame(
        {
            "activity_id": [f"more {i}" for i in range(9000)],
            "opportunity_id": one["opportunity_id"],
            "occurred_at": one["created_at"],
            "kind": "email",
        }
    )
    pd.concat([touches, more]).fillna("").to_csv(folder / "activities.csv", index=False)
    parts = tmp_path_factory.mktemp("parts")
    fixed = FIXED | {"accounts.industry", "accounts.country"}
    return stage_folder(folder, parts, 5000, SourceMapping(fixed=fixed))


@pytest.fixture(scope="module")
def surveyed(spark: Engine, staged: Staged) -> Surveyed:
    return survey(staged.parts, spark, staged.through - 30 * DAY, WISHES)


def fingerprint(answers: list[pa.Table]) -> str:
    whole = Fingerprint()
    for answer in answers:
        whole.add(answer.to_pandas())
    return whole.hexdigest()


def assert_same_on(spark: Engine, parts: Parts, work: Work, schema: pa.Schema) -> list[pa.Table]:
    """Part by part the same rows in the same order, here and on Spark."""
    here, there = (list(engine.each(parts, work, schema)) for engine in (InProcess(), spark))
    assert [len(answer) for answer in there] == [len(answer) for answer in here]
    for ours, theirs in zip(here, there, strict=True):
        assert theirs.schema.equals(schema)
        assert theirs.to_pandas().equals(ours.to_pandas())
    assert fingerprint(there) == fingerprint(here)
    return there


def test_the_company_has_an_empty_part_among_several(staged: Staged) -> None:
    deals = [len(part["opportunities"]) for part in staged.parts]
    assert len(deals) >= 3
    assert 0 in deals


def test_what_all_parts_must_know_is_found_on_spark_as_well(spark: Engine, staged: Staged, surveyed: Surveyed) -> None:
    there = surveyed.common
    here = survey(staged.parts, InProcess(), there.as_of, WISHES).common
    for name in ("as_of", "until", "facts", "vocabulary", "time"):
        assert getattr(there, name) == getattr(here, name), name
    assert there.entities.keys() == here.entities.keys()
    for name, events in there.entities.items():
        assert events.key.tolist() == here.entities[name].key.tolist()
        assert events.at.tolist() == here.entities[name].at.tolist()


def test_rows_are_the_same_in_the_same_order_to_the_last_bit(spark: Engine, staged: Staged, surveyed: Surveyed) -> None:
    common, names = surveyed.common, known_features(surveyed.common, staged.parts)
    as_of = common.as_of
    assert {"account_industry_win_rate", "account_country_win_rate", "stage_time_against_product"} <= set(names)
    for work in (Grid(common, names), Open(common, names, (as_of - 60 * DAY, as_of))):
        rows = assert_same_on(spark, staged.parts, work, work.schema)
        assert sum(map(len, rows)) > 50


def test_columns_of_ones_own_and_every_table_arrive_with_their_deals(spark: Engine, staged: Staged) -> None:
    work = Columns(["opportunity_id", "name", *OWN], OF_DEALS)
    answers = assert_same_on(spark, staged.parts, work, work.schema)
    rows = pa.concat_tables(answers).to_pandas()
    assert rows["opportunity_id"].is_monotonic_increasing
    assert rows["with blank"].str.startswith("with blank ").any()
    assert rows["with blank"].isna().any()
    of_part = rows.drop_duplicates("part.number")
    assert of_part["activities"].sum() == sum(len(part["activities"]) for part in staged.parts)


def test_a_company_that_does_not_lie_on_disk_is_not_for_spark(spark: Engine, staged: Staged) -> None:
    with pytest.raises(TypeError, match="on disk"):
        list(spark.each(OnePart(staged.parts.part(0)), Columns([], ()), Columns([], ()).schema))


def test_where_spark_does_not_start_the_message_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def without_java(builder: object) -> None:
        raise import_module("pyspark.errors").PySparkRuntimeError(
            errorClass="JAVA_GATEWAY_EXITED", messageParameters={}
        )

    monkeypatch.setattr("pyspark.sql.SparkSession.Builder.getOrCreate", without_java)
    session = import_module("features.spark").session
    with pytest.raises(WrongUse, match="JAVA_GATEWAY_EXITED") as refused, session("local[1]", tmp_path, {}):
        pass
    assert "Java 17" in refused.value.remedy

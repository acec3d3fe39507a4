"""The same work on Spark: rows are shuffled by part, and each part is worked off by the one kernel, through Arrow."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import DataFrame, GroupedData, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from crm.errors import WrongUse
from crm.parts import PART, Parts
from crm.tables import from_arrow
from features.partitions import AnyParts, Work

OURS = ("crm", "features")
"""The packages that the cluster's workers need."""

_TABLE = "dealcast_table"
_OPTIONS = "spark.driver.extraJavaOptions"
# The gateway would set its own level, and with it everybody's, back to warnings.
_LOG = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex
"""
_SPARKS_OWN = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}


@contextmanager
def session(master: str, scratch: Path, settings: Mapping[str, str]) -> Iterator[OnSpark]:
    """An engine on a Spark cluster (or `local[*]`), stopped at the end.

    :param scratch: a folder that the driver and all workers see under the same path.
    :param settings: of Spark, by their own names.
    :raises WrongUse: where Spark does not start.
    """
    builder = (
        SparkSession.builder.master(master)
        .appName("dealcast features")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC")
        # A part is one task, whatever its size in bytes.
        .config("spark.sql.adaptive.coalescePartitions.enabled", "false")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "true")
    )
    if master.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    for name, value in _errors_alone(scratch, settings).items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        # Said at every step; that results are the same with this pandas is tested.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        spark = _started(builder)
        try:
            if not master.startswith("local"):
                spark.sparkContext.addPyFile(str(_packed(scratch)))
            yield OnSpark(spark, scratch)
        finally:
            spark.stop()


def _errors_alone(scratch: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings with one more, by which Spark speaks of errors alone from its first line on.

    Where the user's own options name another configuration of its log, that one holds: the last one does.
    """
    file = scratch / "log4j2.properties"
    file.write_text(_LOG)
    ours = f"-Dlog4j2.configurationFile={file.resolve().as_uri()}"
    return {**settings, _OPTIONS: f"{ours} {settings.get(_OPTIONS, '')}".rstrip()}


def _started(builder: SparkSession.Builder) -> SparkSession:
    """Raises WrongUse where there is no Java to run Spark."""
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise WrongUse(
            f"Spark does not start: {error}",
            where="--engine spark",
            remedy="install Java 17: `java` must be on the path, or JAVA_HOME say where it lies",
        ) from error


class OnSpark:
    """Does a piece of work on every part, wherever Spark puts it."""

    def __init__(self, spark: SparkSession, scratch: Path) -> None:
        self._spark, self._scratch = spark, scratch

    def each(self, parts: AnyParts, work: Work, schema: pa.Schema) -> Iterator[pa.Table]:
        """The work's answers, in the order of the parts."""
        if not isinstance(parts, Parts):
            raise TypeError("Spark works on parts that lie on disk")
        rows = {table: self._spark.read.parquet(str(parts.folder / table)) for table in parts.present}
        held = self._spark.sparkContext.broadcast((_without_place(parts), work))
        # Spark takes a dot in a column's name for a path, so all columns go by their places.
        own = [pa.field(f"a{place}", _SPARKS_OWN.get(field.type, field.type)) for place, field in enumerate(schema)]
        plain = pa.schema([pa.field(PART, pa.int32()), *own])
        answers = (
            self._grouped(_by_place(rows["opportunities"], "opportunities"), parts)
            .cogroup(self._grouped(self._events(rows), parts))
            .applyInArrow(_working(held, plain), from_arrow_schema(plain))
        )
        folder = Path(tempfile.mkdtemp(prefix="answers-", dir=self._scratch))
        answers.write.mode("overwrite").partitionBy(PART).parquet(str(folder))
        held.unpersist()
        for number in range(len(parts)):
            yield _answer(folder / f"{PART}={number}", schema)
        shutil.rmtree(folder, ignore_errors=True)

    def _grouped(self, frame: DataFrame, parts: Parts) -> GroupedData:
        return frame.repartition(len(parts), PART).groupBy(PART)

    def _events(self, rows: Mapping[str, DataFrame]) -> DataFrame:
        """All tables of deals but the deals' own, in one: each row says of which table it is."""
        frames = [_by_place(frame, table) for table, frame in rows.items() if table != "opportunities"]
        if not frames:
            return _by_place(rows["opportunities"], "opportunities").limit(0)
        return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)


def _by_place(frame: DataFrame, table: str) -> DataFrame:
    stored = [name for name in frame.columns if name != PART]
    named = [F.col(name).alias(f"{table}_{place}") for place, name in enumerate(stored)]
    return frame.select(PART, F.lit(table).alias(_TABLE), *named)


def _without_place(parts: Parts) -> dict[str, Any]:
    """What a worker must know of the company; it gets its rows from Spark."""
    return {f.name: getattr(parts, f.name) for f in fields(parts) if f.name not in ("folder", "count")}


def _working(held: Any, schema: pa.Schema) -> Any:
    def worked(key: tuple[Any, ...], deals: pa.Table, events: pa.Table) -> pa.Table:
        known, work = held.value
        number = key[0].as_py()
        frames = {}
        for table, names in known["columns"].items():
            rows = deals if table == "opportunities" else events.filter(pc.equal(events[_TABLE], table))
            places = [f"{table}_{place}" for place in range(len(names))]
            frames[table] = from_arrow(rows.select(places).rename_columns(names))
        answer = work(Parts(folder=Path(), count=1, **known).with_shared(frames), number)
        there = pa.array(np.full(len(answer), number, dtype=np.int32))
        return pa.table([there, *answer.columns], names=schema.names).cast(schema)

    return worked


def _answer(folder: Path, schema: pa.Schema) -> pa.Table:
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not files:
        return schema.empty_table()
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files]).rename_columns(schema.names).cast(schema)


def _packed(scratch: Path) -> Path:
    """Our packages as one file for the cluster's workers."""
    top = Path(__file__).resolve().parent.parent
    target = scratch / "dealcast.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for package in OURS:
            for file in sorted((top / package).rglob("*.py")):
                archive.write(file, file.relative_to(top))
    return target

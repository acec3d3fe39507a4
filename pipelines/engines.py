"""Where features are computed: in this process, part by part within a memory budget, or on Spark."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from crm.errors import WrongUse
from crm.history import data_through, known_by
from crm.parts import OnePart
from crm.quality import QualityReport
from crm.sources.files import read_folder
from crm.sources.staging import stage_folder
from features.partitions import AnyParts, Engine, InProcess
from pipelines.company import date_of, no_deal_yet, now
from pipelines.config import Config

LOCAL, SPARK = "local", "spark"
ENGINES = (LOCAL, SPARK)
LOCAL_MASTER = "local[*]"
UNITS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
LEAST_MEMORY = 2**30

# Measured by benchmarks/features_command.py: what a process takes before any row, and for each row of a part; there is
# some room in it, as a million deals within 4 GiB took 3.7.
BASE_BYTES = 800 * 2**20
BYTES_A_ROW = 2_000
ROWS_A_PART_ON_SPARK = 500_000


@dataclass(frozen=True)
class Wanted:
    """How the user wants features computed.

    :param memory: bytes that the process may take; None: as much as it needs.
    :param master: the Spark cluster's address.
    """

    engine: str = LOCAL
    memory: int | None = None
    master: str = LOCAL_MASTER


@dataclass(frozen=True)
class Opened:
    """A company ready to be worked off, and the engine for it.

    :param last: how far the data reach, whatever the date; milliseconds.
    """

    parts: AnyParts
    engine: Engine
    as_of: int
    last: int
    report: QualityReport
    notes: tuple[str, ...]


@contextmanager
def opened(data: Path, as_of: str, config: Config, wanted: Wanted) -> Iterator[Opened]:
    """Reads a folder for the engine that is wanted; what lies on disk for it is gone afterwards.

    :raises DataRefused: where no deal had been created by the date.
    """
    date_of(as_of, 0, config.zone)  # what is no date is said before anything is read
    if wanted.engine == LOCAL and wanted.memory is None:
        reading = read_folder(data, config.source)
        last = data_through(reading.tables, now())
        instant, notes = date_of(as_of, last, config.zone)
        tables = known_by(reading.tables, instant)
        if not len(tables["opportunities"]):
            raise no_deal_yet(data, instant, last)
        yield Opened(OnePart(tables), InProcess(), instant, last, reading.report, (*reading.report.notes, *notes))
        return
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dealcast-parts-")))
        rows = ROWS_A_PART_ON_SPARK if wanted.engine == SPARK else rows_a_part(wanted.memory)
        database = None if wanted.memory is None else (wanted.memory - LEAST_MEMORY // 2) // 2
        staged = stage_folder(data, scratch / "tables", rows, config.source, database, now())
        instant, notes = date_of(as_of, staged.through, config.zone)
        engine = (
            stack.enter_context(_spark(wanted.master, scratch, config.spark)) if wanted.engine == SPARK else InProcess()
        )
        notes = (*staged.report.notes, *notes)
        yield Opened(staged.parts, engine, instant, staged.through, staged.report, notes)


def rows_a_part(memory: int | None) -> int:
    """How many rows of the tables of deals a part may have so that working it off stays within the memory."""
    if memory is None:
        return ROWS_A_PART_ON_SPARK
    return max(10_000, (memory - BASE_BYTES) // BYTES_A_ROW)


def memory_of(text: str) -> int:
    """Bytes from "4GiB", "512MiB". Raises WrongUse for anything else, and for less than 1 GiB."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB)", text.strip())
    if not found:
        raise WrongUse(f"'{text}' is no amount of memory", where="--memory", expected="for instance 4GiB or 1536MiB")
    bytes_ = int(float(found[1]) * UNITS[found[2]])
    if bytes_ < LEAST_MEMORY:
        raise WrongUse(f"{text} is too little", where="--memory", expected="1GiB at least")
    return bytes_


def _spark(master: str, scratch: Path, settings: Mapping[str, str]) -> AbstractContextManager[Engine]:
    try:
        found = import_module("features.spark").session(master, scratch, settings)
    except ImportError as error:
        raise WrongUse(
            "PySpark is not installed",
            where="--engine spark",
            remedy="make spark (or pip install 'dealcast[spark]'); it needs Java 17",
        ) from error
    return cast(AbstractContextManager[Engine], found)

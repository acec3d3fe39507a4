"""Features: a training set or scoring sets as Parquet, with their fingerprint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from crm.clock import utc_text
from features.feature import Vocabulary
from features.fingerprint import Fingerprint
from features.partitions import Common, Grid, Open, absent_features, known_features, survey
from pipelines.champion import home_champion
from pipelines.company import no_deal_yet
from pipelines.config import Config, Home, load_config
from pipelines.engines import Opened, Wanted, opened
from serving.sinks.files import check_target, table_writer
from training.deal_model import DealModel

STEPS = 4
TRAINING, SCORING = "training", "scoring"
SETS = (TRAINING, SCORING)
ROWS_AT_ONCE = 262_144
"""Rows that are copied for their fingerprint together."""


@dataclass(frozen=True)
class FeatureSet:
    """A set that was written: its rows and features, and the fingerprint of what it holds."""

    kind: str
    as_of: int
    rows: int
    features: tuple[str, ...]
    absent: dict[str, str]
    fingerprint: str
    parts: int
    out: Path
    notes: tuple[str, ...]


def features(
    data: Path, as_of: str, home: Home, kind: str, out: Path, wanted: Wanted, step: Callable[[str], None]
) -> FeatureSet:
    """Write a training set, or the scoring set of a date, to a Parquet or CSV file.

    A scoring set has the champion's features where there is a champion.
    """
    check_target(out)
    config = load_config(home)
    step("reading the tables")
    with opened(data, as_of, config, wanted) as company:
        model = home_champion(home, config) if kind == SCORING else None
        step("looking at the company as a whole")
        common = surveyed(company, company.as_of, config, model.vocabulary if model else None, data)
        names = model.names if model else known_features(common, company.parts)
        work = Grid(common, names) if kind == TRAINING else Open(common, names, (company.as_of,))
        step("computing what was known at each date")
        answers = company.engine.each(company.parts, work, work.schema)
        written = write(answers, work.schema, out, facts_of(kind, common))
        step("done")
        absent = absent_features(common, company.parts)
        notes = (*company.notes, *model_notes(model))
        return FeatureSet(
            kind, company.as_of, written.rows, names, absent, written.fingerprint, len(company.parts), out, notes
        )


@dataclass(frozen=True)
class Written:
    """How many rows were written, and their fingerprint."""

    rows: int
    fingerprint: str


def write(answers: Iterable[pa.Table], schema: pa.Schema, out: Path, facts: dict[str, str]) -> Written:
    """Write tables of one schema one after the other into a file, with its facts and fingerprint beside them."""
    digest, rows = Fingerprint(), 0
    with table_writer(out, schema) as writer:
        for answer in answers:
            for start in range(0, len(answer), ROWS_AT_ONCE):
                some = answer.slice(start, ROWS_AT_ONCE)
                digest.add(some.to_pandas())
                writer.write(some)
            rows += len(answer)
        writer.describe({**facts, "rows": str(rows), "fingerprint": digest.hexdigest()})
    return Written(rows, digest.hexdigest())


def surveyed(company: Opened, as_of: int, config: Config, vocabulary: Vocabulary | None, data: Path) -> Common:
    """What all parts must know of the whole. Raises DataRefused where no deal had been created by the date."""
    seen = survey(company.parts, company.engine, as_of, config.time, vocabulary)
    if not seen.seen.deals:
        raise no_deal_yet(data, as_of, company.last)
    return seen.common


def model_notes(model: DealModel | None) -> tuple[str, ...]:
    """Whose features these are."""
    return () if model is None else ("The features are the champion's, in its words.",)


def facts_of(kind: str, common: Common) -> dict[str, str]:
    """What a reader of the file should know of it."""
    return {
        "set": kind,
        "as_of": utc_text(common.as_of),
        "until": utc_text(common.until),
        "time": json.dumps(asdict(common.time)),
        "vocabulary": json.dumps(asdict(common.vocabulary)),
    }

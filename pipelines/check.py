"""Check: read everything, say what is there and what is missing; write nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm.history import SHOWN_ONLY, is_known_in_the_past, tracked_fields
from crm.quality import Readiness, readiness
from crm.tables import OPPORTUNITIES, CrmTables
from features.catalogue import catalogue
from features.engines import prepare
from features.settings import TimeSettings, propose
from features.vocabulary import learn
from pipelines.company import Company, open_company
from pipelines.config import Home, load_config

STEPS = 3


@dataclass(frozen=True)
class FieldVerdict:
    """Whether a field's value at a past date can be told: tracked, fixed, or not known (left out)."""

    field: str
    verdict: str
    filled: float


@dataclass(frozen=True)
class CheckResult:
    """The quality report, readiness, each field's verdict, absent features and the proposed settings."""

    company: Company
    readiness: Readiness
    fields: tuple[FieldVerdict, ...]
    features: int
    absent: dict[str, list[str]]
    time: TimeSettings


def check(data: Path, as_of: str, home: Home, step: Callable[[str], None]) -> CheckResult:
    """Read a folder as of a date and report on it."""
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    step("looking at each field's history")
    histories = company.histories
    time = propose(histories, config.time)
    step("seeing which features there can be")
    declared = catalogue(learn(histories, time.calendar))
    prepared = prepare(histories, declared, time.calendar)
    absent: dict[str, list[str]] = {}
    for feature in declared.features:
        why = prepared.why_absent(feature)
        if why is not None:
            absent.setdefault(why, []).append(feature.name)
    known = len(declared.features) - sum(map(len, absent.values()))
    verdicts = field_verdicts(histories.tables)
    return CheckResult(company, readiness(histories.tables), verdicts, known, absent, time)


def field_verdicts(tables: CrmTables) -> tuple[FieldVerdict, ...]:
    """The verdict on each filled field of opportunities that may change."""
    deals = tables["opportunities"]
    tracked = tracked_fields(tables)
    found = []
    for column in OPPORTUNITIES.columns:
        name = column.name
        if column.history and name not in SHOWN_ONLY and deals[name].notna().any():
            known = is_known_in_the_past(tables, name)
            verdict = "tracked" if name in tracked else "fixed at creation" if known else "not known: left out"
            found.append(FieldVerdict(name, verdict, float(deals[name].notna().mean())))
    return tuple(found)

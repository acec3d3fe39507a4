"""Check: read everything, say what is there and what is missing; write nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crm.leakage import LeakageAudit, leakage_audit
from crm.quality import Readiness, readiness
from crm.sources.mirror.manifest import deleted_at_source
from crm.suspicions import Finding, findings
from features.catalogue import catalogue
from features.engines import prepare
from features.settings import TimeSettings, propose
from features.vocabulary import learn
from pipelines.company import Company, open_company
from pipelines.config import Home, load_config

STEPS = 3


@dataclass(frozen=True)
class CheckResult:
    """The quality report, readiness, the leakage audit, absent features and the proposed settings.

    :param deleted: of a mirror's tables, how many rows are known to have gone at the source; none of a folder.
    """

    company: Company
    readiness: Readiness
    leakage: LeakageAudit
    findings: tuple[Finding, ...]
    features: int
    absent: dict[str, list[str]]
    time: TimeSettings
    deleted: dict[str, int]


def check(data: Path, as_of: str, home: Home, step: Callable[[str], None]) -> CheckResult:
    """Read a folder as of a date and report on it."""
    config = load_config(home)
    step("reading the tables")
    company = open_company(data, as_of, config)
    step("looking at each field's history")
    histories = company.histories
    audit = leakage_audit(histories.tables)
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
    ready, gone = readiness(histories.tables), deleted_at_source(data)
    return CheckResult(company, ready, audit, findings(audit), known, absent, time, gone)

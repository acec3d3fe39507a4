"""Models: the versions that were trained, who is champion and why, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.clock import utc_day
from crm.errors import DealcastError, WrongUse
from pipelines.aliases import Followed, let_mlflow_follow
from pipelines.champion import kept_store, model_of
from pipelines.company import open_company
from pipelines.config import Config, Home, load_config
from pipelines.later import asked, later_snapshots
from serving.champions import Promotion, challenger_of
from serving.store import Store
from training.later import LEAST_DEALS, Versus, versus
from training.registry import CHALLENGER, CHAMPION

LEAST_OF_A_RUN_ID = 6
"""So many characters of a run's id, or more, stand for it."""


@dataclass(frozen=True)
class Version:
    """A trained version; `alias` is empty for most, `promotion` the last one that made it champion."""

    version: str
    run_id: str
    trained_at: datetime
    gate_passed: bool
    alias: str
    promotion: Promotion | None
    facts: Mapping[str, Any]
    folder: str
    sha256: str


@dataclass(frozen=True)
class Listing:
    """All versions, the newest first; every change of the champion; whether MLflow agrees."""

    versions: tuple[Version, ...]
    promotions: tuple[Promotion, ...]
    followed: Followed


@dataclass(frozen=True)
class Difference:
    """A setting in which two versions differ; None where one has none of that name."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side.

    :param fair: both on the same later rows; empty where that cannot be, and `why_not` says why.
    :param since: the end of what either has learned from, YYYY-MM-DD; empty where it is not known.
    """

    first: Version
    second: Version
    same_data: bool
    parameters: tuple[Difference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    fair: tuple[Versus, ...]
    why_not: str
    since: str


def models(home: Home) -> Listing:
    """Every version trained here. Raises WrongUse where none was."""
    config = load_config(home)
    store = kept_store(home, config)
    followed = let_mlflow_follow(store, config.tracking(home))
    return Listing(tuple(reversed(_versions(store))), store.promotions(), followed)


def compare(first: str, second: str, home: Home, data: Path | None, as_of: str) -> Comparison:
    """Two versions, named by number, alias or MLflow run. Raises WrongUse where there is none such."""
    config = load_config(home)
    every = _versions(kept_store(home, config))
    one, other = _named(first, every), _named(second, every)
    fair, why_not, since = _fair(one, other, home, config, data, as_of)
    names, others = (tuple(v.facts.get("features", ())) for v in (one, other))
    return Comparison(
        one,
        other,
        _fingerprint(one) == _fingerprint(other) is not None,
        _differences(one.facts.get("parameters", {}), other.facts.get("parameters", {})),
        tuple(name for name in names if name not in others),
        tuple(name for name in others if name not in names),
        fair,
        why_not,
        since,
    )


def _fair(
    one: Version, other: Version, home: Home, config: Config, data: Path | None, as_of: str
) -> tuple[tuple[Versus, ...], str, str]:
    """Both answering the snapshots that neither has learned from; else why not. Also since when those are."""
    if data is None:
        return (), "Give --data DIR to have both answer the same later deals.", ""
    try:
        both = model_of(vars(one), home), model_of(vars(other), home)
    except DealcastError as error:
        return (), f"The files of both models are needed here: {error.found} ({error.where}).", ""
    since = max(model.facts["data"]["until_millis"] for model in both)
    company = open_company(data, as_of, config)
    snapshots = later_snapshots(company, since, max(model.time.grid_days for model in both))
    if not len(snapshots):
        ends, learned = utc_day(company.until), utc_day(since)
        return (), f"The data end on {ends}, and one of the two has learned from them until {learned}.", learned
    first, second = (asked(company, model, snapshots) for model in both)
    found = versus(first.rows, first.answers, second.answers, company.until)
    why_not = "" if found else f"Fewer than {LEAST_DEALS} of the deals open since {utc_day(since)} have closed."
    return found, why_not, utc_day(since)


def _versions(store: Store) -> tuple[Version, ...]:
    rows, promotions = store.models(), store.promotions()
    champion = promotions[-1].version if promotions else None
    aliases = {challenger_of([row["version"] for row in rows], promotions): CHALLENGER, champion: CHAMPION}
    newest = {promotion.version: promotion for promotion in promotions}
    return tuple(
        Version(
            row["version"],
            row["mlflow_run_id"],
            row["trained_at"],
            row["gate_passed"],
            aliases.get(row["version"], ""),
            newest.get(row["version"]),
            row["facts"],
            row["folder"],
            row["sha256"],
        )
        for row in rows
    )


def _named(name: str, versions: Sequence[Version]) -> Version:
    found = [one for one in versions if name in (one.version, one.alias)]
    if not found and len(name) >= LEAST_OF_A_RUN_ID:
        found = [one for one in versions if one.run_id.startswith(name)]
    if len(found) != 1:
        raise WrongUse(
            f"there is no version '{name}'" if not found else f"'{name}' stands for {len(found)} runs",
            expected=f"a version ({', '.join(one.version for one in versions)}), champion, challenger, or a run's id",
            remedy="`dealcast models` lists them",
        )
    return found[0]


def _fingerprint(version: Version) -> str | None:
    return version.facts.get("data", {}).get("fingerprint")


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    names = [*first, *(name for name in second if name not in first)]
    return tuple(
        Difference(n, first.get(n), second.get(n)) for n in names if first.get(n) != second.get(n)
    )  # fmt: skip

"""Promote and roll back: another version of the deal model answers from now on.

The store is written first, in one transaction: it says who answers. MLflow follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm.errors import GateNotPassed, WrongUse
from pipelines.aliases import Followed, let_mlflow_follow
from pipelines.champion import kept_store, model_of
from pipelines.config import Config, Home, caller, load_config
from serving.champions import How, Promotion, challenger_of, line_of_champions
from serving.store import Store


@dataclass(frozen=True)
class PromoteResult:
    """The champion's newest promotion; not `changed` where the version was champion already."""

    promotion: Promotion
    changed: bool
    followed: Followed


def promote(version: str | None, home: Home, force: bool, reason: str) -> PromoteResult:
    """Make a version champion: the challenger, unless another one is named.

    Raises GateNotPassed for one that did not pass the gate, unless it is forced; WrongUse where it is forced
    without a reason, or where there is no such version. Its files are verified first.
    """
    if force and not reason:
        raise WrongUse(
            "a promotion past the gate is recorded with its reason, and none was given",
            where="--force",
            remedy='say why: --force --reason "…"',
        )
    config = load_config(home)
    store = kept_store(home, config)
    promotions, models = store.promotions(), {row["version"]: row for row in store.models()}
    row = _chosen(version, models, promotions)
    if promotions and promotions[-1].version == row["version"]:
        return PromoteResult(promotions[-1], False, let_mlflow_follow(store, config.tracking(home)))
    if not row["gate_passed"] and not force:
        raise _not_passed(row)
    how = How.GATE if row["gate_passed"] else How.FORCED
    return _make_champion(store, home, config, row, how, reason or "passed the gate", promotions)


def rollback(home: Home, reason: str) -> PromoteResult:
    """Go back to the champion before. Raises WrongUse where there is none; its files are verified first."""
    config = load_config(home)
    store = kept_store(home, config)
    promotions = store.promotions()
    line = line_of_champions(promotions)
    if len(line) < 2:
        found = f"version {line[0]} is the first champion" if line else "no version has been champion yet"
        raise WrongUse(
            f"{found}; there is none before it to go back to" if line else found,
            where=str(home.path),
            remedy="`dealcast models` lists the versions, `dealcast promote VERSION` makes one of them champion",
        )
    before = next(row for row in store.models() if row["version"] == line[-2])
    said = reason or f"rolled back from version {line[-1]}"
    return _make_champion(store, home, config, before, How.ROLLBACK, said, promotions)


def _make_champion(
    store: Store,
    home: Home,
    config: Config,
    row: dict[str, Any],
    how: How,
    reason: str,
    promotions: Sequence[Promotion],
) -> PromoteResult:
    model_of(row, home)
    promotion = store.promote(row["version"], how, reason, caller(), promotions)
    return PromoteResult(promotion, True, let_mlflow_follow(store, config.tracking(home)))


def _chosen(version: str | None, models: dict[str, dict[str, Any]], promotions: Sequence[Promotion]) -> dict[str, Any]:
    remedy = "`dealcast models` lists the versions; name one: dealcast promote VERSION"
    chosen = version or challenger_of(tuple(models), promotions)
    if chosen is None:
        raise WrongUse("there is no challenger: the newest version has been champion already", remedy=remedy)
    if chosen not in models:
        raise WrongUse(f"there is no version '{chosen}'", expected=f"one of {', '.join(models)}", remedy=remedy)
    return models[chosen]


def _not_passed(row: dict[str, Any]) -> GateNotPassed:
    failed = [f"{one['check']}: {one['says']}" for one in row["facts"].get("gate", ()) if one["outcome"] == "failed"]
    return GateNotPassed(
        f"version {row['version']} did not pass the gate; the champion stays" + "".join(f"\n  ✗ {f}" for f in failed),
        remedy=f'where it has to be: dealcast promote {row["version"]} --force --reason "…" (it is recorded)',
    )

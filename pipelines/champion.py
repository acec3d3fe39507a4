"""The store and the champion in it, as every command opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.errors import WrongUse
from pipelines.config import Config, Home
from serving.store import FILE, Store
from training.deal_model import DealModel, load


def champion_model(store: Store, home: Home) -> DealModel | None:
    """The champion, read from the home's own copy after its SHA-256 was compared; None without one."""
    row = store.champion()
    return None if row is None else model_of(row, home)


def model_of(row: Mapping[str, Any], home: Home) -> DealModel:
    """The model of a row of `models`, from the home's own copy; DealcastError where its SHA-256 is another."""
    return load(home.models / row["folder"], row["sha256"])


def open_store(home: Home, config: Config) -> Store:
    """The configured store, or the home's own SQLite."""
    return Store(config.store_url) if config.store_url else Store.under(home.path)


def kept_store(home: Home, config: Config) -> Store:
    """The store of a home in which something was trained. Raises WrongUse where nothing was."""
    store = found_store(home, config)
    if store is None or not store.models():
        raise WrongUse(
            "no model has been trained here yet",
            where=str(home.path),
            remedy="train one: dealcast train --data DIR --home DIR; or name its home with --home",
        )
    return store


def home_champion(home: Home, config: Config) -> DealModel | None:
    """The champion, without making a store where there is none."""
    store = found_store(home, config)
    return None if store is None else champion_model(store, home)


def found_store(home: Home, config: Config) -> Store | None:
    """The store, None where nothing was ever kept: opening one would make it."""
    return open_store(home, config) if config.store_url is not None or (home.path / FILE).is_file() else None


def scored_store(home: Home, config: Config) -> Store:
    """The store of a home in which deals were scored. Raises WrongUse where there is none."""
    store = found_store(home, config)
    if store is None:
        raise nothing_scored(home)
    return store


def nothing_scored(home: Home) -> WrongUse:
    """What is said where a command needs scores, and nothing was ever scored."""
    return WrongUse(
        "nothing has been scored here yet",
        where=str(home.path),
        remedy="run `dealcast score --data DIR` first; or name the home in which deals were scored with --home",
    )

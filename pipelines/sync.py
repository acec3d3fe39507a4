"""Sync: fetch what is new at a remote source into the home's mirror of it, the folder that commands then read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from crm.errors import DealcastError
from crm.sources.connect import connect, kind_of
from crm.sources.mirror import sync as mirror
from crm.sources.mirror.manifest import is_mirror
from pipelines.company import now
from pipelines.config import Home, caller, load_config, secret


def sync(
    url: str,
    home: Home,
    *,
    whole: bool = False,
    confirmed: Collection[str] = (),
    step: Callable[[str], None] = lambda _said: None,
) -> mirror.Synced:
    """Bring the home's mirror of a source up to date.

    :param whole: fetch everything anew; :param confirmed: tables that may come empty or much smaller.
    """
    folder = home.mirrors / kind_of(url)
    wishes = mirror.Wishes(whole, confirmed, f"dealcast sync by {caller()}")
    named = [entry.file for entry in load_config(home).source.tables.values() if entry.file]
    return mirror.sync(connect(url, secret, named), folder, now(), wishes, step)


def folder_of(data: Path | str, home: Home) -> Path:
    """The folder with the tables, as it was left: the one named, or the mirror that it is or that the address has.

    :raises DealcastError: where the address has no mirror in this home.
    """
    if isinstance(data, Path):
        return (mirror.current(data) or data) if is_mirror(data) else data
    folder = home.mirrors / kind_of(data)
    mirrored = mirror.current(folder)
    if mirrored is None:
        raise DealcastError("the mirror is gone", where=str(folder), remedy="run it again")
    return mirrored

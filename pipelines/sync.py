"""Sync: fetch what is new at a remote source into the home's mirror of it, the folder that commands then read."""

from __future__ import annotations

from collections.abc import Callable, Collection

from crm.sources.connect import connect, kind_of
from crm.sources.mirror import sync as mirror
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

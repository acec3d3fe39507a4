"""Our side of the line to the loopback server."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from crm.patience import Patience
from crm.salesforce.entry import door
from crm.salesforce.org import Org
from crm.salesforce.source import Asking, SalesforceSource
from crm.sources.mirror.sync import sync
from serving.sinks.salesforce import SalesforceSettings, SalesforceSink
from tests.vendors.salesforce.login import CLIENT_ID, CLIENT_SECRET
from tests.vendors.salesforce.server import Server

CLIENT = {"SALESFORCE_CLIENT_ID": CLIENT_ID, "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET}
HASTY = Patience(budget=3, first=0.01, longest=0.05)


def org(server: Server, patience: Patience = HASTY, secrets: dict[str, str] | None = None, asked: str = "") -> Org:
    """Logged in."""
    return Org(door(f"salesforce://{server.host}{asked}", (secrets or CLIENT).get), patience, wait=0.001)


def crm(
    server: Server, key: str = "Id", collections_up_to: int = 200, secrets: dict[str, str] | None = None
) -> SalesforceSink:
    """The company as a sink; from so many records on by jobs of Bulk API 2.0."""
    settings = SalesforceSettings(f"salesforce://{server.host}", key)
    return SalesforceSink("crm", org(server, secrets=secrets), settings, collections_up_to)


def sync_and_be_killed(folder: Path, host: str, certificate: str, seconds: float) -> None:
    """A sync that the system kills after so many seconds, wherever it is; to be run in a process of its own."""
    os.environ["REQUESTS_CA_BUNDLE"] = certificate
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    line = Org(door(f"salesforce://{host}", CLIENT.get), HASTY, wait=0.001)
    sync(SalesforceSource(line, Asking(bulk_from=1, page=40)), folder, 1_790_000_000_000)


def source(server: Server, bulk_from: int = 1, page: int = 100, patience: Patience = HASTY) -> SalesforceSource:
    """The company as a source; from `bulk_from` rows on by jobs of Bulk API 2.0."""
    return SalesforceSource(org(server, patience), Asking(bulk_from, page))

"""`salesforce://my-domain.my.salesforce.com`."""

from __future__ import annotations

from crm.salesforce.entry import door
from crm.salesforce.org import Org
from crm.salesforce.source import SalesforceSource
from crm.sources.connect import Secrets
from crm.sources.remote import RemoteSource


def connect(url: str, secrets: Secrets) -> RemoteSource:
    """A company's Salesforce.

    :raises WrongUse: where the address or the secrets do not say how to get in.
    """
    return SalesforceSource(Org(door(url, secrets)))

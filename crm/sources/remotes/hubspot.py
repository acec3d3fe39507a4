"""`hubspot://`: a HubSpot account, through the token of a private app."""

from __future__ import annotations

from crm.hubspot.account import Account, door
from crm.hubspot.problems import TOKEN
from crm.sources.connect import Secrets
from crm.sources.hubspot.remote import HubSpotSource
from crm.sources.remote import RemoteSource


def connect(url: str, secrets: Secrets) -> RemoteSource:
    """The account; nothing is asked of it yet.

    :raises WrongUse: where no token is given.
    """
    return HubSpotSource(Account(door(url, secrets(TOKEN))))

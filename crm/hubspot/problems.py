"""HubSpot's answers that are no success, as what a person can do about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from crm.errors import DealcastError

TOKEN = "HUBSPOT_TOKEN"


class Unanswered(Exception):
    """It was asked to write, and no answer came: it may have been done."""


def said_by(body: object) -> Mapping[str, Any]:
    """An answer's body; empty where it is not HubSpot's JSON."""
    try:
        said = json.loads(body) if isinstance(body, str | bytes) else None
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


def problem(status: int, said: Mapping[str, Any], about: str, address: str) -> DealcastError:
    """What to tell of an answer that will not get better by asking again."""
    message = " ".join(str(said.get("message", "")).split())[:500]
    told = f"HubSpot answers {status}: {message}" if message else f"HubSpot answers {status}"
    if status == 401:
        return DealcastError(
            told,
            where=address,
            expected="the access token of a private app that is valid",
            remedy=f"set DEALCAST_{TOKEN} (or DEALCAST_{TOKEN}_FILE) to the app's present token",
        )
    if status == 403:
        scopes = ", ".join(_scopes(said)) or "see the app's scopes in HubSpot"
        return DealcastError(
            told, where=about, expected=f"an app with the scopes: {scopes}", remedy="grant them to the app in HubSpot"
        )
    if status == 429:
        return DealcastError(
            told,
            where=address,
            expected="calls left",
            remedy="run this again later: it goes on where it was"
            + ("; the day's calls come back at midnight, HubSpot's account time" if is_daily(said) else ""),
        )
    if status >= 500:
        return DealcastError(told, where=about, remedy="run this again later: it goes on where it was")
    return DealcastError(told, where=about)


def no_answer(error: Exception, address: str) -> DealcastError:
    """What to tell where nobody answers."""
    return DealcastError(
        f"there is no answer ({type(error).__name__})",
        where=address,
        expected="HubSpot",
        remedy="look at the network; run this again later: it goes on where it was",
    )


def is_daily(said: Mapping[str, Any]) -> bool:
    """Whether the day's calls are used up: no waiting within a run helps."""
    return str(said.get("policyName", "")).upper() == "DAILY"


def _scopes(said: Mapping[str, Any]) -> list[str]:
    """The scopes that are missing; HubSpot names them in more than one form."""
    found = []
    for error in said.get("errors") or []:
        context = error.get("context") or {}
        if isinstance(context, dict):
            found += [*context.get("requiredGranularScopes", []), *context.get("requiredScopes", [])]
        else:
            found.append(str(context)[:200])
    return found

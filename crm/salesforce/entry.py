"""Getting into Salesforce: from what the environment names to a token.

The ways in, first that is complete: a session's id; OAuth with a signed assertion (JWT bearer); OAuth with user name
and password; OAuth client credentials; user name, password and security token over SOAP.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import soap_login, token_login

from crm.errors import DealcastError, WrongUse
from crm.patience import Patience, TryAgain
from crm.salesforce.line import TIMEOUT, Entry, refuse_unsafe
from crm.sources.connect import Secrets

VERSION = "62.0"
SOAP_VERSION = "59.0"  # later ones have no login
NAMES = ("SESSION_ID", "CLIENT_ID", "CLIENT_SECRET", "PRIVATE_KEY", "USERNAME", "PASSWORD", "SECURITY_TOKEN")


@dataclass(frozen=True)
class Door:
    """Where Salesforce is, which version of its interface to speak, and what lets us in.

    :param host: with the port where it is not 443; :param keys: the secrets that were given, by the names in `NAMES`.
    """

    host: str
    version: str = VERSION
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """The address without anything secret."""
        return f"salesforce://{self.host}"


def door(url: str, secrets: Secrets) -> Door:
    """The door that `salesforce://my-domain.my.salesforce.com` names, `?version=60.0` where an older one is wished."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise WrongUse(
            "the address holds a name or a password",
            where="salesforce://",
            expected="salesforce://my-domain.my.salesforce.com",
            remedy="give them as DEALCAST_SALESFORCE_USERNAME and DEALCAST_SALESFORCE_PASSWORD in the environment",
        )
    asked = parse_qs(parts.query)
    if parts.scheme != "salesforce" or not parts.hostname or set(asked) - {"version"} or parts.path not in ("", "/"):
        raise WrongUse(
            f"'{url}' is no address of Salesforce",
            expected="salesforce://my-domain.my.salesforce.com, the host under Setup → My Domain",
        )
    named = {name: value for name in NAMES if (value := secrets(f"SALESFORCE_{name}")) is not None}
    return Door(parts.netloc, asked.get("version", [VERSION])[0], named)


def enter(through: Door, patience: Patience) -> Entry:
    """Log in.

    :raises WrongUse: where no way in is complete; :raises DealcastError: where Salesforce does not let us in.
    """
    keys = through.keys
    if "SESSION_ID" in keys:
        return Entry(keys["SESSION_ID"], through.host)

    def attempt() -> Entry:
        try:
            with _Visitor() as visitor:
                token, host = _logged_in(through, visitor)
            return Entry(token, host)
        except SalesforceAuthenticationFailed as error:
            raise _not_let_in(through, error) from None
        except requests.RequestException as error:
            refuse_unsafe(through.host, error)
            dead = DealcastError(
                f"there is no answer ({' '.join(str(error).split())[:200]})",
                where=through.host,
                expected="Salesforce",
                remedy="look at the address and the network",
            )
            raise TryAgain(dead) from None

    return patience.call(attempt)


class _Visitor(requests.Session):
    """A session whose requests end, whether or not an answer comes."""

    def request(self, *given: Any, **more: Any) -> requests.Response:
        response = super().request(*given, **{"timeout": TIMEOUT, **more})
        if response.status_code >= 500 and "Fault" not in response.text[:2000]:
            raise requests.ConnectionError(f"{response.status_code} while logging in")
        return response


def _logged_in(through: Door, visitor: requests.Session) -> tuple[str, str]:
    keys, url = through.keys, f"https://{through.host}/services/oauth2/token"
    client, name = keys.get("CLIENT_ID", ""), keys.get("USERNAME", "")
    said: dict[str, Any]
    headers: dict[str, str] | None = None
    if {"CLIENT_ID", "USERNAME", "PRIVATE_KEY"} <= keys.keys():
        said = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": _assertion(through)}
    elif {"CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"} <= keys.keys():
        password = keys["PASSWORD"] + keys.get("SECURITY_TOKEN", "")
        said = {"grant_type": "password", "client_id": client, "client_secret": keys["CLIENT_SECRET"]}
        said |= {"username": name, "password": password}
    elif {"CLIENT_ID", "CLIENT_SECRET"} <= keys.keys():
        said = {"grant_type": "client_credentials"}
        pair = b64encode(f"{client}:{keys['CLIENT_SECRET']}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
    elif {"USERNAME", "PASSWORD"} <= keys.keys():
        return _over_soap(through, visitor)
    else:
        raise _no_way_in(through)
    return token_login(url, said, "", client, headers, None, visitor)


def _assertion(through: Door) -> str:
    """Who we are, signed: valid for three minutes, as Salesforce asks."""
    keys = through.keys
    sandbox = ".sandbox." in through.host or through.host.startswith("test.")
    said = {
        "iss": keys["CLIENT_ID"],
        "sub": keys["USERNAME"],
        "aud": f"https://{'test' if sandbox else 'login'}.salesforce.com",
        "exp": int((datetime.now(UTC) + timedelta(minutes=3)).timestamp()),
    }
    try:
        return jwt.encode(said, keys["PRIVATE_KEY"], algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise WrongUse(
            f"it is no private key that can sign: {type(error).__name__}",
            where="DEALCAST_SALESFORCE_PRIVATE_KEY",
            expected="an RSA key in PEM form; DEALCAST_SALESFORCE_PRIVATE_KEY_FILE may name its file",
        ) from None


def _over_soap(through: Door, visitor: requests.Session) -> tuple[str, str]:
    keys = through.keys
    password = escape(keys["PASSWORD"] + keys.get("SECURITY_TOKEN", ""))
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">'
        f"<env:Body><p:login><p:username>{escape(keys['USERNAME'])}</p:username><p:password>{password}</p:password>"
        "</p:login></env:Body></env:Envelope>"
    )
    headers = {"content-type": "text/xml; charset=UTF-8", "SOAPAction": "login"}
    return soap_login(f"https://{through.host}/services/Soap/u/{SOAP_VERSION}", body, headers, None, visitor)


def _no_way_in(through: Door) -> WrongUse:
    given = ", ".join(f"DEALCAST_SALESFORCE_{name}" for name in through.keys) or "nothing"
    return WrongUse(
        f"what lets us in is not complete: {given} is given",
        where=through.address,
        expected="DEALCAST_SALESFORCE_CLIENT_ID and DEALCAST_SALESFORCE_CLIENT_SECRET of an app",
        remedy="set them in the environment, or name files with …_FILE; docs/salesforce.md has the other ways in",
    )


def _not_let_in(through: Door, error: SalesforceAuthenticationFailed) -> DealcastError:
    return DealcastError(
        f"Salesforce does not let us in: {error.code}: {error.auth_message}",
        where=through.address,
        expected="a user and an app that may use the API",
        remedy="look at the secrets DEALCAST_SALESFORCE_… and at the user's login history in Setup",
    )

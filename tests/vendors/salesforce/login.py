"""OAuth's token endpoint and SOAP's login: who may come in, and how long a session lasts."""

from __future__ import annotations

import itertools
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import jwt

from tests.vendors.salesforce.problems import Refused, TokenRefused

USER, PASSWORD, SECURITY_TOKEN = "integration@dealcast.test", "pa<ss&word", "tok3n"
CLIENT_ID, CLIENT_SECRET = "3MVG9client", "s3cret"
_FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><detail><sf:LoginFault>'
    "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>"
    "<sf:exceptionMessage>INVALID_LOGIN: Invalid username, password, security token; or user locked out."
    "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
_WELCOME = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
    "<serverUrl>{url}/services/Soap/u/59.0/00D5g0000000001</serverUrl><sessionId>{token}</sessionId>"
    "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
)


@dataclass
class Gate:
    """:param public_key: of the certificate that the connected app has for signed assertions."""

    public_key: Any = None
    tokens: set[str] = field(default_factory=set)
    logins: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def admit(self, authorization: str) -> None:
        if authorization.removeprefix("Bearer ") not in self.tokens:
            raise Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def expire(self) -> None:
        """End all sessions."""
        self.tokens.clear()

    def token(self, form: Mapping[str, str], authorization: str, url: str) -> dict[str, Any]:
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            pair = b64decode(authorization.removeprefix("Basic ")).decode().split(":", 1)
            if pair != [CLIENT_ID, CLIENT_SECRET]:
                raise TokenRefused("invalid_client", "invalid client credentials")
        elif grant == "password":
            if [form.get("client_id"), form.get("client_secret")] != [CLIENT_ID, CLIENT_SECRET]:
                raise TokenRefused("invalid_client_id", "client identifier invalid")
            if [form.get("username"), form.get("password")] != [USER, PASSWORD + SECURITY_TOKEN]:
                raise TokenRefused("invalid_grant", "authentication failure")
        elif grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            self._check(form.get("assertion", ""))
        else:
            raise TokenRefused("unsupported_grant_type", "grant type not supported")
        return {"access_token": self._session(grant), "instance_url": url, "token_type": "Bearer", "issued_at": "0"}

    def _check(self, assertion: str) -> None:
        try:
            said = jwt.decode(assertion, self.public_key, ["RS256"], audience="https://login.salesforce.com")
        except jwt.PyJWTError:
            raise TokenRefused("invalid_grant", "invalid assertion") from None
        if (said["iss"], said["sub"]) != (CLIENT_ID, USER):
            raise TokenRefused("invalid_grant", "user hasn't approved this consumer")

    def soap(self, body: str, url: str) -> tuple[int, str]:
        name, password = (
            unescape(found.group(1)) if (found := re.search(f"<[^>]*{tag}>(.*?)</", body)) else ""
            for tag in ("username", "password")
        )
        if (name, password) != (USER, PASSWORD + SECURITY_TOKEN):
            return 500, _FAULT
        return 200, _WELCOME.format(url=url, token=self._session("soap"))

    def _session(self, how: str) -> str:
        token = f"00D5g0000000001!{next(self._numbers)}"
        self.tokens.add(token)
        self.logins.append(how)
        return token

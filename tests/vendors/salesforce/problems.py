"""How Salesforce says no: a status and a list of errorCode and message."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Any = [{"errorCode": code, "message": message}]


class TokenRefused(Refused):
    """As the OAuth endpoints say it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(400, error, description)
        self.body = {"error": error, "error_description": description}


def not_found(what: str = "The requested resource does not exist") -> Refused:
    return Refused(404, "NOT_FOUND", what)

"""The errors that the API answers with, in its own words."""

from __future__ import annotations

from typing import Any

CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"


class Refused(Exception):
    """An answer that is not a success: status, body, and headers of its own."""

    def __init__(self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def refused(status: int, category: str, message: str, **more: Any) -> Refused:
    return Refused(
        status, {"status": "error", "message": message, "correlationId": CORRELATION, "category": category, **more}
    )


def invalid(message: str, **more: Any) -> Refused:
    return refused(400, "VALIDATION_ERROR", message, **more)


def expired() -> Refused:
    said = "The OAuth token used to make this call expired 12 minute(s) ago."
    return refused(401, "EXPIRED_AUTHENTICATION", said, context={"expire time": ["2024-01-01T00:00:00Z"]})


def no_such_token() -> Refused:
    said = "Authentication credentials not found. This API supports OAuth 2.0 authentication"
    return refused(401, "INVALID_AUTHENTICATION", said)


def missing_scopes(scope: str) -> Refused:
    said = "This app hasn't been granted all required scopes to make this call."
    error = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    }
    return refused(403, "MISSING_SCOPES", said, errors=[error])


def too_many(policy: str, retry_after: int | None, headers: dict[str, str] | None = None) -> Refused:
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": CORRELATION,
        "policyName": policy,
    }
    more = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refused(429, body, {**(headers or {}), **more})


def absent(ids: list[str]) -> dict[str, Any]:
    """One of the errors in a multi-status answer: records that are not there."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": ids},
    }

"""Whether a request that came to nothing has ever left this machine."""

from __future__ import annotations

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)

UNSENT = (ConnectTimeoutError, NewConnectionError, NameResolutionError, ProxyError)
"""What urllib3 raises where no connection came about."""


def is_unsent(error: requests.RequestException) -> bool:
    """Whether the other side can have seen nothing of the request: no connection, or none that is safe."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, UNSENT) or is_untrusted(error)


def is_untrusted(error: requests.RequestException) -> bool:
    """Whether there is no connection because the other side's certificate is not trusted."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)

"""Whether a host is this machine itself."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Whether what is sent to a host never leaves the machine: 127.0.0.1, ::1, localhost."""
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"

"""How pages are served: what [serve] says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from crm.errors import WrongUse

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
LEAST_SECRET = 32


@dataclass(frozen=True)
class WebSettings:
    """What [serve] says.

    :param public: the address at which people reach the pages, where it is not the one that they are served at.
    :param session_hours: for how long a sign-in lasts; :param idle_minutes: and for how long without being used.
    :param trusted_header: the header in which a proxy that has signed people in names them; None: nobody is trusted.
        The proxy proves itself by DEALCAST_PROXY_SECRET in the header X-Dealcast-Proxy-Secret.
    """

    public: str | None = None
    session_hours: float = 12.0
    idle_minutes: float = 120.0
    trusted_header: str | None = None

    def __post_init__(self) -> None:
        if self.public is not None and not _is_address(self.public):
            raise WrongUse(
                f"{self.public!r} is no address", where="[serve] public", expected="https://dealcast.example.com"
            )

    @property
    def lasts(self) -> timedelta:
        """How long a session lasts."""
        return timedelta(hours=self.session_hours)

    @property
    def idle(self) -> timedelta:
        """How long a session may lie unused."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def hosts(self) -> list[str]:
        """The names by which the pages may be asked for: others come from a name that was turned to us by somebody."""
        public = [] if self.public is None else [str(urlsplit(self.public).hostname)]
        return [*LOOPBACK, *public]

    @property
    def is_secure(self) -> bool:
        """Whether people reach the pages by https, so that cookies need not go any other way."""
        return self.public is not None and self.public.startswith("https://")


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/") and not parts.query

"""Who may call, how often: tokens with scopes, the ten-second window, the day, and search's own second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.vendors.hubspot.portal import Clock
from tests.vendors.hubspot.problems import expired, missing_scopes, no_such_token, too_many

READ, WRITE, SCHEMAS = "crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.deals.write"
EVERY_SCOPE = (
    *(
        f"crm.objects.{kind}.{act}"
        for kind in ("deals", "companies", "contacts", "owners")
        for act in ("read", "write")
    ),
    *(f"crm.schemas.{kind}.{act}" for kind in ("deals", "companies", "contacts") for act in ("read", "write")),
    "sales-email-read",
)


@dataclass
class Limits:
    """:param ten_seconds: calls in any ten seconds; :param search_second: searches in any second."""

    clock: Clock
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    ten_seconds: int = 190
    search_second: int = 5
    daily: int = 650_000
    says_when: bool = True  # whether a 429 carries Retry-After
    calls: deque[int] = field(default_factory=deque)
    searches: deque[int] = field(default_factory=deque)
    today: int = 0

    def admit(self, authorization: str, scope: str, *, search: bool) -> dict[str, str]:
        """Lets a call in, and gives the headers that its answer bears; an answer to a search bears none."""
        token = authorization.removeprefix("Bearer ")
        if token in self.expired:
            raise expired()
        if token not in self.tokens or not authorization.startswith("Bearer "):
            raise no_such_token()
        if scope not in self.tokens[token]:
            raise missing_scopes(scope)
        now = self.clock.now()
        if search:
            _forget(self.searches, now - 1_000)
            if len(self.searches) >= self.search_second:
                raise too_many("SECONDLY", 1 if self.says_when else None)
            self.searches.append(now)
        _forget(self.calls, now - 10_000)
        headers = {} if search else self._headers()
        if self.today >= self.daily:
            raise too_many("DAILY", None, headers)
        if len(self.calls) >= self.ten_seconds:
            wait = -(-(self.calls[0] + 10_000 - now) // 1000)
            raise too_many("TEN_SECONDLY_ROLLING", wait if self.says_when else None, headers)
        self.calls.append(now)
        self.today += 1
        return headers

    def _headers(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Daily": str(self.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.daily - self.today - 1)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(self.ten_seconds),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.ten_seconds - len(self.calls) - 1)),
        }


def _forget(moments: deque[int], until: int) -> None:
    while moments and moments[0] <= until:
        moments.popleft()

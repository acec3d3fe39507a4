"""Where a letter's links lead: Dealcast's own pages, or the records of the CRM where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

ID = "{id}"


@dataclass(frozen=True)
class Links:
    """Addresses that letters may link to.

    :param pages: the base address of Dealcast's pages, without a slash at its end; None where nobody serves them.
    :param record: the address of a deal's record in the CRM, `{id}` for its id; None where none is given.
    """

    pages: str | None = None
    record: str | None = None

    def deal(self, opportunity_id: str) -> str | None:
        """A deal's page, else its record in the CRM; None where neither can be linked to."""
        return self._page("deals", opportunity_id) or self.record_of(opportunity_id)

    def record_of(self, opportunity_id: str) -> str | None:
        """A deal's record in the CRM."""
        return None if self.record is None else self.record.replace(ID, quote(opportunity_id, safe=""))

    @property
    def deals(self) -> str | None:
        """The list of deals."""
        return self._page("deals")

    def _page(self, *parts: str) -> str | None:
        return None if self.pages is None else "/".join((self.pages, *(quote(part, safe="") for part in parts)))


def is_link(address: str) -> bool:
    """Whether it is an address on the web that can stand in a letter as it is: http or https, one word, no quotes."""
    if not address.isprintable() or any(sign in address for sign in " <>\"'`\\|") or not address.isascii():
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False

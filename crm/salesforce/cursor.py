"""How far an object has been fetched, as the text that the mirror keeps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True)
class Cursor:
    """Up to when rows have been fetched, and with which fields; amid a job of Bulk API 2.0 also where in it.

    :param at: Salesforce's own time, ISO 8601, when the fetching began.
    :param fields: a hash of the fields that were asked for: rows that were fetched without a field lack it.
    :param job: the job whose results are being fetched, "" where none is; :param locator: its next page.
    :param since: the cursor's `at` with which that fetching began, None where everything is fetched.
    """

    at: str
    fields: str
    job: str = ""
    locator: str = ""
    since: str | None = None

    @property
    def text(self) -> str:
        """As the mirror keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @property
    def instant(self) -> datetime:
        """`at`, aware."""
        return datetime.fromisoformat(self.at)


def cursor_of(text: str | None) -> Cursor | None:
    """What a mirror's text says; None where there is none, or it is of another make: then all is fetched anew."""
    if text is None:
        return None
    try:
        return Cursor(**json.loads(text))
    except (ValueError, TypeError):
        return None

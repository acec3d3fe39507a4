"""The rules of reading: what is wrong with a row or a file, and what to do about it.

The numbers are those of the list of bad inputs in the documentation. A rule that `stops` ends the reading
with an error before anything is written; any other sets the row aside and the reading goes on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule: its name in reports, what to do about it, its number in the list, whether it stops."""

    name: str
    remedy: str
    number: int | None = None
    stops: bool = False
    expected: str = ""


BLANK_ID = Rule("blank id", "give the row its id in the CRM", 6)
BLANK_REQUIRED = Rule("blank required value", "fill the column in the CRM, or leave the row out")
EXACT_DUPLICATE = Rule("exact duplicate", "nothing; the first of the equal rows is kept", 2)
SAME_KEY = Rule("same id, different content", "keep one row an id; the first in the file was read", 3)
EVENT_BEFORE_CREATION = Rule("event before the deal's creation", "correct the event's time or the deal's creation", 1)
CREATED_IN_FUTURE = Rule("created in the future", "correct created_at, or the clock that wrote it", 16)
UNKNOWN_STAGE = Rule(
    "unknown stage", "add the stage to the stages table, or name today's stage in [data.stage_aliases]", 7
)
TOO_MANY_UNKNOWN_STAGES = Rule("more than 5 % of the rows have an unknown stage", UNKNOWN_STAGE.remedy, 7, stops=True)
UNKNOWN_DEAL = Rule("event of an unknown deal", "export the deal as well, or leave its events out")
DEAL_SET_ASIDE = Rule("event of a deal that was set aside", "mend the deal's own row")
WON_AND_LOST = Rule("both won and lost", "let is_won agree with the stage's flags", 26)
CLOSED_WITHOUT_TIME = Rule(
    "closed, but not known when", "fill closed_at, or provide the change of stage that closed the deal"
)
PLACEHOLDER_TIME = Rule(
    "time before 1990", "leave the value blank where it is not known; 1900 and 1970 are placeholders", 14
)
NEGATIVE_AMOUNT = Rule("negative amount", "enter credits apart from deals, or correct the amount", 19)
NOT_FINITE = Rule("amount is infinite or not a number", "leave the value blank where it is not known", 22)
UNREADABLE_NUMBER = Rule("not a number", "write a plain number, such as 1234.56")
UNREADABLE_TIME = Rule("not a time", "write ISO 8601, such as 2024-03-31T09:30:00Z")
UNREADABLE_DAY = Rule("not a day", "write ISO 8601, such as 2024-03-31")
UNREADABLE_FLAG = Rule("neither yes nor no", "write true or false")
NUL_OR_HUGE = Rule("NUL character or cell over 10 MB", "remove the NUL character, or shorten the cell", 38)
SHORT_ROW = Rule("short row", "give the row as many cells as the header has", 40)

NO_TIME_ZONE = Rule(
    "a time without a zone",
    'declare the zone under [data] in dealcast.toml, for instance time_zone = "UTC", or export times with it',
    10,
    stops=True,
    expected="a time with its zone, such as 2024-03-31T09:30:00Z",
)
DAY_OR_MONTH_FIRST = Rule(
    "a date that can be read day first or month first",
    'declare the format under [data] in dealcast.toml, for instance date_format = "%d/%m/%Y"',
    12,
    stops=True,
    expected="an ISO date, such as 2024-03-31, or a declared format",
)
EXCEL_SERIAL = Rule(
    "a date as an Excel serial number",
    'format the column as a date before exporting, or declare date_format = "excel" under [data]',
    13,
    stops=True,
    expected="an ISO date, such as 2024-03-31",
)
UNDECLARED_LOCALE = Rule(
    "a number whose thousands and decimal marks are not certain",
    'declare decimal = "," under [data] in dealcast.toml, or export numbers without thousands marks',
    21,
    stops=True,
    expected="a plain number, such as 1234.56, or one in the declared locale",
)

# A CRM's own reasons for a row that is no deal, or no touch of one.
DELETED = Rule("deleted in the CRM", "nothing; the CRM holds the row as deleted", 29)
MERGED = Rule("merged into another deal", "nothing; the deal that it was merged into is read", 29)
NOT_ABOUT_A_DEAL = Rule("not about a deal", "nothing; the activity belongs to another kind of record")
NOT_DONE = Rule("planned, not done", "nothing; the task counts once it is completed")
SERIES_PATTERN = Rule("a series' pattern", "nothing; each occurrence of the series is a row of its own")
INVITEES_COPY = Rule("an invitee's copy of a meeting", "nothing; the organiser's row is read")

RULES = {rule.name: rule for rule in list(globals().values()) if isinstance(rule, Rule)}

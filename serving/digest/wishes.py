"""What a company wishes of its digests: who gets which, by what, on which days, and when nobody gets any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from crm.clock import time_zone
from crm.errors import WrongUse
from serving.digest.letter import Kind
from serving.digest.links import ID, Links, is_link

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class DigestWishes:
    """What [digest] says.

    :param channel: the channel of every letter; :param morning: that of the mornings, :param weekly: that of the weeks.
    :param quiet_from: from when on nobody gets a letter, :param quiet_until: until when; the same twice: at any time.
    :param days: the days of the mornings; :param weekday: that of the week's letter.
    :param pages: the base address of Dealcast's pages; :param record: that of a deal's record in the CRM, with {id}.
    :param only: who gets letters, by user id or address, where not all do; :param without: who does not.
    :param max_age_hours: up to which age scores are told.
    :param addresses: e-mail addresses by user id, where they are others than the CRM's.
    """

    channel: str | None = None
    morning: str | None = None
    weekly: str | None = None
    quiet_from: str = "19:00"
    quiet_until: str = "07:00"
    days: tuple[str, ...] = WEEK[:5]
    weekday: str = "monday"
    pages: str | None = None
    record: str | None = None
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    max_age_hours: float = 36.0
    addresses: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _clock(self.quiet_from, "quiet_from")
        _clock(self.quiet_until, "quiet_until")
        for day in (*self.days, self.weekday):
            if day not in WEEK:
                key = "weekday" if day == self.weekday else "days"
                raise WrongUse(f"'{day}' does not fit", where=f"[digest] {key}", expected=f"one of {', '.join(WEEK)}")
        for key, address in (("pages", self.pages), ("record", (self.record or "").replace(ID, "1") or None)):
            if address is not None and not is_link(address):
                expected = "https://dealcast.example.com" if key == "pages" else "https://crm.example.com/deals/{id}"
                raise WrongUse(f"{address!r} is no address", where=f"[digest] {key}", expected=expected)
        if self.record is not None and ID not in self.record:
            raise WrongUse(
                f"'{self.record}' names no deal", where="[digest] record", expected=f"{ID} for the deal's id"
            )

    def channel_of(self, kind: Kind) -> str | None:
        """The name of the channel that carries a kind of letters; None where none is named."""
        return (self.morning if kind is Kind.MORNING else self.weekly) or self.channel

    def is_day_of(self, kind: Kind, day: date) -> bool:
        """Whether letters of a kind are written on a day."""
        name = WEEK[day.weekday()]
        return name in self.days if kind is Kind.MORNING else name == self.weekday

    def is_quiet(self, moment: datetime, zone: str) -> bool:
        """Whether nobody is to get a letter at an instant; the hours are those of the clock on the wall there."""
        begins, ends = _clock(self.quiet_from, "quiet_from"), _clock(self.quiet_until, "quiet_until")
        now = moment.astimezone(time_zone(zone)).time()
        if begins <= ends:
            return begins <= now < ends
        return now >= begins or now < ends

    @property
    def links(self) -> Links:
        """Where letters lead."""
        return Links(None if self.pages is None else self.pages.rstrip("/"), self.record)


def _clock(text: str, key: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 (a time of the clock, on no day)
    except ValueError:
        raise WrongUse(f"'{text}' does not fit", where=f"[digest] {key}", expected="a time such as 19:00") from None

"""Digests: what each person would be sent on a day, to look at; or sent, one message a person a day at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from crm.clock import time_zone
from crm.durable import replace_file
from crm.errors import DataRefused, WrongUse
from pipelines.champion import nothing_scored, scored_store
from pipelines.channels import channels_of
from pipelines.config import FILE, Config, Home, caller, load_config
from pipelines.whom import whom
from serving.channels.channel import Channel
from serving.digest.audience import Member, audience, kind_due, unknown_names
from serving.digest.cutting import Cut
from serving.digest.delivery import Became, Delivered, Delivery, Due
from serving.digest.html import as_html
from serving.digest.letter import Kind, Letter, Person
from serving.digest.text import as_text
from serving.digest.tidy import tidy
from serving.digest.wishes import DigestWishes
from serving.formats import Formats
from serving.store import Store
from serving.store_messages import Progress

Step = Callable[[str], None]
Clock = Callable[[], datetime]


class Writes(Protocol):
    """What writes letters."""

    def letter_for(self, person: Person, kind: Kind, day: date) -> Letter | None:
        """A person's letter of a day; None where there is nothing to say."""


Writing = Callable[[Store, DigestWishes, Formats], Writes]
"""Begins to write the letters of a store."""


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    :param whom: one person alone, by id, name or address; :param kind: one kind alone, whatever day it is.
    :param on: the day, as text; None: today.
    """

    whom: str | None = None
    kind: Kind | None = None
    on: str | None = None


@dataclass(frozen=True)
class Previewed:
    """What a person would get, or (`why_not`) why nothing.

    :param channel: the name of the channel, :param place: where it reaches the person, as it may be shown.
    """

    person: Person
    kind: Kind
    channel: str | None
    place: str | None
    letter: Letter | None
    why_not: str = ""


@dataclass(frozen=True)
class Preview:
    """The letters of a day as they would be sent.

    :param as_of: the date of the scores that they tell; :param notes: what stands against sending them, and more.
    """

    day: date
    as_of: datetime
    letters: tuple[Previewed, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sending:
    """What became of the letters of a day."""

    day: date
    as_of: datetime
    delivered: tuple[Delivered, ...]
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing went wrong; what was not due, or waits for another hour, is nothing wrong."""
        return all(one.became not in (Became.REFUSED, Became.UNCLEAR) for one in self.delivered)


@dataclass(frozen=True)
class _Today:
    """Everything that letters of a day are made from.

    :param due: who is due a letter of which kind; :param channels: the channels by kind.
    """

    config: Config
    store: Store
    day: date
    as_of: datetime
    due: tuple[tuple[Member, Kind], ...]
    channels: Mapping[Kind, Channel]
    notes: tuple[str, ...]
    writer: Writes

    def letter(self, person: Person, kind: Kind) -> Letter | None:
        """A person's letter, tidy."""
        written = self.writer.letter_for(person, kind, self.day)
        return None if written is None else tidy(written)


def preview(asked: Asked, home: Home, writing: Writing, clock: Clock | None = None) -> Preview:
    """What would be sent on a day, to whom and by what; nothing is sent."""
    now = (clock or _now)()
    today = _opened(asked, home, writing, now)
    notes = list(today.notes)
    if today.day == _local(now, today.config) and (old := _too_old(today, now)) is not None:
        notes.append(f"Not sent as they are: {old}.")
    if not today.channels:
        notes.append(f"No channel is named yet: [digest] channel in {FILE} (docs/digests.md).")
    notes += [f"Not sent as it is: {why}." for why in _lacking(today.channels)]
    had = today.store.messages(today.day)
    letters = (_previewed(today, one.person, kind, had.get(one.person.user_id)) for one, kind in today.due)
    return Preview(today.day, today.as_of, tuple(letters), tuple(notes))


def _lacking(channels: Mapping[Kind, Channel]) -> Iterator[str]:
    """What stands against sending by the channels."""
    for channel in _distinct(channels):
        try:
            channel.check()
        except WrongUse as error:
            yield f"{error.where}: {error.found}"


def _distinct(channels: Mapping[Kind, Channel]) -> Iterable[Channel]:
    return {channel.name: channel for channel in channels.values()}.values()


def _previewed(today: _Today, person: Person, kind: Kind, had: Mapping[str, Any] | None) -> Previewed:
    channel = today.channels.get(kind)
    place = None if channel is None else channel.reaches(person)
    letter = today.letter(person, kind)
    why_not = "nothing to say" if letter is None else ""
    if channel is not None and place is None:
        why_not = "no place by this channel"
    elif had is not None and had["progress"] != Progress.REFUSED:
        why_not = f"had one on this day ({had['kind']}, {had['progress']})"
    return Previewed(person, kind, None if channel is None else channel.name, place, letter, why_not)


def send(asked: Asked, home: Home, writing: Writing, step: Step, clock: Clock | None = None) -> Sending:
    """Send the letters of today.

    :raises WrongUse: where another day is asked for, or a channel lacks something.
    :raises DataRefused: where the scores are too old to be news.
    """
    clock = clock or _now
    today = _opened(asked, home, writing, clock())
    if today.day != _local(clock(), today.config):
        raise WrongUse("letters are sent on their own day", where="--on", remedy="leave --on out, or --send")
    if not today.channels:
        expected = f"a line channel = … in [digest] of the home's {FILE}"
        raise WrongUse("no channel is named", where="[digest]", expected=expected, remedy="see docs/digests.md")
    if (old := _too_old(today, clock())) is not None:
        raise DataRefused(
            old,
            where=str(home.path),
            expected=f"scores of the last {today.config.digest.max_age_hours:g} hours ([digest] max_age_hours)",
            remedy="see what became of `dealcast nightly`; nothing was sent",
        )
    for channel in _distinct(today.channels):
        channel.check()
    due = [
        Due(member.person, kind, today.channels[kind], partial(today.letter, member.person, kind))
        for member, kind in today.due
        if kind in today.channels
    ]
    config = today.config
    delivery = Delivery(today.store, config.digest, config.zone, today.day, caller(), clock)
    delivered = []
    for one in delivery.deliver(due):
        delivered.append(one)
        step(f"{len(delivered):,} of {len(due):,}")
    return Sending(today.day, today.as_of, tuple(delivered), today.notes)


def write_out(made: Preview, folder: Path) -> tuple[Path, ...]:
    """Each letter as a .txt and a .html file of a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in made.letters:
        if one.letter is not None:
            stem = f"{made.day}-{one.kind}-{quote(one.person.user_id, safe='')}"
            cut = Cut(one.letter)
            for path, content in (
                (folder / f"{stem}.txt", f"{one.letter.subject}\n\n{as_text(cut)}"),
                (folder / f"{stem}.html", as_html(cut)),
            ):
                replace_file(path, content.encode())
                written.append(path)
    return tuple(written)


def _opened(asked: Asked, home: Home, writing: Writing, now: datetime) -> _Today:
    config = load_config(home)
    store = scored_store(home, config)
    day = _local(now, config) if asked.on is None else _day(asked.on)
    runs = store.runs_between(None, datetime.combine(day, time.max))
    if not runs:
        raise nothing_scored(home)
    users, wishes = store.crm_users(), config.digest
    everybody = audience(users, store.owners_of(runs[-1].run_id), wishes)
    if asked.whom is not None:
        everybody = (_member(asked.whom, everybody),)
    due = [(member, kind) for member in everybody if (kind := kind_due(member, day, wishes, asked.kind)) is not None]
    unknown = unknown_names(users, wishes)
    notes = (f"[digest] names whom the CRM does not know: {', '.join(unknown)}.",) if unknown else ()
    as_of = runs[-1].as_of.replace(tzinfo=UTC)
    writer = writing(store, wishes, config.formats)
    return _Today(config, store, day, as_of, tuple(due), channels_of(config), notes, writer)


def _member(wanted: str, everybody: tuple[Member, ...]) -> Member:
    """The person meant by an id, a name or an address. Raises WrongUse where it is none, or several."""
    unknown = f"nobody who gets letters is called '{wanted}'"
    if not everybody:
        raise WrongUse(unknown, where="--for", expected="somebody who owns open deals, or manages who does")
    by_address = [one for one in everybody if (one.person.email or "").lower() == wanted.lower()]
    if len(by_address) == 1:
        return by_address[0]
    key = whom({one.person.user_id: one.person.name for one in everybody}, wanted, "--for", unknown)
    return next(one for one in everybody if one.person.user_id == key)


def _too_old(today: _Today, now: datetime) -> str | None:
    age, most = now - today.as_of, timedelta(hours=today.config.digest.max_age_hours)
    if age <= most:
        return None
    return f"the newest scores are as of {today.as_of:%Y-%m-%d %H:%M} UTC, {age / timedelta(hours=1):,.0f} hours ago"


def _local(moment: datetime, config: Config) -> date:
    return moment.astimezone(time_zone(config.zone)).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is not a day", where="--on", expected="a day such as 2026-08-14") from None


def _now() -> datetime:
    return datetime.now(UTC)

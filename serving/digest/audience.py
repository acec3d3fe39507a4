"""Who gets which letter on a day: owners of open deals their mornings, who manages owners the week."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.digest.letter import Kind, Person
from serving.digest.wishes import DigestWishes
from serving.staff import Staff


@dataclass(frozen=True)
class Member:
    """A person who may get letters.

    :param owns: whether open deals are theirs; :param manages: whether somebody below them has some.
    """

    person: Person
    owns: bool
    manages: bool


def audience(users: Iterable[Mapping[str, Any]], owners: Collection[str], wishes: DigestWishes) -> tuple[Member, ...]:
    """Everybody who owns open deals, or manages somebody who does; sorted by name.

    Users who have left get nothing; `only` and `without` are heeded.

    :param users: rows of `crm_users`; :param owners: ids of those who own open deals.
    """
    staff = Staff.of(users)
    named = {str(row["manager_id"]) for row in staff.users.values() if row.get("manager_id")}
    members = (
        Member(_person(key, staff, wishes), key in owners, bool(staff.below(key) & set(owners)))
        for key in {*owners, *staff.users, *named}
        if staff.users.get(key, {}).get("active") is not False
    )
    wanted = [one for one in members if (one.owns or one.manages) and _is_wanted(one.person, wishes)]
    return tuple(sorted(wanted, key=lambda member: (member.person.name.casefold(), member.person.user_id)))


def kind_due(member: Member, day: date, wishes: DigestWishes, asked: Kind | None = None) -> Kind | None:
    """The one letter that a member gets on a day, None where there is none: the week's comes before a morning's.

    :param asked: this kind alone, whatever day it is.
    """
    may = {Kind.WEEKLY: member.manages, Kind.MORNING: member.owns}
    if asked is not None:
        return asked if may[asked] else None
    any_channel = any(wishes.channel_of(kind) for kind in Kind)
    for kind, gets in may.items():
        is_carried = wishes.channel_of(kind) is not None or not any_channel
        if gets and is_carried and wishes.is_day_of(kind, day):
            return kind
    return None


def unknown_names(users: Iterable[Mapping[str, Any]], wishes: DigestWishes) -> tuple[str, ...]:
    """Whom `only`, `without` and `addresses` name and the CRM does not know: slips of the pen, as a rule."""
    known = {str(row["user_id"]) for row in users}
    known |= {address.lower() for row in users if (address := row.get("email"))}
    known |= {address.lower() for address in wishes.addresses.values()}
    named = dict.fromkeys((*wishes.only, *wishes.without, *wishes.addresses))
    return tuple(one for one in named if one not in known and one.lower() not in known)


def _person(key: str, staff: Staff, wishes: DigestWishes) -> Person:
    email = wishes.addresses.get(key) or staff.users.get(key, {}).get("email")
    return Person(key, staff.name(key), email or None)


def _is_wanted(person: Person, wishes: DigestWishes) -> bool:
    called = {person.user_id, (person.email or person.user_id).lower()}
    without = {*wishes.without, *(one.lower() for one in wishes.without)}
    only = {*wishes.only, *(one.lower() for one in wishes.only)}
    return not called & without and (not only or bool(called & only))

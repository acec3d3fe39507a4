"""Who is named on the deal at the buyer's, and what their roles say of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from crm.clock import event_millis
from crm.coding import arrow_text, encode
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since
from features.stream import Events
from features.text import of_code

_NO_DATES = Absent("no contact role says when it was added (added_at)")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    streams = {"roles": StreamSource("deal", roles), "role_words": StreamSource("deal", role_words)}
    return Family("people", streams, (*_NAMED, *(_people(*row) for row in _ROLES)))


_NAMED = (
    Feature(
        "contact_roles",
        Count("roles"),
        Unit.COUNT,
        group="people",
        meaning="People of the buyer's who are named on the deal.",
        wording=Wording(
            "{value} at the buyer's named on the deal.",
            peers="deals with {bin} named",
            zero="Nobody at the buyer's is named on the deal.",
        ),
        noun=("person", "people"),
        actionable=True,
        bins=(0, 1, 2, 3, 4, 6),
        practice=Practice(
            "named {bound} or more of the buyer's on the deal",
            (1, 2, 3),
            once="named somebody of the buyer's on the deal",
        ),
    ),
    Feature(
        "days_since_new_role",
        Since("roles"),
        Unit.DAYS,
        group="people",
        meaning="Days since a person of the buyer's was last added to the deal.",
        wording=Wording(
            "A person was last added to the deal {value} ago.",
            peers="deals to which a person was last added {bin} ago",
            zero="A person was added to the deal today.",
            missing="Nobody at the buyer's is named on the deal.",
        ),
    ),
)

_ROLES = (
    (
        "decision_makers",
        ("decision maker", "decision makers"),
        "People named on the deal whose role says that they decide or pay.",
        r"decision|decid|executive|economic|sponsor|budget|signator|chief|director|owner|president",
    ),
    (
        "top_executives",
        ("executive", "executives"),
        "People named on the deal whose role places them at the top: a chief officer, president or founder.",
        r"chief|executive|president|founder|managing director|\b(?:c[efimot]|ci[so])o\b|\bvp\b|\bsvp\b",
    ),
    (
        "purchasing_people",
        ("purchasing or finance person", "purchasing or finance people"),
        "People named on the deal whose role is in purchasing or finance.",
        r"procure|purchas|sourcing|financ|\bcfo\b|controller",
    ),
    (
        "technical_people",
        ("technical person", "technical people"),
        "People named on the deal whose role is technical.",
        r"technic|engineer|architect|developer|security|\bit\b|\bc[it]o\b|\bciso\b",
    ),
    (
        "legal_people",
        ("lawyer", "lawyers"),
        "People named on the deal whose role is legal.",
        r"legal|lawyer|counsel|attorney|compliance|contract",
    ),
    (
        "champions",
        ("champion", "champions"),
        "People named on the deal whose role says that they speak for it.",
        r"champion|advocate|coach|promoter|internal seller|ambassador",
    ),
)
"""Feature, what it counts, its meaning, and the words of a role that tell."""


def _people(name: str, noun: tuple[str, str], meaning: str, words: str) -> Feature:
    del words
    return Feature(
        name,
        Count("role_words", name),
        Unit.COUNT,
        group=name,
        meaning=meaning,
        wording=Wording(
            "{value} named on the deal.",
            peers="deals with {bin} named",
            zero=f"No {noun[0]} is named on the deal.",
        ),
        noun=noun,
        actionable=True,
        bins=(0, 1, 2),
        practice=Practice(f"named {'an' if noun[0][0] in 'aeiou' else 'a'} {noun[0]} on the deal"),
    )


def roles(histories: Histories) -> Events | Absent:
    """One event a person put on the deal, where it is known when."""
    if not histories.gives("contact_roles", "added_at"):
        return _NO_DATES
    return Events(histories.deal_of("contact_roles"), event_millis(histories.tables["contact_roles"]["added_at"]))


def role_words(histories: Histories) -> Events | Absent:
    """One event a person put on the deal, where it is known when: what the role says of the person."""
    named = roles(histories)
    if isinstance(named, Absent):
        return named
    if not histories.gives("contact_roles", "role"):
        return Absent("no contact role says what the person does (role)")
    told = histories.tables["contact_roles"]["role"]
    return Events(named.key, named.at, {name: plays(told, name) for name, *_ in _ROLES})


def plays(roles: pd.Series, name: str) -> np.ndarray:
    """Whether each role's words make the person one of those that the feature counts; shape (n,), bool."""
    (code,), levels = encode([roles])
    words = next(words for other, _, _, words in _ROLES if other == name)
    says = pc.match_substring_regex(arrow_text(levels), words, ignore_case=True)
    return of_code(says.to_numpy(zero_copy_only=False), code)

"""What kind of company the account is: the as-of record of its industry and its country."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from crm.coding import NONE
from features.families.account import ACCOUNT_FACTS, account_closings, account_facts
from features.families.segment import LATELY, level_win_rate
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import OF_ACCOUNTS, Histories
from features.questions import Last
from features.stream import Events

ACCOUNT_SEGMENTS = ("industry", "country")
"""Text columns of accounts that name a segment."""

ACCOUNT_FIELDS = (*ACCOUNT_FACTS, *ACCOUNT_SEGMENTS)
"""Columns of accounts of which there are features."""

_CLOSING = "One event a closing, of the level that the account's field has, once both are known."


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: one of each for each field."""
    fields = [field for field in ACCOUNT_SEGMENTS if field in vocabulary.account_fields]
    streams = {
        _closings(field): StreamSource(OF_ACCOUNTS + field, partial(closings_of_level, field=field), _CLOSING)
        for field in fields
    }
    return Family("account", streams, tuple(map(_win_rate, fields)))


def _win_rate(field: str) -> Feature:
    return Feature(
        f"account_{field}_win_rate",
        level_win_rate(_closings(field)) / Last("account_facts", f"{field}_given"),
        Unit.SHARE,
        group=f"account_{field}",
        meaning=f"Share won of the deals with accounts of the same {field} that were closed in the last {LATELY} days, "
        "shrunk to that of those before, and this to the company's.",
        wording=Wording(
            f"The account's {field}: {{{field}}}; {{value}} of the deals with such accounts were won lately.",
            peers=f"deals with accounts of a {field} with a win rate of {{bin}}",
            missing=f"The account's {field} is not known.",
        ),
        record=True,
    )


def _closings(field: str) -> str:
    return f"account_{field}_closings"


def closings_of_level(histories: Histories, field: str) -> Events | Absent:
    """One event a closing, of the level of the account's field, dated when the account had been entered too."""
    closings, facts = account_closings(histories), account_facts(histories, (field,))
    if isinstance(closings, Absent):
        return closings
    if isinstance(facts, Absent):
        return facts
    if not histories.gives("accounts", field):
        return Absent(f"no account has its {field} given")
    level = np.full(len(histories.accounts) + 1, NONE)  # the last is that of no account
    since = np.zeros_like(level)
    told = facts.key >= 0
    level[facts.key[told]], since[facts.key[told]] = facts.columns[field][told], facts.at[told]
    return replace(closings, key=level[closings.key], at=np.maximum(closings.at, since[closings.key]))

"""Who owns the deal at the date: their record then, their load then, and hand-overs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.clock import event_millis
from features.families.company import closings_by
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since, Sum, shrunken_rate
from features.stream import Events

_PRIOR = (Sum("company_closings", "won", days=365) + 1) / (Count("company_closings", days=365) + 2)
_NO_OWNER = Absent("the owner has no recorded history and is not declared fixed")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "owner",
        {
            "owners": StreamSource("deal", owner_entries),
            "owner_closings": StreamSource("owner", owner_closings),
            "owner_load": StreamSource("owner", owner_load),
            "owner_starts": StreamSource("owner", owner_starts),
        },
        (*_RECORD, *_HANDS),
    )


_RECORD = (
    Feature(
        "owner_win_rate",
        shrunken_rate(Sum("owner_closings", "won", days=365), Count("owner_closings", days=365), _PRIOR, 20),
        Unit.SHARE,
        group="owner",
        meaning="Share won of the deals that the owner closed in the year before, shrunk to the company's.",
        wording=Wording(
            "{owner} won {value} of the deals closed in the past year.",
            peers="deals of owners who win {bin}",
        ),
    ),
    Feature(
        "owner_closed_before",
        Count("owner_closings"),
        Unit.COUNT,
        group="owner_experience",
        meaning="How many deals the owner had closed before.",
        wording=Wording(
            "{owner} has closed {value} before.",
            peers="deals of owners who had closed {bin}",
            zero="{owner} has not closed a deal before.",
        ),
        noun=("deal", "deals"),
    ),
    Feature(
        "owner_open_deals",
        Sum("owner_load", "step"),
        Unit.COUNT,
        group="owner_load",
        meaning="How many open deals the owner has at the date.",
        wording=Wording("{owner} has {value} open.", peers="deals of owners with {bin} open"),
        noun=("deal", "deals"),
    ),
    Feature(
        "owner_tenure_days",
        Since("owner_starts"),
        Unit.DAYS,
        group="owner_experience",
        meaning="Days since the owner started.",
        wording=Wording(
            "{owner} started {value} ago.",
            peers="deals of owners who started {bin} ago",
            missing="It is not known when the owner started.",
        ),
    ),
)

_HANDS = (
    Feature(
        "handovers",
        Count("owners", "handover"),
        Unit.TIMES,
        group="handovers",
        meaning="How often the deal went from one owner to another.",
        wording=Wording("Changed hands {value}.", peers="deals that changed hands {bin}", zero="Never changed hands."),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "days_since_handover",
        Since("owners", "handover"),
        Unit.DAYS,
        group="handovers",
        meaning="Days since the deal last changed hands.",
        wording=Wording(
            "Changed hands {value} ago.",
            peers="deals that changed hands {bin} ago",
            zero="Changed hands today.",
            missing="Never changed hands.",
        ),
    ),
)


def owner_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal gets an owner (its first included)."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    coded = histories.coded("owner_id")
    before = np.where(coded.history.first, -1, np.roll(coded.code, 1))
    return Events(
        coded.history.deal,
        coded.history.at,
        {"code": coded.code, "handover": (before >= 0) & (coded.code >= 0) & (coded.code != before)},
    )


def owner_closings(histories: Histories) -> Events | Absent:
    """One event a closing, of whoever owned the deal just before it closed."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    return closings_by(histories, histories.code_at_closing("owner_id"))


def owner_load(histories: Histories) -> Events | Absent:
    """+1 when an open deal comes to an owner, -1 when it leaves or closes; their sum is the open load."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    spans, closed = histories.episodes, histories.closed
    coded = histories.coded("owner_id")
    history = coded.history
    opened_by = histories.code_before("owner_id", spans.deal, spans.opened + 1)
    closed_by = histories.code_at_closing("owner_id")
    episode = histories.episode_at(history.deal, history.at)
    moved = ~history.first & (episode >= 0) & (spans.opened[episode] < history.at)
    before = np.roll(coded.code, 1)[moved]
    ones = [len(spans.deal), -len(closed), int(moved.sum()), -int(moved.sum())]
    return Events(
        np.concatenate([opened_by, closed_by, coded.code[moved], before]),
        np.concatenate([spans.opened, spans.closed[closed], history.at[moved], history.at[moved]]),
        {"step": np.concatenate([np.full(abs(n), np.sign(n), dtype=float) for n in ones])},
    )


def owner_starts(histories: Histories) -> Events | Absent:
    """One event an owner, dated when they started."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    users = histories.tables["users"]
    if not histories.gives("users", "started_at"):
        return Absent("no user says when they started (started_at)")
    code = histories.coded("owner_id").levels.get_indexer(pd.Index(users["user_id"])).astype(np.int64)
    return Events(code, event_millis(users["started_at"]))

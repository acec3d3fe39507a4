"""Who owns the deal at the date: their record then, their load then, and hand-overs."""

from __future__ import annotations

import numpy as np

from crm.clock import NEVER, event_millis
from crm.coding import codes_in
from features.families.age import AGAINST_USUAL, AGE
from features.families.company import CENTS, closings_by, in_cents, shrunken_days
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since, Sum, shrunken_rate
from features.stream import Events

_PRIOR = (Sum("company_closings", "won", days=365) + 1) / (Count("company_closings", days=365) + 2)
_NO_OWNER = Absent("the owner has no recorded history and is not declared fixed")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    return Family(
        "owner",
        {
            "owners": StreamSource("deal", owner_entries),
            "owner_closings": StreamSource("owner", owner_closings),
            "owner_load": StreamSource("owner", owner_load),
            "owner_starts": StreamSource("owner", owner_starts, of_deals=False),
            "quotas": StreamSource("owner", quotas, of_deals=False),
        },
        (*_RECORD, *_this_period(vocabulary.calendar.period), *_LOAD, *_HANDS),
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
        record=True,
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
        "age_against_owner_cycle",
        AGE / shrunken_days("owner_closings", 5),
        Unit.RATIO,
        group="age",
        meaning="Days since the deal's entry ÷ the mean days that the owner's won deals took, shrunk to all won deals.",
        wording=Wording(
            "The deal has been there {value} as long as {owner} usually takes to win.",
            peers="deals {bin} as old as their owner's won deals were",
            missing="No deal has been won yet to compare the deal's age with.",
        ),
        bins=AGAINST_USUAL,
    ),
    Feature(
        "days_since_owner_win",
        Since("owner_closings", "won"),
        Unit.DAYS,
        group="owner",
        meaning="Days since the owner last won a deal.",
        wording=Wording(
            "{owner} last won a deal {value} ago.",
            peers="deals of owners who last won {bin} ago",
            zero="{owner} won a deal today.",
            missing="{owner} has not won a deal before.",
        ),
        bins=(0, 7, 14, 30, 60, 90),
    ),
)

_LOAD = (
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
        "owner_new_deals_30d",
        Count("owner_load", "arrives", 30),
        Unit.COUNT,
        group="owner_load",
        meaning="How many deals came to the owner in the last 30 days: newly entered, reopened or handed over.",
        wording=Wording(
            "{value} came to {owner} in the last 30 days.",
            peers="deals of owners to whom {bin} came in 30 days",
            zero="No deal came to {owner} in the last 30 days.",
        ),
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


def _this_period(period: str) -> tuple[Feature, ...]:
    return (
        Feature(
            "owner_wins_this_period",
            Sum("owner_closings", "won", this_period=True),
            Unit.COUNT,
            group="owner_period",
            meaning=f"How many deals the owner has won since the {period} began.",
            wording=Wording(
                f"{{owner}} has won {{value}} this {period}.",
                peers=f"deals of owners who had won {{bin}} that {period}",
                zero=f"{{owner}} has not won a deal this {period} yet.",
            ),
            noun=("deal", "deals"),
            bins=(0, 1, 2, 4, 8),
        ),
        Feature(
            "owner_quota_attainment",
            Sum("owner_closings", "won_cents", this_period=True)
            / CENTS
            / (Sum("quotas", "cents", this_period=True) / CENTS),
            Unit.RATIO,
            group="owner_period",
            meaning=f"What the owner has won since the {period} began ÷ the owner's quotas that began in it.",
            wording=Wording(
                f"{{owner}} has won {{value}} the quota for this {period} so far.",
                peers="deals of owners who had won {bin} their quota",
                zero=f"{{owner}} has won nothing towards the quota for this {period} yet.",
                missing=f"{{owner}} has no quota for this {period}.",
            ),
            bins=(0, 0.2, 0.5, 0.8, 1),
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
        {
            "code": coded.code,
            "given": coded.code >= 0,
            "handover": (before >= 0) & (coded.code >= 0) & (coded.code != before),
        },
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
    step = np.concatenate([np.full(abs(n), np.sign(n), dtype=np.int64) for n in ones])
    lasts = np.append(spans.closed > spans.opened, np.ones(len(step) - len(spans.deal), dtype=bool))
    return Events(
        np.concatenate([opened_by, closed_by, coded.code[moved], before]),
        np.concatenate([spans.opened, spans.closed[closed], history.at[moved], history.at[moved]]),
        {"step": step, "arrives": (step > 0) & lasts},
    )


def owner_starts(histories: Histories) -> Events | Absent:
    """One event an owner, dated when they started."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    users = histories.tables["users"]
    if not histories.gives("users", "started_at"):
        return Absent("no user says when they started (started_at)")
    code = codes_in(users["user_id"], histories.coded("owner_id").levels)
    return Events(code, event_millis(users["started_at"]))


def quotas(histories: Histories) -> Events | Absent:
    """One event a quota, of its owner, dated when its period begins."""
    if not histories.is_known("owner_id"):
        return _NO_OWNER
    if not histories.is_known("amount"):
        return Absent("the amount has no recorded history and is not declared fixed")
    if not histories.has("quotas"):
        return Absent("there is no table of quotas")
    table = histories.tables["quotas"]
    begins = table["period_start"].to_numpy("datetime64[ms]").astype(np.int64)
    return Events(
        codes_in(table["user_id"], histories.coded("owner_id").levels),
        np.where(table["period_start"].isna(), NEVER, begins),
        {"cents": in_cents(table["amount"].to_numpy(float, na_value=np.nan))},
    )

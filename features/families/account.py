"""Who the buyer is: earlier deals with the account, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from crm.clock import NEVER, event_millis
from crm.coding import codes_in
from features.families.amount import AGAINST_USUAL
from features.families.company import CENTS, RECORD, closings_by, usual_amount
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import OF_ACCOUNTS, Histories
from features.questions import Count, Last, Question, Since, Sum, log1p, shrunken_rate
from features.stream import Events

BEFORE_ALL = 631_152_000_000
"""1990 in milliseconds: no time before it is read."""

_NO_ACCOUNT = Absent("no deal has an account")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    facts = tuple(feature for name, feature in ACCOUNT_FACTS.items() if name in vocabulary.account_fields)
    texts = tuple(name for name in vocabulary.account_fields if name not in ACCOUNT_FACTS)
    return Family(
        "account",
        {
            "account_closings": StreamSource("account", account_closings),
            "account_openings": StreamSource("account", account_openings),
            "account_facts": StreamSource("account", partial(account_facts, texts=texts), of_deals=False),
        },
        (*_HISTORY, *facts),
    )


def _bought_for() -> Question:
    """What the account had bought for; not known where it had not, or not for a known amount."""
    deals = Count("account_closings", "won_with_amount")
    with_amounts = Count("amounts") * 0  # a closing tells of amounts where their past is known
    return Sum("account_closings", "won_cents") / CENTS * (deals / deals) + with_amounts


_HISTORY = (
    Feature(
        "account_won_before",
        Sum("account_closings", "won"),
        Unit.COUNT,
        group="account_history",
        meaning="How many deals the account had bought before the date.",
        wording=Wording(
            "The account has bought {value} before.",
            peers="deals with accounts that had bought {bin}",
            zero="The account has not bought before.",
        ),
        bins=(0, 1, 2, 3),
        noun=("deal", "deals"),
    ),
    Feature(
        "account_win_rate",
        shrunken_rate(Sum("account_closings", "won"), Count("account_closings"), RECORD, 3),
        Unit.SHARE,
        group="account_history",
        meaning="Share won of the account's earlier deals, shrunk to the company's.",
        wording=Wording(
            "The account's own record, weighed with that of all deals: {value} won.",
            peers="deals with accounts that buy {bin} of the time",
        ),
        record=True,
    ),
    Feature(
        "account_lost_before",
        Count("account_closings") - Sum("account_closings", "won"),
        Unit.COUNT,
        group="account_history",
        meaning="How many deals with the account had been lost before the date.",
        wording=Wording(
            "{value} with this account lost before.",
            peers="deals with accounts that had turned down {bin}",
            zero="No deal with this account was lost before.",
        ),
        bins=(0, 1, 2, 3),
        noun=("deal", "deals"),
    ),
    Feature(
        "account_won_amount",
        _bought_for(),
        Unit.MONEY,
        group="account_history",
        meaning="What the account's earlier won deals were worth together.",
        wording=Wording(
            "The account has bought for {value} before.",
            peers="deals with accounts that had bought for {bin}",
            zero="The account has bought for nothing before.",
            missing="The account has not bought for a known amount before.",
        ),
    ),
    Feature(
        "amount_against_account",
        Last("amounts", "value") / usual_amount("account_closings"),
        Unit.RATIO,
        group="account_history",
        meaning="Amount ÷ the mean amount of the account's earlier won deals.",
        wording=Wording(
            "{value} the size of what the account has bought before.",
            peers="deals {bin} the size of what their account had bought",
            missing="No amount has been entered, or the account has not bought before.",
        ),
        bins=AGAINST_USUAL,
    ),
    Feature(
        "days_since_account_win",
        Since("account_closings", "won"),
        Unit.DAYS,
        group="account_history",
        meaning="Days since the account last bought.",
        wording=Wording(
            "The account last bought {value} ago.",
            peers="deals with accounts that last bought {bin} ago",
            zero="The account bought today.",
            missing="The account has not bought before.",
        ),
        bins=(0, 30, 90, 180, 365),
    ),
    Feature(
        "days_since_account_loss",
        Since("account_closings", "lost"),
        Unit.DAYS,
        group="account_history",
        meaning="Days since a deal with the account was last lost.",
        wording=Wording(
            "A deal with this account was last lost {value} ago.",
            peers="deals with accounts that last turned one down {bin} ago",
            zero="A deal with this account was lost today.",
            missing="No deal with this account was lost before.",
        ),
        bins=(0, 30, 90, 180, 365),
    ),
    Feature(
        "account_open_deals",
        Count("account_openings") - Count("account_closings"),
        Unit.COUNT,
        group="account_open",
        meaning="How many deals with the account are open at the date, this one included.",
        wording=Wording("{value} with this account.", peers="deals with accounts that have {bin}"),
        bins=(0, 1, 2, 3),
        noun=("open deal", "open deals"),
    ),
)

ACCOUNT_FACTS = {
    "employees": Feature(
        "account_employees",
        Last("account_facts", "employees"),
        Unit.COUNT,
        group="account_size",
        meaning="How many people work for the account.",
        wording=Wording(
            "The account has {value}.",
            peers="deals with accounts of {bin}",
            missing="The account's size is not known.",
        ),
        noun=("employee", "employees"),
    ),
    "annual_revenue": Feature(
        "account_revenue",
        log1p(Last("account_facts", "annual_revenue")),
        Unit.RATIO,
        group="account_size",
        meaning="Natural logarithm of 1 + the account's yearly revenue.",
        wording=Wording(
            "The account's yearly revenue is known.",
            peers="deals with accounts of like revenue",
            missing="The account's revenue is not known.",
        ),
    ),
    "created_at": Feature(
        "account_age_days",
        Since("account_facts", "dated"),
        Unit.DAYS,
        group="account_age",
        meaning="Days since the account was entered.",
        wording=Wording(
            "The account was entered {value} ago.",
            peers="deals with accounts entered {bin} ago",
            missing="It is not known when the account was entered.",
        ),
    ),
}


def account_closings(histories: Histories) -> Events | Absent:
    """One event a closing, of the deal's account."""
    if not histories.gives("opportunities", "account_id"):
        return _NO_ACCOUNT
    return closings_by(histories, histories.account[histories.episodes.deal[histories.closed]])


def account_openings(histories: Histories) -> Events | Absent:
    """One event an opening (or reopening) of a deal, of its account."""
    if not histories.gives("opportunities", "account_id"):
        return _NO_ACCOUNT
    spans = histories.episodes
    return Events(histories.account[spans.deal], spans.opened, {"one": np.ones(len(spans.deal))})


def account_facts(histories: Histories, texts: Sequence[str] = ()) -> Events | Absent:
    """One event an account, dated when it was entered, or before all else where that is not given.

    :param texts: text columns of accounts that are told as codes, and whether each is given.
    """
    accounts = histories.tables["accounts"]
    if not histories.has("accounts"):
        return Absent("there is no table of accounts")
    if not histories.gives("opportunities", "account_id"):
        return _NO_ACCOUNT
    entered = event_millis(accounts["created_at"])
    dated = entered != NEVER
    facts = {name: accounts[name].to_numpy(float, na_value=np.nan) for name in ("employees", "annual_revenue")}
    for name in texts:
        facts[name] = histories.of_accounts(OF_ACCOUNTS + name)[0]
        facts[f"{name}_given"] = facts[name] >= 0
    return Events(
        codes_in(accounts["account_id"], histories.accounts),
        np.where(dated, entered, BEFORE_ALL),
        {"dated": dated, **facts},
    )

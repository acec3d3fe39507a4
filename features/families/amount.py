"""What the deal is worth, how that moved, and how it compares."""

from __future__ import annotations

import numpy as np

from features.families.company import usual_amount
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, First, Last, Since, log1p
from features.stream import Events

AGAINST_USUAL = (0, 0.2, 0.5, 1, 2, 4)


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family("amount", {"amounts": StreamSource("deal", amount_entries)}, (*_SIZE, *_CHANGES))


_SIZE = (
    Feature(
        "amount",
        Last("amounts", "value"),
        Unit.MONEY,
        group="amount",
        meaning="What the deal is worth at the date.",
        wording=Wording(
            "Worth {value}.",
            peers="deals worth {bin}",
            zero="The amount is 0.",
            missing="No amount has been entered.",
        ),
    ),
    Feature(
        "amount_against_usual",
        Last("amounts", "value") / usual_amount("company_closings"),
        Unit.RATIO,
        group="amount",
        meaning="Amount ÷ the mean amount of the company's won deals, as known at the date.",
        wording=Wording(
            "{value} the size of the usual won deal.",
            peers="deals {bin} the usual size",
            missing="No amount has been entered, or no deal has been won yet to hold it against.",
        ),
        bins=AGAINST_USUAL,
    ),
    Feature(
        "amount_against_owner_usual",
        Last("amounts", "value") / usual_amount("owner_closings"),
        Unit.RATIO,
        group="amount",
        meaning="Amount ÷ the mean amount of the owner's won deals, as known at the date.",
        wording=Wording(
            "{value} the size of what {owner} usually wins.",
            peers="deals {bin} their owner's usual size",
            missing="No amount has been entered, or {owner} has not won a deal yet to hold it against.",
        ),
        bins=AGAINST_USUAL,
    ),
)

_CHANGES = (
    Feature(
        "amount_changes",
        Count("amounts", "changed"),
        Unit.TIMES,
        group="amount_changes",
        meaning="How often the amount was changed.",
        wording=Wording(
            "The amount was changed {value}.",
            peers="deals whose amount was changed {bin}",
            zero="The amount was never changed.",
        ),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "amount_raises",
        Count("amounts", "raised"),
        Unit.TIMES,
        group="amount_changes",
        meaning="How often the amount was made larger.",
        wording=Wording(
            "The amount was raised {value}.",
            peers="deals whose amount was raised {bin}",
            zero="The amount was never raised.",
        ),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "amount_cuts",
        Count("amounts", "cut"),
        Unit.TIMES,
        group="amount_changes",
        meaning="How often the amount was made smaller.",
        wording=Wording(
            "The amount was cut {value}.",
            peers="deals whose amount was cut {bin}",
            zero="The amount was never cut.",
        ),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "amount_last_step",
        Last("amounts", "step", "stepped"),
        Unit.RATIO,
        group="amount_changes",
        meaning="The amount after its last change ÷ the amount before it.",
        wording=Wording(
            "With its last change the amount became {value} what it was.",
            peers="deals whose amount {bin} with its last change",
            zero="With its last change the amount became 0.",
            missing="The amount was never changed from one figure to another.",
        ),
        bins=(0, 0.8, 1, 1.25),
        bin_names=(
            "fell by more than a fifth",
            "fell by up to a fifth",
            "grew by up to a quarter",
            "grew by a quarter or more",
        ),
    ),
    Feature(
        "amount_change_ratio",
        log1p(Last("amounts", "value")) - log1p(First("amounts", "value", "given")),
        Unit.RATIO,
        group="amount_changes",
        meaning="Natural logarithm of (1 + amount) less that of (1 + the first amount entered).",
        wording=Wording(
            "The amount grew since it was first entered.",
            peers="deals whose amount {bin}",
            zero="The amount is what was first entered.",
            negative="The amount shrank since it was first entered.",
            missing="No amount has been entered.",
        ),
        bins=(-99, -0.2, -0.02, 0.02, 0.2),
        bin_names=(
            "shrank by a fifth or more",
            "shrank by less than a fifth",
            "stayed the same",
            "grew by less than a fifth",
            "grew by a fifth or more",
        ),
    ),
    Feature(
        "days_since_amount_change",
        Since("amounts", "changed"),
        Unit.DAYS,
        group="amount_changes",
        meaning="Days since the amount was last changed.",
        wording=Wording(
            "The amount was last changed {value} ago.",
            peers="deals whose amount was last changed {bin} ago",
            zero="The amount was changed today.",
            missing="The amount was never changed.",
        ),
    ),
)


def amount_entries(histories: Histories) -> Events | Absent:
    """One event each time a deal's amount is set (its first included)."""
    if not histories.is_known("amount"):
        return Absent("the amount has no recorded history and is not declared fixed")
    history = histories.values("amount")
    before = np.where(history.first, np.nan, np.roll(history.value, 1))
    changed = ~history.first & ~np.isnan(before) & (history.value != before)
    step = np.divide(history.value, before, out=np.full(len(before), np.nan), where=changed & (before > 0))
    return Events(
        history.deal,
        history.at,
        {
            "value": history.value,
            "changed": changed,
            "given": ~np.isnan(history.value),
            "raised": history.value > before,
            "cut": history.value < before,
            "step": step,
            "stepped": step >= 0,
        },
    )

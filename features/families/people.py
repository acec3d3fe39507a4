"""Whom the seller has reached at the buyer's, and who took part on the seller's side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.coding import encode
from features.families.replies import NO_DIRECTION, directions
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Distinct, Since
from features.stream import Events

_NO_CONTACT = Absent("no activity names a contact (contact_id)")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "people",
        {
            "met": StreamSource("deal", met),
            "heard": StreamSource("deal", heard),
            "sellers": StreamSource("deal", sellers),
        },
        _FEATURES,
    )


_FEATURES = (
    Feature(
        "contacts_reached",
        Distinct("met", "contact"),
        Unit.COUNT,
        group="people",
        meaning="Different people of the buyer's with whom there was an activity.",
        wording=Wording(
            "{value} at the buyer's reached so far.",
            peers="deals with {bin} reached",
            zero="Nobody at the buyer's reached so far.",
        ),
        noun=("person", "people"),
        actionable=True,
        bins=(0, 1, 2, 3, 4, 6),
        practice=Practice(
            "reached {bound} or more at the buyer's", (1, 2, 3, 4), once="reached somebody at the buyer's"
        ),
    ),
    Feature(
        "new_contacts_30d",
        Count("met", "new", 30),
        Unit.COUNT,
        group="people",
        meaning="People of the buyer's with whom there was an activity for the first time in the last 30 days.",
        wording=Wording(
            "{value} at the buyer's reached for the first time in the last 30 days.",
            peers="deals with {bin} newly reached in 30 days",
            zero="Nobody new at the buyer's reached in the last 30 days.",
        ),
        noun=("person", "people"),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "new_contacts_90d",
        Count("met", "new", 90),
        Unit.COUNT,
        group="people",
        meaning="People of the buyer's with whom there was an activity for the first time in the last 90 days.",
        wording=Wording(
            "{value} at the buyer's reached for the first time in the last 90 days.",
            peers="deals with {bin} newly reached in 90 days",
            zero="Nobody new at the buyer's reached in the last 90 days.",
        ),
        noun=("person", "people"),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "days_since_new_contact",
        Since("met", "new"),
        Unit.DAYS,
        group="people",
        meaning="Days since somebody at the buyer's was reached for the first time.",
        wording=Wording(
            "Somebody new at the buyer's was last reached {value} ago.",
            peers="deals on which somebody new was last reached {bin} ago",
            zero="Somebody new at the buyer's was reached today.",
            missing="Nobody at the buyer's reached so far.",
        ),
        actionable=True,
        bins=(0, 7, 14, 30, 60, 90),
        practice=Practice("reached somebody new at the buyer's in the last {bound}", (14, 30, 60), below=True),
    ),
    Feature(
        "contacts_heard",
        Distinct("heard", "contact"),
        Unit.COUNT,
        group="people",
        meaning="Different people of the buyer's who wrote or called themselves.",
        wording=Wording(
            "{value} at the buyer's wrote or called so far.",
            peers="deals with {bin} who wrote or called",
            zero="Nobody at the buyer's wrote or called so far.",
        ),
        noun=("person", "people"),
        bins=(0, 1, 2, 3, 4),
    ),
    Feature(
        "sellers_involved",
        Distinct("sellers", "user"),
        Unit.COUNT,
        group="sellers",
        meaning="Different users of the CRM who logged an activity on the deal.",
        wording=Wording(
            "{value} of your own took part so far.",
            peers="deals in which {bin} of the seller's took part",
            zero="Nobody of your own has logged an activity so far.",
        ),
        noun=("person", "people"),
        bins=(0, 1, 2, 3, 4),
    ),
)


def met(histories: Histories) -> Events | Absent:
    """One event an activity with a named contact, dated when it had both taken place and been recorded.

    Sorted by deal and time; `new` is the first with its contact on its deal.
    """
    if not histories.gives("activities", "contact_id"):
        return _NO_CONTACT
    deal, at, code = _named(histories, "contact_id")
    met_before = pd.Series(deal * (int(code.max(initial=0)) + 1) + code).duplicated().to_numpy()
    return Events(deal, at, {"contact": code, "new": ~met_before})


def heard(histories: Histories) -> Events | Absent:
    """One event a message from a named contact, dated when it had both been sent and been recorded."""
    if not histories.gives("activities", "contact_id"):
        return _NO_CONTACT
    if not histories.gives("activities", "direction"):
        return NO_DIRECTION
    deal, at, code = _named(histories, "contact_id", directions(histories)[0])
    return Events(deal, at, {"contact": code})


def sellers(histories: Histories) -> Events | Absent:
    """One event an activity that says who logged it, dated when it had both taken place and been recorded."""
    if not histories.gives("activities", "owner_id"):
        return Absent("no activity says who logged it (owner_id)")
    deal, at, code = _named(histories, "owner_id")
    return Events(deal, at, {"user": code})


def _named(
    histories: Histories, column: str, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deal, time and code of the activities (`among` some) that have an id in the column, by deal and time."""
    (code,), _ = encode([histories.tables["activities"][column]])
    rows, deal, at = histories.activities_in_order(code >= 0 if among is None else (code >= 0) & among)
    return deal, at, code[rows]

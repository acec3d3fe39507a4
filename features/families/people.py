"""Whom the seller has reached at the buyer's."""

from __future__ import annotations

import numpy as np

from crm.clock import event_millis
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Distinct, Since
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    return Family(
        "people",
        {"roles": StreamSource("deal", roles), "met": StreamSource("deal", met)},
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
    ),
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
    ),
    Feature(
        "decision_makers",
        Count("roles", "decides"),
        Unit.COUNT,
        group="decision_maker",
        meaning="People named on the deal whose role says that they decide or pay.",
        wording=Wording(
            "{value} named on the deal.",
            peers="deals with {bin} named",
            zero="No decision maker is named on the deal.",
        ),
        noun=("decision maker", "decision makers"),
        actionable=True,
        bins=(0, 1, 2),
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

_DECIDES = r"decision|decid|executive|economic|sponsor|budget|signator|chief|director|owner|president"


def roles(histories: Histories) -> Events | Absent:
    """One event a person put on the deal, where it is known when."""
    table = histories.tables["contact_roles"]
    at = event_millis(table["added_at"])
    if not histories.gives("contact_roles", "added_at"):
        return Absent("no contact role says when it was added (added_at)")
    role = table["role"].fillna("").str.lower()
    return Events(
        histories.deal_rows(table["opportunity_id"]),
        at,
        {"decides": role.str.contains(_DECIDES, regex=True).to_numpy(bool)},
    )


def met(histories: Histories) -> Events | Absent:
    """One event an activity with a named contact, dated when it had both taken place and been recorded."""
    activities = histories.tables["activities"]
    if not histories.gives("activities", "contact_id"):
        return Absent("no activity names a contact (contact_id)")
    named = activities["contact_id"].notna().to_numpy()
    rows = activities[named]
    code = rows["contact_id"].astype("category").cat.codes.to_numpy(np.int64)
    return Events(
        histories.deal_rows(rows["opportunity_id"]),
        histories.activity_done[named],
        {"contact": code},
    )

"""To reach somebody new at the buyer's, and somebody who decides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.families.roles import plays
from features.feature import Vocabulary
from serving.actions.action import Action, OpenDeals, Rows, none_of, some
from serving.actions.activities import commonest, logged, usual_kind

NEW = "somebody new"
"""The id of whoever has not been met yet; ids of a CRM look otherwise."""

MOST = 6
"""So many people reached, or more, are as good as each other."""


def declare(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """One more person, a decision maker."""
    del vocabulary
    return (_NEW_CONTACT, _DECISION_MAKER)


def _reached(features: pd.DataFrame) -> np.ndarray:
    return np.nan_to_num(np.minimum(features["contacts_reached"].to_numpy(float), MOST)).astype(int)


def _nobody_new(deals: OpenDeals) -> np.ndarray:
    return (deals.feature("new_contacts_30d") == 0) & (deals.feature("contacts_reached") < MOST)


def _in_touch_with_somebody_new(deals: OpenDeals) -> Rows:
    """Written to or called, as the company usually does with the buyer's people."""
    named = deals.histories.tables["activities"]["contact_id"].notna().to_numpy()
    outbound = "outbound" if deals.histories.gives("activities", "direction") else None
    return logged(deals, usual_kind(deals.histories, named), direction=outbound, contact_id=NEW)


def _decision_maker_reached(deals: OpenDeals) -> Rows:
    roles = deals.histories.tables["contact_roles"]["role"]
    named = {"contact_id": NEW, "role": commonest(roles[plays(roles, "decision_makers")]), "added_at": deals.instant()}
    in_touch = deals.histories.gives("activities", "contact_id")
    return {"contact_roles": named, **(_in_touch_with_somebody_new(deals) if in_touch else {})}


def _people(state: int) -> str:
    return {0: "nobody", 1: "one person"}.get(state, f"{state} people")


_NEW_CONTACT = Action(
    "new_contact",
    "people",
    ("contacts_reached", "new_contacts_30d"),
    _reached,
    _nobody_new,
    _in_touch_with_somebody_new,
    brief="One more person at the buyer's",
    fact="{before} at the buyer's reached so far, and nobody new in the last 30 days.",
    change="With one more",
    had="that had reached {after} or more by then",
    had_not="that had not",
    told=_people,
)

_DECISION_MAKER = Action(
    "decision_maker",
    "people",
    ("decision_makers",),
    some("decision_makers"),
    none_of("decision_makers"),
    _decision_maker_reached,
    brief="Somebody who decides",
    fact="Nobody who decides or pays is named on the deal.",
    change="With such a person reached and named",
    had="that had one named by then",
    had_not="that had none",
)

"""To meet the buyer, to show the product, to hand in a proposal."""

from __future__ import annotations

import numpy as np

from features.feature import Vocabulary
from serving.actions.action import Action, OpenDeals, none_of, some
from serving.actions.activities import logged

DAYS_AHEAD = 7.0
_BOOKED = "meetings_ahead"


def declare(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """A meeting held, a meeting booked, a demo, a proposal."""
    del vocabulary
    return (_MEETING, _BOOKING, _DEMO, _PROPOSAL)


def _not_met(deals: OpenDeals) -> np.ndarray:
    """No meeting lately, and none on its way."""
    ahead = deals.feature(_BOOKED) > 0 if _BOOKED in deals.features else np.zeros(len(deals), dtype=bool)
    return (deals.feature("meetings_30d") == 0) & ~ahead


_MEETING = Action(
    "meeting",
    "meetings",
    ("meetings_30d",),
    some("meetings_30d"),
    _not_met,
    lambda deals: logged(deals, "meeting"),
    brief="A meeting with the buyer",
    fact="No meeting with the buyer in the last 30 days.",
    change="After one",
    had="that had met the buyer in the 30 days before",
    had_not="that had not",
)

_BOOKING = Action(
    "meeting_booked",
    "meetings",
    (_BOOKED,),
    some(_BOOKED),
    none_of(_BOOKED),
    lambda deals: logged(deals, "meeting", DAYS_AHEAD),
    brief="A meeting booked",
    fact="No meeting with the buyer is booked.",
    change="With one booked for next week",
    had="that had one booked",
    had_not="that had none",
)

_DEMO = Action(
    "demo",
    "demo",
    ("demos",),
    some("demos"),
    none_of("demos"),
    lambda deals: logged(deals, "demo"),
    brief="A demo",
    fact="No demo has taken place yet.",
    change="After one",
    had="that had seen one by then",
    had_not="that had not",
)

_PROPOSAL = Action(
    "proposal",
    "proposal",
    ("proposals",),
    some("proposals"),
    none_of("proposals"),
    lambda deals: logged(deals, "proposal"),
    brief="A proposal",
    fact="No proposal has been sent yet.",
    change="With one sent",
    had="that had been sent one by then",
    had_not="that had not",
)

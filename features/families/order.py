"""In which order the steps came: what had been done before the first proposal went out."""

from __future__ import annotations

import numpy as np

from crm.clock import NEVER
from features.families.engagement import NO_ACTIVITIES, kinds_of
from features.families.roles import role_words
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import First
from features.stream import Events
from features.text import of_code


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features."""
    del vocabulary
    streams = {
        "first_proposals": StreamSource("deal", first_proposals),
        "first_proposals_to": StreamSource("deal", first_proposals_to),
    }
    return Family("order", streams, _FEATURES)


def _before(name: str, stream: str, column: str, what: str, *, spoken: str, done: str) -> Feature:
    return Feature(
        name,
        First(stream, column),
        Unit.FLAG,
        group="order_of_steps",
        meaning=f"1 where {what} before the first proposal, 0 where not by then.",
        wording=Wording(
            f"Before the first proposal {what}.",
            peers="deals {bin}",
            zero=f"The first proposal went out {spoken}.",
            missing="No proposal yet.",
        ),
        bins=(0, 1),
        bin_names=(f"whose first proposal went out {spoken}", f"on which {what} before the first proposal"),
        # Once the proposal is out, what should have come before it cannot.
        practice=Practice(f"{done} before the first proposal", only_known=True, mendable=False),
    )


_FEATURES = (
    _before(
        "meeting_before_proposal",
        "first_proposals",
        "after_meeting",
        "there was a meeting",
        spoken="without a meeting before it",
        done="held a meeting",
    ),
    _before(
        "demo_before_proposal",
        "first_proposals",
        "after_demo",
        "there was a demo",
        spoken="without a demo before it",
        done="held a demo",
    ),
    _before(
        "decision_maker_before_proposal",
        "first_proposals_to",
        "after_decision_maker",
        "a decision maker was named",
        spoken="with no decision maker named before it",
        done="named a decision maker",
    ),
)


def first_proposals(histories: Histories) -> Events | Absent:
    """One event a deal's first proposal, dated when it had been both sent and recorded.

    What stood on record by that instant had come before it.
    """
    if not histories.has("activities"):
        return NO_ACTIVITIES
    proposed = _first_of_kind(histories, "proposal")
    deal = np.flatnonzero(proposed != NEVER)
    after = {f"after_{kind}": (_first_of_kind(histories, kind) <= proposed)[deal] for kind in ("meeting", "demo")}
    return Events(deal, proposed[deal], after)


def first_proposals_to(histories: Histories) -> Events | Absent:
    """One event a deal's first proposal, dated as above; whether a decision maker had been named on the deal."""
    first, people = first_proposals(histories), role_words(histories)
    if isinstance(first, Absent) or isinstance(people, Absent):
        return first if isinstance(first, Absent) else people
    deciding = people.column("decision_makers") & (people.key >= 0)
    named = _first(people.key[deciding], people.at[deciding], len(histories))
    return Events(first.key, first.at, {"after_decision_maker": named[first.key] <= first.at})


def _first_of_kind(histories: Histories, kind: str) -> np.ndarray:
    """When each deal's first activity of the kind was done and recorded; NEVER = not; shape (deals,)."""
    code, names = kinds_of(histories)
    _, deal, at = histories.activities_in_order(of_code(np.asarray(names.str.lower() == kind), code))
    return _first(deal, at, len(histories))


def _first(deal: np.ndarray, at: np.ndarray, deals: int) -> np.ndarray:
    """The first of the instants of each deal; NEVER = it has none; shape (deals,)."""
    first = np.full(deals, NEVER, dtype=np.int64)
    np.minimum.at(first, deal, at)
    return first

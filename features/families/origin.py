"""Where the deal came from: whether it had been a lead, and for how long."""

from __future__ import annotations

import numpy as np

from crm.clock import DAY, NEVER, event_millis
from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Since, Sum, known
from features.stream import Events


def declare(vocabulary: Vocabulary) -> Family:
    """The family's stream and features."""
    del vocabulary
    return Family("origin", {"origins": StreamSource("deal", origins)}, _FEATURES)


_FEATURES = (
    Feature(
        "from_lead",
        known(Since("origins")),
        Unit.FLAG,
        group="origin",
        meaning="1 where the deal came from a lead, else 0.",
        wording=Wording(
            "The deal came from a lead.",
            peers="deals that {bin} from a lead",
            zero="The deal did not come from a lead.",
        ),
        bins=(0, 1),
        bin_names=("did not come", "came"),
    ),
    Feature(
        "lead_days",
        Sum("origins", "millis") / DAY / Count("origins"),
        Unit.DAYS,
        group="origin",
        meaning="Days from a lead's entry to its becoming the deal; the mean where several became one.",
        wording=Wording(
            "The lead became a deal after {value}.",
            peers="deals whose lead became a deal after {bin}",
            zero="The lead became a deal on the day of its entry.",
            missing="The deal did not come from a lead.",
        ),
        bins=(0, 1, 3, 7, 14, 30, 90),
    ),
)


def origins(histories: Histories) -> Events | Absent:
    """One event a lead that became a deal, dated when it did; when it was entered, where that was later."""
    if not histories.gives("leads", "converted_at"):
        return Absent("no lead says when it became a deal (converted_at)")
    if not histories.gives("leads", "opportunity_id"):
        return Absent("no lead says which deal it became (opportunity_id)")
    leads = histories.tables["leads"]
    created, converted = event_millis(leads["created_at"]), event_millis(leads["converted_at"])
    dated = (created != NEVER) & (converted != NEVER)
    millis = np.subtract(converted, created, out=np.zeros(len(leads), dtype=np.int64), where=dated)
    known_at = np.where(dated, np.maximum(created, converted), converted)
    return Events(histories.deal_of("leads"), known_at, {"millis": np.maximum(millis, 0)})

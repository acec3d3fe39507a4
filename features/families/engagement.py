"""How much was done on the deal, and how steadily: activities of any kind."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from crm.clock import DAY
from crm.coding import encode
from features.families.age import AGE
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Distinct, Since, SinceFirst
from features.stream import Events
from features.text import of_code

KNOWN_KINDS = ("email", "call", "meeting", "demo", "proposal", "task")
"""Activity kinds that have features by name; a company's own kinds come from the vocabulary."""

NO_ACTIVITIES = Absent("there are no activities")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features; own activity kinds get two features each."""
    own = [feature for kind in vocabulary.kinds for feature in _own_kind(kind, done=kind in vocabulary.deeds)]
    streams = {"touches": StreamSource("deal", partial(touches, kinds=vocabulary.kinds))}
    return Family("engagement", streams, (*_TOUCHES, *_RHYTHM, *own))


_TOUCHES = (
    Feature(
        "days_since_touch",
        Since("touches"),
        Unit.DAYS,
        group="last_touch",
        meaning="Days since the last activity of any kind.",
        wording=Wording(
            "The last activity was {value} ago.",
            peers="deals without activity for {bin}",
            zero="There was activity today.",
            missing="No activity yet.",
        ),
        actionable=True,
        bins=(0, 3, 7, 14, 30, 60),
    ),
    Feature(
        "touches_7d",
        Count("touches", days=7),
        Unit.COUNT,
        group="touches",
        meaning="Activities of any kind in the last 7 days.",
        wording=Wording(
            "{value} in the last week.",
            peers="deals with {bin} in a week",
            zero="No activity in the last week.",
        ),
        noun=("activity", "activities"),
        bins=(0, 1, 3, 6, 10),
    ),
    Feature(
        "touches_30d",
        Count("touches", days=30),
        Unit.COUNT,
        group="touches",
        meaning="Activities of any kind in the last 30 days.",
        wording=Wording(
            "{value} in the last 30 days.",
            peers="deals with {bin} in 30 days",
            zero="No activity in 30 days.",
        ),
        noun=("activity", "activities"),
        bins=(0, 1, 4, 8, 15, 30),
        volume=True,
    ),
    Feature(
        "touches_90d",
        Count("touches", days=90),
        Unit.COUNT,
        group="touches",
        meaning="Activities of any kind in the last 90 days.",
        wording=Wording(
            "{value} in the last 90 days.",
            peers="deals with {bin} in 90 days",
            zero="No activity in 90 days.",
        ),
        noun=("activity", "activities"),
        bins=(0, 1, 8, 15, 30, 60),
    ),
    Feature(
        "touches_total",
        Count("touches"),
        Unit.COUNT,
        group="touches",
        meaning="Activities of any kind since the deal began.",
        wording=Wording("{value} so far.", peers="deals with {bin} so far", zero="No activity so far."),
        noun=("activity", "activities"),
    ),
    Feature(
        "touch_trend",
        Count("touches", days=14) * 2 - Count("touches", days=28),
        Unit.COUNT,
        group="touches",
        meaning="Activities of any kind in the last 14 days less those of the 14 days before.",
        wording=Wording(
            "{value} more in the last two weeks than in the two before.",
            peers="deals with {bin}",
            zero="As much activity in the last two weeks as in the two before.",
            negative="{value} fewer in the last two weeks than in the two before.",
        ),
        noun=("activity", "activities"),
        bins=(-9999, -5, -1, 0, 1, 5),
        bin_names=(
            "much less activity than before",
            "less activity than before",
            "slightly less activity than before",
            "as much activity as before",
            "more activity than before",
            "much more activity than before",
        ),
    ),
)

_RHYTHM = (
    Feature(
        "active_weeks_90d",
        Count("touches", "new_week", 90),
        Unit.COUNT,
        group="rhythm",
        meaning="In how many weeks of the last 90 days there was activity.",
        wording=Wording(
            "There was activity in {value} of the last 90 days.",
            peers="deals with activity in {bin} of 90 days",
            zero="There was no activity in any week of the last 90 days.",
        ),
        noun=("week", "weeks"),
        bins=(0, 1, 2, 4, 7, 10),
        volume=True,
    ),
    Feature(
        "quiet_against_rhythm",
        Since("touches") / ((SinceFirst("touches") - Since("touches")) / (Count("touches") - 1)),
        Unit.RATIO,
        group="last_touch",
        meaning="Days since the last activity ÷ the usual gap between this deal's activities.",
        wording=Wording(
            "It has been quiet for {value} as long as is usual on this deal.",
            peers="deals quiet for {bin} as long as is usual for them",
            missing="Too few activities to know the deal's rhythm.",
        ),
        bins=(0, 0.5, 1, 2, 4, 8),
    ),
    Feature(
        "kinds_of_activity",
        Distinct("touches", "kind"),
        Unit.COUNT,
        group="rhythm",
        meaning="How many different kinds of activity there were.",
        wording=Wording(
            "{value} of activity so far.",
            peers="deals with {bin} of activity",
            zero="No activity of any kind so far.",
        ),
        noun=("kind", "kinds"),
        bins=(0, 1, 2, 3, 4),
    ),
    Feature(
        "days_to_first_touch",
        AGE - SinceFirst("touches"),
        Unit.DAYS,
        group="first_touch",
        meaning="Days from the deal's entry to its first activity; negative where that came before.",
        wording=Wording(
            "The first activity came {value} after the deal was entered.",
            peers="deals whose first activity came {bin}",
            zero="The first activity came on the day on which the deal was entered.",
            negative="The first activity came {value} before the deal was entered.",
            missing="No activity yet.",
        ),
        bins=(-9999, 0, 1, 3, 7, 14),
        bin_names=(
            "before they were entered",
            "within a day",
            "within 1 to 3 days",
            "within 3 to 7 days",
            "within 7 to 14 days",
            "after 14 days or more",
        ),
        practice=Practice(
            "been in touch within {bound} of their entry",
            (1, 3, 7),
            below=True,
            once="been in touch on the first day",
            mendable=False,
        ),
    ),
)


def _own_kind(kind: str, *, done: bool) -> tuple[Feature, Feature]:
    # A kind with its phase behind a colon ("offer:sent") tells one story with the kind's other phases.
    group = f"kind_{kind.split(':', maxsplit=1)[0]}"
    said = kind.replace("{", "{{").replace("}", "}}")  # a kind is any text, wording is a template
    return (
        Feature(
            f"count:{kind}",
            Count("touches", f"kind:{kind}"),
            Unit.TIMES,
            group=group,
            meaning=f"Times that '{kind}' was logged so far.",
            wording=Wording(
                f"'{said}' was logged {{value}}.",
                peers=f"deals with '{said}' logged {{bin}}",
                zero=f"'{said}' was not logged so far.",
            ),
            practice=Practice(f"logged '{said}'") if done else None,
            volume=True,
        ),
        Feature(
            f"days_since:{kind}",
            Since("touches", f"kind:{kind}"),
            Unit.DAYS,
            group=group,
            meaning=f"Days since '{kind}' was last logged.",
            wording=Wording(
                f"'{said}' was last logged {{value}} ago.",
                peers=f"deals with '{said}' last logged {{bin}} ago",
                zero=f"'{said}' was logged today.",
                missing=f"'{said}' was not logged so far.",
            ),
        ),
    )


def touches(histories: Histories, kinds: tuple[str, ...] = ()) -> Events | Absent:
    """One event an activity, dated when it had both taken place and been recorded; sorted by deal and time.

    `new_week` is the first of its week on its deal.
    """
    if not histories.has("activities"):
        return NO_ACTIVITIES
    rows, deal, at = histories.activities_in_order()
    code, names = kinds_of(histories)
    code, lower = code[rows], names.str.lower()
    filters = {name: of_code(np.asarray(lower == name), code) for name in KNOWN_KINDS}
    filters |= {f"kind:{name}": of_code(np.asarray(names == name), code) for name in kinds}
    kind = np.append(lower.unique().get_indexer(lower), -1)[code]
    return Events(deal, at, {"kind": kind, "new_week": is_new_week(deal, at), **filters})


def is_new_week(deal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether each event is the first of its week on its deal; sorted by deal and time. Shape (n,), bool."""
    return (np.diff(deal, prepend=-1) != 0) | (np.diff(at // (7 * DAY), prepend=-1) != 0)


def kinds_of(histories: Histories) -> tuple[np.ndarray, pd.Index]:
    """Each activity's kind as a code, and the kinds by code, as they are written."""
    (code,), names = encode([histories.tables["activities"]["kind"]])
    return code, names

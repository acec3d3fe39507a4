"""What passed between seller and buyer: messages either way."""

from __future__ import annotations

import numpy as np

from crm.coding import encode
from features.families.engagement import NO_ACTIVITIES, is_new_week, kinds_of
from features.feature import Absent, Family, Feature, Practice, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Question, Since, SinceFirst
from features.stream import Events
from features.text import of_code

NO_DIRECTION = Absent("no activity says who wrote to whom (direction)")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's stream and features."""
    del vocabulary
    return Family("engagement", {"replies": StreamSource("deal", replies)}, (*_REPLIES, *_OUTREACH))


def _rhythm() -> Question:
    """Days since the last reply ÷ the mean gap between the replies before it."""
    spread = SinceFirst("replies", "inbound") - Since("replies", "inbound")
    return Since("replies", "inbound") / (spread / (Count("replies", "inbound") - 1))


_REPLIES = (
    Feature(
        "days_since_inbound",
        Since("replies", "inbound"),
        Unit.DAYS,
        group="buyer_silence",
        meaning="Days since the buyer was last heard from.",
        wording=Wording(
            "No reply from the buyer for {value}.",
            peers="deals without a reply for {bin}",
            zero="The buyer replied today.",
            missing="The buyer has not been heard from yet.",
        ),
        actionable=True,
        bins=(0, 3, 7, 14, 21, 30, 60),
    ),
    Feature(
        "inbound_7d",
        Count("replies", "inbound", 7),
        Unit.COUNT,
        group="buyer_replies",
        meaning="Messages from the buyer in the last 7 days.",
        wording=Wording(
            "{value} from the buyer in the last week.",
            peers="deals with {bin} in the last week",
            zero="Nothing from the buyer in the last week.",
        ),
        bins=(0, 1, 2, 3, 5),
        noun=("reply", "replies"),
    ),
    Feature(
        "inbound_30d",
        Count("replies", "inbound", 30),
        Unit.COUNT,
        group="buyer_replies",
        meaning="Messages from the buyer in the last 30 days.",
        wording=Wording(
            "{value} from the buyer in the last 30 days.",
            peers="deals with {bin} in 30 days",
            zero="Nothing from the buyer in the last 30 days.",
        ),
        bins=(0, 1, 2, 4, 7, 11),
        noun=("reply", "replies"),
    ),
    Feature(
        "inbound_90d",
        Count("replies", "inbound", 90),
        Unit.COUNT,
        group="buyer_replies",
        meaning="Messages from the buyer in the last 90 days.",
        wording=Wording(
            "{value} from the buyer in the last 90 days.",
            peers="deals with {bin} in 90 days",
            zero="Nothing from the buyer in the last 90 days.",
        ),
        bins=(0, 1, 4, 8, 15, 30),
        noun=("reply", "replies"),
    ),
    Feature(
        "inbound_trend",
        Count("replies", "inbound", 14) * 2 - Count("replies", "inbound", 28),
        Unit.COUNT,
        group="buyer_replies",
        meaning="Messages from the buyer in the last 14 days less those of the 14 days before.",
        wording=Wording(
            "{value} more from the buyer in the last two weeks than in the two before.",
            peers="deals with {bin}",
            zero="As many replies in the last two weeks as in the two before.",
            negative="{value} fewer from the buyer in the last two weeks than in the two before.",
        ),
        noun=("reply", "replies"),
        bins=(-9999, -3, -1, 0, 1, 3),
        bin_names=(
            "many fewer replies than before",
            "fewer replies than before",
            "slightly fewer replies than before",
            "as many replies as before",
            "more replies than before",
            "many more replies than before",
        ),
    ),
    Feature(
        "silence_against_rhythm",
        _rhythm(),
        Unit.RATIO,
        group="buyer_silence",
        meaning="Days since the buyer's last reply ÷ the usual gap between this deal's replies.",
        wording=Wording(
            "The buyer's silence is {value} as long as the usual gap on this deal.",
            peers="deals silent {bin} as long as is usual for them",
            missing="Too few replies to know the buyer's rhythm.",
        ),
        actionable=True,
        bins=(0, 0.5, 1, 2, 4, 8),
    ),
    Feature(
        "inbound_share",
        Count("replies", "inbound") / Count("replies", "message"),
        Unit.SHARE,
        group="buyer_replies",
        meaning="Share of all messages that came from the buyer.",
        wording=Wording(
            "{value} of the messages came from the buyer.",
            peers="deals where {bin} of the messages came from the buyer",
            zero="None of the messages came from the buyer.",
            missing="No messages yet.",
        ),
        bins=(0, 0.1, 0.2, 0.3, 0.4, 0.5),
    ),
    Feature(
        "inbound_share_30d",
        Count("replies", "inbound", 30) / Count("replies", "message", 30),
        Unit.SHARE,
        group="buyer_replies",
        meaning="Share of the messages of the last 30 days that came from the buyer.",
        wording=Wording(
            "{value} of the messages of the last 30 days came from the buyer.",
            peers="deals where {bin} of the messages of 30 days came from the buyer",
            zero="None of the messages of the last 30 days came from the buyer.",
            missing="No messages in the last 30 days.",
        ),
        bins=(0, 0.1, 0.2, 0.3, 0.4, 0.5),
    ),
    Feature(
        "buyer_weeks_90d",
        Count("replies", "buyer_new_week", 90),
        Unit.COUNT,
        group="buyer_replies",
        meaning="In how many weeks of the last 90 days the buyer was heard from.",
        wording=Wording(
            "The buyer was heard from in {value} of the last 90 days.",
            peers="deals whose buyer was heard from in {bin} of 90 days",
            zero="The buyer was not heard from in any week of the last 90 days.",
        ),
        noun=("week", "weeks"),
        bins=(0, 1, 2, 4, 7),
    ),
)

_OUTREACH = (
    Feature(
        "outbound_7d",
        Count("replies", "outbound", 7),
        Unit.COUNT,
        group="outreach",
        meaning="Messages to the buyer in the last 7 days.",
        wording=Wording(
            "{value} to the buyer in the last week.",
            peers="deals with {bin} in a week",
            zero="Nothing sent to the buyer in the last week.",
        ),
        bins=(0, 1, 2, 3, 5),
        noun=("message", "messages"),
    ),
    Feature(
        "outbound_30d",
        Count("replies", "outbound", 30),
        Unit.COUNT,
        group="outreach",
        meaning="Messages to the buyer in the last 30 days.",
        wording=Wording(
            "{value} to the buyer in the last 30 days.",
            peers="deals with {bin} in 30 days",
            zero="Nothing sent to the buyer in the last 30 days.",
        ),
        bins=(0, 1, 3, 6, 10, 15),
        noun=("message", "messages"),
        volume=True,
    ),
    Feature(
        "days_since_outbound",
        Since("replies", "outbound"),
        Unit.DAYS,
        group="outreach",
        meaning="Days since the buyer was last written to or called.",
        wording=Wording(
            "The buyer was last written to or called {value} ago.",
            peers="deals whose buyer was last written to or called {bin} ago",
            zero="The buyer was written to or called today.",
            missing="The buyer has not been written to or called yet.",
        ),
        actionable=True,
        bins=(0, 3, 7, 14, 30, 60),
        practice=Practice("written to or called the buyer in the last {bound}", (3, 7, 14, 30), below=True),
    ),
)


def replies(histories: Histories) -> Events | Absent:
    """One event a message to or from the buyer or a proposal, dated when it had been both sent and recorded.

    Sorted by deal and time. A message answers (`buyer_answers`, `seller_answers`) where an earlier one had gone
    the other way since the last that went its way; `…_millis` is how long the first of those had waited.
    """
    if not histories.has("activities"):
        return NO_ACTIVITIES
    if not histories.gives("activities", "direction"):
        return NO_DIRECTION
    inbound, outbound = directions(histories)
    code, names = kinds_of(histories)
    proposal = of_code(np.asarray(names.str.lower() == "proposal"), code)
    rows, deal, at = histories.activities_in_order(inbound | outbound | proposal)
    inbound, outbound = inbound[rows], outbound[rows]
    new_week = np.zeros(len(rows), dtype=bool)
    new_week[inbound] = is_new_week(deal[inbound], at[inbound])
    buyer, seller = _waits(deal, at, outbound, inbound), _waits(deal, at, inbound, outbound)
    return Events(
        deal,
        at,
        {
            "inbound": inbound,
            "outbound": outbound,
            "message": inbound | outbound,
            "proposal": proposal[rows],
            "buyer_new_week": new_week,
            "buyer_answers": buyer >= 0,
            "buyer_millis": np.maximum(buyer, 0),
            "seller_answers": seller >= 0,
            "seller_millis": np.maximum(seller, 0),
        },
    )


def directions(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Whether each activity came from the buyer, and whether it went to the buyer; shape (activities,), bool."""
    (code,), names = encode([histories.tables["activities"]["direction"]])
    lower = names.str.lower()
    return of_code(np.asarray(lower == "inbound"), code), of_code(np.asarray(lower == "outbound"), code)


def _waits(deal: np.ndarray, at: np.ndarray, asks: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """How long the first unanswered message had waited for each that answers; -1 of those that answer nothing.

    A message answers those of the other side that are strictly earlier and not before its own side's last; so
    which comes first of messages of one millisecond makes no difference. Shape (n,) each, sorted by deal and time.
    """
    place = np.arange(len(at))
    new_deal = np.diff(deal, prepend=-1) != 0
    instant = np.maximum.accumulate(np.where(new_deal | (np.diff(at, prepend=-1) != 0), place, 0))
    begin = np.maximum.accumulate(np.where(new_deal, place, 0))
    last_answer = np.append(-1, np.maximum.accumulate(np.where(answers, place, -1)))[instant]
    since = np.where(last_answer >= begin, instant[last_answer], begin)
    first_ask = np.minimum.accumulate(np.where(asks, place, len(at))[::-1])[::-1][since]
    waited = at - at[np.minimum(first_ask, place)]
    return np.where(answers & (first_ask < instant), waited, -1)

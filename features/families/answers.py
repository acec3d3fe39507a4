"""Who waits for whom: messages that are unanswered, and how long answers take."""

from __future__ import annotations

from crm.clock import DAY
from features.feature import Family, Feature, Practice, Unit, Vocabulary, Wording
from features.questions import Count, CountAfter, Since, Sum, known


def declare(vocabulary: Vocabulary) -> Family:
    """The family's features, all of them asked of the stream of replies."""
    del vocabulary
    return Family("engagement", {}, _FEATURES)


_FEATURES = (
    Feature(
        "unanswered_outbound",
        CountAfter("replies", "outbound", "inbound"),
        Unit.COUNT,
        group="buyer_silence",
        meaning="Messages to the buyer since the buyer was last heard from.",
        wording=Wording(
            "{value} to the buyer without an answer so far.",
            peers="deals with {bin} to the buyer without an answer",
            zero="No message to the buyer waits for an answer.",
        ),
        noun=("message", "messages"),
        bins=(0, 1, 2, 3, 5, 8),
    ),
    Feature(
        "unanswered_inbound",
        CountAfter("replies", "inbound", "outbound"),
        Unit.COUNT,
        group="waiting_buyer",
        meaning="Messages from the buyer since the buyer was last written to or called.",
        wording=Wording(
            "{value} from the buyer without an answer so far.",
            peers="deals with {bin} from the buyer without an answer",
            zero="No message from the buyer waits for an answer.",
        ),
        noun=("message", "messages"),
        actionable=True,
        bins=(0, 1, 2, 3),
        practice=Practice("left no message from the buyer waiting", below=True),
    ),
    Feature(
        "buyer_reply_days",
        Sum("replies", "buyer_millis") / DAY / Count("replies", "buyer_answers"),
        Unit.DAYS,
        group="buyer_replies",
        meaning="Days that the buyer took to answer a message, on average.",
        wording=Wording(
            "The buyer takes {value} to answer, on average.",
            peers="deals whose buyer takes {bin} to answer",
            missing="The buyer has not answered a message yet.",
        ),
        bins=(0, 1, 2, 4, 7, 14),
    ),
    Feature(
        "seller_reply_days",
        Sum("replies", "seller_millis") / DAY / Count("replies", "seller_answers"),
        Unit.DAYS,
        group="waiting_buyer",
        meaning="Days that the buyer's messages waited for an answer, on average.",
        wording=Wording(
            "The buyer waits {value} for an answer, on average.",
            peers="deals whose buyer waits {bin} for an answer",
            missing="No message from the buyer has been answered yet.",
        ),
        actionable=True,
        bins=(0, 1, 2, 4, 7),
        practice=Practice("answered the buyer within {bound} on average", (1, 2, 4, 7), below=True, only_known=True),
    ),
    Feature(
        "replies_since_proposal",
        CountAfter("replies", "inbound", "proposal") / known(Since("replies", "proposal")),
        Unit.COUNT,
        group="proposals",
        meaning="Messages from the buyer since the last proposal.",
        wording=Wording(
            "{value} from the buyer since the last proposal.",
            peers="deals with {bin} since the last proposal",
            zero="Nothing from the buyer since the last proposal.",
            missing="No proposal yet.",
        ),
        noun=("reply", "replies"),
        bins=(0, 1, 2, 4),
    ),
)

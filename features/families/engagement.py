"""What passed between seller and buyer: touches, replies, rhythm, meetings."""

from __future__ import annotations

from features.feature import Absent, Family, Feature, StreamSource, Unit, Vocabulary, Wording
from features.histories import Histories
from features.questions import Count, Question, Since, SinceFirst
from features.stream import Events

KNOWN_KINDS = ("email", "call", "meeting", "demo", "proposal", "task")
"""Activity kinds that have features by name; a company's own kinds come from the vocabulary."""

_NONE = Absent("there are no activities")
_NO_DIRECTION = Absent("no activity says who wrote to whom (direction)")


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features; own activity kinds get two features each."""
    own = [feature for kind in vocabulary.kinds for feature in _own_kind(kind)]
    return Family(
        "engagement",
        {
            "touches": StreamSource("deal", lambda histories: touches(histories, vocabulary.kinds)),
            "replies": StreamSource("deal", replies),
            "booked": StreamSource("deal", booked),
        },
        (*_REPLIES, *_TOUCHES, *_MEETINGS, *own),
    )


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
        Count("replies", "inbound") / Count("replies"),
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
    ),
)

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
)


def _count_of(kind: str, days: float | None, spoken: tuple[str, str]) -> Feature:
    name = f"{kind}s_{round(days)}d" if days else f"{kind}s"
    when = f"in the last {round(days)} days" if days else "so far"
    return Feature(
        name,
        Count("touches", kind, days),
        Unit.COUNT,
        group=f"{kind}s",
        meaning=f"{spoken[1].capitalize()} {when}.",
        wording=Wording(f"{{value}} {when}.", peers=f"deals with {{bin}} {when}", zero=f"No {spoken[0]} {when}."),
        noun=spoken,
        bins=(0, 1, 2, 3, 5),
        actionable=kind in ("meeting", "demo", "proposal"),
    )


_MEETINGS = (
    _count_of("meeting", None, ("meeting", "meetings")),
    _count_of("meeting", 30, ("meeting", "meetings")),
    _count_of("call", 30, ("call", "calls")),
    _count_of("demo", None, ("demo", "demos")),
    _count_of("proposal", None, ("proposal", "proposals")),
    Feature(
        "days_since_meeting",
        Since("touches", "meeting"),
        Unit.DAYS,
        group="meetings",
        meaning="Days since the last meeting.",
        wording=Wording(
            "The last meeting was {value} ago.",
            peers="deals whose last meeting was {bin} ago",
            zero="There was a meeting today.",
            missing="No meeting yet.",
        ),
        actionable=True,
        bins=(0, 7, 14, 30, 60),
    ),
    Feature(
        "meetings_ahead",
        Count("booked", "meeting") - Count("touches", "meeting"),
        Unit.COUNT,
        group="meetings_ahead",
        meaning="Meetings booked at the date that had not taken place yet.",
        wording=Wording("{value} booked ahead.", peers="deals with {bin} ahead", zero="No meeting booked ahead."),
        noun=("meeting", "meetings"),
        actionable=True,
        bins=(0, 1, 2),
    ),
)


def _own_kind(kind: str) -> tuple[Feature, Feature]:
    # A kind with its phase behind a colon ("offer:sent") tells one story with the kind's other phases.
    group = f"kind_{kind.split(':', maxsplit=1)[0]}"
    said = kind.replace("{", "{{").replace("}", "}}")  # a kind is any text, wording is a template
    return (
        Feature(
            f"count:{kind}",
            Count("touches", f"kind:{kind}"),
            Unit.TIMES,
            group=group,
            meaning=f"How often '{kind}' was logged so far.",
            wording=Wording(
                f"'{said}' was logged {{value}}.",
                peers=f"deals with '{said}' logged {{bin}}",
                zero=f"'{said}' was not logged so far.",
            ),
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
    """One event an activity, dated when it had both taken place and been recorded."""
    activities = histories.tables["activities"]
    if not histories.has("activities"):
        return _NONE
    kind = activities["kind"].str.lower()
    filters = {name: (kind == name).to_numpy(bool) for name in KNOWN_KINDS}
    filters |= {f"kind:{name}": (activities["kind"] == name).to_numpy(bool) for name in kinds}
    return Events(histories.deal_rows(activities["opportunity_id"]), histories.activity_done, filters)


def replies(histories: Histories) -> Events | Absent:
    """One event a message to or from the buyer, dated when it had both been sent and been recorded."""
    if not histories.gives("activities", "direction"):
        return _NO_DIRECTION if histories.has("activities") else _NONE
    activities = histories.tables["activities"]
    direction = activities["direction"].str.lower()
    two_way = direction.isin(["inbound", "outbound"]).to_numpy(bool)
    inbound = (direction[two_way] == "inbound").to_numpy(bool)
    return Events(
        histories.deal_rows(activities["opportunity_id"][two_way]),
        histories.activity_done[two_way],
        {"inbound": inbound, "outbound": ~inbound},
    )


def booked(histories: Histories) -> Events | Absent:
    """One event a meeting, dated when it became known, which for a meeting ahead is before it takes place."""
    activities = histories.tables["activities"]
    if not histories.has("activities"):
        return _NONE
    if not histories.gives("activities", "recorded_at"):
        return Absent("no activity says when it was recorded (recorded_at), so none is known ahead")
    return Events(
        histories.deal_rows(activities["opportunity_id"]),
        histories.activity_recorded,
        {"meeting": (activities["kind"].str.lower() == "meeting").to_numpy(bool)},
    )

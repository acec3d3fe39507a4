"""How the deal has moved through the process, and at what pace."""

from __future__ import annotations

from features.feature import Family, Feature, Unit, Vocabulary, Wording
from features.questions import Count, Question, Since, SinceFirst, Sum


def declare(vocabulary: Vocabulary) -> Family:
    """The family's features, all of them asked of the stream of stages."""
    del vocabulary
    return Family("stage", {}, (*_MOVES, *_PACE))


_MOVES = (
    Feature(
        "moves_forward",
        Count("stages", "forward"),
        Unit.TIMES,
        group="stage_moves",
        meaning="How often the deal has moved to a later stage.",
        wording=Wording("Moved forward {value}.", peers="deals moved forward {bin}", zero="Has not moved forward yet."),
        bins=(0, 1, 2, 3, 4, 5),
    ),
    Feature(
        "moves_back",
        Count("stages", "backward"),
        Unit.TIMES,
        group="moves_back",
        meaning="How often the deal has moved to an earlier stage.",
        wording=Wording("Moved back {value}.", peers="deals moved back {bin}", zero="Has never moved back."),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "stages_skipped",
        Sum("stages", "skipped"),
        Unit.COUNT,
        group="stage_moves",
        meaning="How many stages the deal has passed over.",
        wording=Wording(
            "Passed over {value}.", peers="deals that passed over {bin}", zero="Passed through every stage."
        ),
        bins=(0, 1, 2),
        noun=("stage", "stages"),
    ),
    Feature(
        "days_since_forward",
        Since("stages", "forward"),
        Unit.DAYS,
        group="stage_moves",
        meaning="Days since the last move to a later stage.",
        wording=Wording(
            "Last moved forward {value} ago.",
            peers="deals that last moved forward {bin} ago",
            zero="Moved forward today.",
            missing="Has not moved forward yet.",
        ),
        actionable=True,
    ),
    Feature(
        "days_since_backward",
        Since("stages", "backward"),
        Unit.DAYS,
        group="moves_back",
        meaning="Days since the last move to an earlier stage.",
        wording=Wording(
            "Last moved back {value} ago.",
            peers="deals that last moved back {bin} ago",
            zero="Moved back today.",
            missing="Has never moved back.",
        ),
    ),
    Feature(
        "reopened",
        Count("stages", "reopened"),
        Unit.TIMES,
        group="reopened",
        meaning="How often the deal was reopened after being closed.",
        wording=Wording("Was reopened {value}.", peers="deals reopened {bin}", zero="Was never reopened."),
        bins=(0, 1),
    ),
)


_DAYS_PER_MOVE: Question = (SinceFirst("stages") - Since("stages", "forward")) / Count("stages", "forward")

_PACE = (
    Feature(
        "moves_forward_30d",
        Count("stages", "forward", 30),
        Unit.TIMES,
        group="stage_pace",
        meaning="How often the deal moved to a later stage in the last 30 days.",
        wording=Wording(
            "Moved forward {value} in the last 30 days.",
            peers="deals moved forward {bin} in 30 days",
            zero="Has not moved forward in the last 30 days.",
        ),
        bins=(0, 1, 2, 3),
    ),
    Feature(
        "stage_moves_90d",
        Count("stages", "moved", 90),
        Unit.TIMES,
        group="stage_pace",
        meaning="How often the deal went from one open stage to another, either way, in the last 90 days.",
        wording=Wording(
            "Changed stage {value} in the last 90 days.",
            peers="deals that changed stage {bin} in 90 days",
            zero="Has not changed stage in the last 90 days.",
        ),
        bins=(0, 1, 2, 3, 5),
    ),
    Feature(
        "days_per_move",
        _DAYS_PER_MOVE,
        Unit.DAYS,
        group="stage_pace",
        meaning="Days from the deal's entry to its last move forward ÷ the number of its moves forward.",
        wording=Wording(
            "Took {value} per move forward so far.",
            peers="deals that took {bin} per move forward",
            missing="Has not moved forward yet.",
        ),
    ),
    Feature(
        "standstill_against_pace",
        Since("stages", "forward") / _DAYS_PER_MOVE,
        Unit.RATIO,
        group="stage_pace",
        meaning="Days since the last move forward ÷ the days that the deal took per move until then.",
        wording=Wording(
            "Has stood still for {value} as long as each move forward took until then.",
            peers="deals standing still {bin} as long as they took per move",
            missing="Too few moves forward to know the deal's pace.",
        ),
        actionable=True,
        bins=(0, 0.5, 1, 2, 4, 8),
    ),
)

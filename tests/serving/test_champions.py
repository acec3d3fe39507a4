"""Who was champion when, and where a rollback leads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from serving.champions import How, Promotion, challenger_of, line_of_champions

WHEN = datetime(2026, 8, 10, tzinfo=UTC).replace(tzinfo=None)


def promotions(*steps: str) -> list[Promotion]:
    """Promotions in short: "3" was promoted, "<2" rolled back to, "!4" forced."""
    marks = {"<": How.ROLLBACK, "!": How.FORCED}
    return [
        Promotion(i, step.lstrip("<!"), None, marks.get(step[0], How.GATE), "", "", WHEN)
        for i, step in enumerate(steps, start=1)
    ]


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ((), ()),
        (("1",), ("1",)),
        (("1", "2", "!3"), ("1", "2", "3")),
        (("1", "2", "3", "<2"), ("1", "2")),
        (("1", "2", "3", "<2", "<1"), ("1",)),
        (("1", "2", "<1", "3"), ("1", "3")),
        (("1", "2", "<1", "3", "<1"), ("1",)),
        (("1", "2", "<1", "2"), ("1", "2")),
        (("1", "2", "1"), ("1", "2", "1")),
    ],
)
def test_a_rollback_goes_back_along_the_line_and_a_promotion_goes_on(steps, line):
    found = line_of_champions(promotions(*steps))
    assert found == line
    assert not steps or found[-1] == promotions(*steps)[-1].version


def test_the_challenger_is_the_newest_version_unless_it_has_been_champion():
    assert challenger_of([], []) is None
    assert challenger_of(["1", "2"], []) == "2"
    assert challenger_of(["1", "2"], promotions("1")) == "2"
    assert challenger_of(["1", "2"], promotions("2")) is None
    assert challenger_of(["1", "2"], promotions("1", "2", "<1")) is None
    assert challenger_of(["1", "2", "10"], promotions("1", "2", "<1")) == "10"

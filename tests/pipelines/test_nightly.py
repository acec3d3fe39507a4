"""A night from its declared parts: what each needs, and that a new one is one declaration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm.errors import DealcastError, WrongUse
from pipelines.config import Config, Home
from pipelines.night_parts import Part, Told, parts_of
from pipelines.nightly import nightly
from pipelines.nights import State

SINK = {"kind": "file", "path": "scores.csv"}


def told(*says: str) -> Told:
    return Told(says, {})


def declared(*more: Part) -> tuple[Part, ...]:
    """The parts of a night, whose work is only to say that it was done, and more of them."""
    return (*(replace(part, work=lambda work: told("done")) for part in parts_of(Config())), *more)


def night_of(parts, home):
    announced: list[str] = []
    return nightly(home, "2026-08-14", Home(home), parts, announced.append), announced


def test_the_parts_are_those_of_the_configuration() -> None:
    plain = ["sync", "check", "score", "forecast", "retrain"]
    assert [part.name for part in parts_of(Config())] == plain
    parts = parts_of(Config(sinks={"crm": SINK, "lake": SINK}, write_back=("crm", "lake")))
    assert [part.name for part in parts] == [*plain[:3], "write back to crm", "write back to lake", *plain[3:]]
    for place, part in enumerate(parts):
        assert set(part.needs) <= {one.name for one in parts[:place]}


def test_a_sink_that_is_off_shows_before_the_night_begins() -> None:
    with pytest.raises(WrongUse, match="there is no sink 'crm'"):
        parts_of(Config(write_back=("crm",)))


def test_a_new_part_is_one_declaration(tmp_path) -> None:
    mail = Part("mail", ("score",), lambda work: told(f"sent what was known at {work.as_of}"))
    night, announced = night_of(declared(mail), tmp_path)
    assert announced[-1] == "mail"
    assert (night.stages[-1].name, night.stages[-1].says) == ("mail", ("sent what was known at 2026-08-14",))
    assert night.whole


def test_what_needs_a_part_that_failed_is_left_out_and_the_rest_is_done(tmp_path) -> None:
    def fails(work):
        raise DealcastError("nobody answers")

    parts = declared(
        Part("mail", ("score",), fails),
        Part("count the mail", ("mail", "check"), lambda work: told("1")),
        Part("sweep", (), lambda work: told("swept")),
    )
    night, announced = night_of(parts, tmp_path)
    states = {stage.name: stage.state for stage in night.stages[-3:]}
    assert states == {"mail": State.FAILED, "count the mail": State.LEFT_OUT, "sweep": State.DONE}
    assert night.stage("count the mail").says == ("needs what mail brings",)
    assert "count the mail" not in announced

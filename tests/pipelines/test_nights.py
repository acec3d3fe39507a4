"""The record of nights: which night goes on, which one begins, and what its exit code is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crm.errors import DATA_REFUSED, DONE, FAILED, GATE_NOT_PASSED
from pipelines.nights import GOES_ON_WITHIN, KEPT, Night, Nights, Stage, State

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NAMES = ("sync", "check", "score")


def night(*stages: Stage) -> Night:
    return Night("20260302T013000-0000", "data", "now", NOW, stages)


def done(name: str) -> Stage:
    return Stage(name, State.DONE, says=("all is well",), facts={"rows": 3})


def begun_again(nights: Nights, later: timedelta = timedelta(minutes=5), **other: str) -> Night:
    asked = {"source": "data", "asked": "now", **other}
    return nights.begin(asked["source"], asked["asked"], NAMES, NOW + later)


@pytest.fixture
def nights(tmp_path) -> Nights:
    return Nights(tmp_path / "nightly")


def test_what_is_kept_is_read_again_as_it_was(nights) -> None:
    kept = replace(night(done("sync"), Stage("check", State.FAILED, FAILED, 2.5, ("no", "why"))), as_of="2026-03-01")
    nights.keep(kept)
    assert nights.last() == kept


@pytest.mark.parametrize("state", [State.FAILED, State.REFUSED, State.UNDER_WAY, State.LEFT_OUT])
def test_a_night_that_was_stopped_goes_on_with_what_was_not_done(nights, state) -> None:
    nights.keep(night(done("sync"), Stage("check", state, FAILED), Stage("score")))
    found = begun_again(nights)
    assert found.night_id == "20260302T013000-0000"
    assert [stage.state for stage in found.stages] == [State.DONE, State.WAITING, State.WAITING]
    assert (found.stages[0].says, found.resumed) == (("all is well",), 1)


@pytest.mark.parametrize(
    ("later", "other"),
    [
        (GOES_ON_WITHIN, {}),
        (timedelta(minutes=5), {"source": "elsewhere"}),
        (timedelta(minutes=5), {"asked": "2026-01-01"}),
    ],
)
def test_another_evening_other_data_or_another_date_is_another_night(nights, later, other) -> None:
    nights.keep(night(done("sync"), Stage("check", State.FAILED, FAILED), Stage("score")))
    found = begun_again(nights, later, **other)
    assert found.night_id != "20260302T013000-0000"
    assert {stage.state for stage in found.stages} == {State.WAITING}


def test_after_a_whole_night_a_new_one_begins(nights) -> None:
    nights.keep(night(*map(done, NAMES)))
    assert begun_again(nights).resumed == 0


def test_a_model_that_did_not_pass_the_gate_makes_no_night_unfinished(nights) -> None:
    refused = night(done("sync"), done("check"), Stage("score", State.REFUSED, GATE_NOT_PASSED))
    assert (refused.whole, refused.code) == (True, GATE_NOT_PASSED)
    nights.keep(refused)
    assert begun_again(nights).resumed == 0


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((), DONE),
        ((GATE_NOT_PASSED,), GATE_NOT_PASSED),
        ((DATA_REFUSED,), DATA_REFUSED),
        ((FAILED, DATA_REFUSED), FAILED),
        ((GATE_NOT_PASSED, FAILED), FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_first_stage_that_was_stopped_the_gate_last(codes, code) -> None:
    stopped = [Stage(f"stage {n}", State.FAILED, one) for n, one in enumerate(codes)]
    assert night(done("sync"), *stopped).code == code


def test_only_so_many_nights_are_remembered(nights, tmp_path) -> None:
    for day in range(KEPT + 3):
        nights.keep(replace(night(done("sync")), night_id=f"{NOW + timedelta(days=day):%Y%m%dT%H%M%S}-0000"))
    kept = sorted(path.stem for path in (tmp_path / "nightly").glob("*.json"))
    assert (len(kept), kept[-1][:8]) == (KEPT, f"{NOW + timedelta(days=KEPT + 2):%Y%m%d}")

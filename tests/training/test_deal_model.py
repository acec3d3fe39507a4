"""A deal model is one piece: it comes back as it went, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from crm.errors import FAILED, DealcastError
from crm.periods import FiscalCalendar
from features.dataset import TrainingSet
from features.feature import OwnField, Vocabulary
from features.settings import TimeSettings
from tests.training.examples import HASTY, NAN, OPEN, rows_of
from training.calibration import Calibrator
from training.deal_model import (
    Answers,
    DealModel,
    Rounds,
    fit_boosters,
    folder_digest,
    load,
    rounds_of,
    soft_outcome,
)
from training.learning import learn
from training.models.pace import Pace
from training.models.win_curve import Curve, Timing, fit_win_curve
from training.rows import Rows
from training.settings import Thresholds

EDGES = np.array([0.0, 10.0, 25.0, 60.0])
TIMING = Timing(EDGES, Pace(FiscalCalendar(), 30, (1.5, 1.0, 0.5)))
AWKWARD = ("share of offer:sent", "Zoom [call], {long}", 'say "hello"', "größe")


@pytest.fixture(scope="module")
def awkward_rows() -> Rows:
    """Rows whose features have names that LightGBM would not take."""
    rng = np.random.default_rng(0)
    n = 600
    x = rng.normal(size=(n, len(AWKWARD))).astype(np.float32)
    won = rng.random(n) < expit(2 * x[:, 0])
    return replace(
        rows_of(
            np.where(rng.random(n) < 0.2, OPEN, won),
            rng.uniform(0, 55, n),
            x=x,
            stalled=(rng.random(n) < expit(x[:, 1])).astype(float),
        ),
        names=AWKWARD,
    )


@pytest.fixture(scope="module")
def model(awkward_rows: Rows) -> DealModel:
    boosters = fit_boosters(awkward_rows, TIMING, HASTY)
    vocabulary = Vocabulary(
        ("offer:sent", "Zoom call"), ("region",), ("industry",), FiscalCalendar("month", 4, "4-5-4", "sunday"), False
    )
    own = OwnField("Rival__c", "category", "main {rival}", True, ("Acme", 'Größe, "x"\n'))
    vocabulary = replace(vocabulary, fields=(own, OwnField("budget", "money", "budget")))
    facts = {"data": {"until_millis": 5}, "reference": {"bounds": [0.1, 1e-9]}}
    time = TimeSettings(2, 45, 14, 33.25, vocabulary.calendar)
    return DealModel(boosters, Calibrator(0.3, 1.7), Calibrator(-0.1, 0.9), AWKWARD, vocabulary, time, facts)


@pytest.fixture
def saved(model: DealModel, tmp_path: Path) -> tuple[Path, str]:
    folder = tmp_path / "model"
    return folder, model.save(folder)


@pytest.fixture(scope="module")
def features(awkward_rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(awkward_rows.x, columns=list(AWKWARD))


def assert_same(one: Answers, other: Answers) -> None:
    for name in ("win", "stall"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for field in fields(Curve):
        np.testing.assert_array_equal(getattr(one.curve, field.name), getattr(other.curve, field.name), field.name)


def test_what_was_saved_answers_the_same(model: DealModel, saved: tuple[Path, str], features: pd.DataFrame) -> None:
    loaded = load(*saved)
    assert_same(loaded.answer(features), model.answer(features))
    np.testing.assert_array_equal(
        loaded.boosters.win.contributions(loaded.matrix(features)),
        model.boosters.win.contributions(model.matrix(features)),
    )
    for name in ("win_calibrator", "stall_calibrator", "names", "vocabulary", "time", "facts"):
        assert getattr(loaded, name) == getattr(model, name), name
    assert loaded.boosters.curve.edges == model.boosters.curve.edges


def test_a_model_saved_again_is_the_same_model(saved: tuple[Path, str], tmp_path: Path) -> None:
    folder, sha256 = saved
    assert load(folder, sha256).save(tmp_path / "again") == sha256
    assert folder_digest(tmp_path / "again") == folder_digest(folder) == sha256


def test_a_model_of_before_own_columns_is_read(model: DealModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    head = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    del head["vocabulary"]["fields"]
    (tmp_path / "model" / "model.json").write_text(json.dumps(head), encoding="utf-8")
    loaded = load(tmp_path / "model", folder_digest(tmp_path / "model"))
    assert loaded.vocabulary == replace(model.vocabulary, fields=())


def test_a_model_of_before_calendars_of_weeks_is_read(model: DealModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    head = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    for part in ("vocabulary", "time"):
        del head[part]["calendar"]["weeks"], head[part]["calendar"]["week_starts_on"]
    (tmp_path / "model" / "model.json").write_text(json.dumps(head), encoding="utf-8")
    loaded = load(tmp_path / "model", folder_digest(tmp_path / "model"))
    assert loaded.vocabulary.calendar == loaded.time.calendar == FiscalCalendar("month", 4)


def test_a_model_without_stall_risk_comes_back_without_it(
    model: DealModel, features: pd.DataFrame, tmp_path: Path
) -> None:
    without = replace(model, boosters=replace(model.boosters, stall=None))
    loaded = load(tmp_path / "model", without.save(tmp_path / "model"))
    assert loaded.boosters.stall is None
    answers = loaded.answer(features)
    assert np.isnan(answers.stall).all()
    np.testing.assert_array_equal(answers.win, model.answer(features).win)


def test_the_same_data_settings_and_seed_give_the_same_files(light: TrainingSet, tmp_path: Path) -> None:
    first, second = (learn(light, HASTY, Thresholds()).model.save(tmp_path / name) for name in ("first", "second"))
    assert first == second


@pytest.mark.parametrize("name", ["closing.txt", "winning.txt", "win.txt", "stall.txt", "model.json"])
def test_a_changed_byte_is_refused_before_anything_is_parsed(
    saved: tuple[Path, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sha256 = saved
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("parsed before it was checked")

    monkeypatch.setattr("training.deal_model.json.loads", never)
    monkeypatch.setattr("training.deal_model.lgb.Booster", never)
    with pytest.raises(DealcastError, match="not those that were trained") as refused:
        load(folder, sha256)
    assert refused.value.exit_code == FAILED
    assert str(folder) in str(refused.value)
    assert "roll back" in refused.value.remedy


def a_file_more(folder: Path) -> None:
    (folder / "extra.txt").write_text("x")


def a_file_in_a_folder(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "read me.txt").write_text("x")


def a_file_less(folder: Path) -> None:
    (folder / "stall.txt").unlink()


def two_files_exchanged(folder: Path) -> None:
    win, stall = (folder / "win.txt").read_bytes(), (folder / "stall.txt").read_bytes()
    (folder / "win.txt").write_bytes(stall)
    (folder / "stall.txt").write_bytes(win)


@pytest.mark.parametrize("happens", [a_file_more, a_file_in_a_folder, a_file_less, two_files_exchanged])
def test_a_folder_that_is_not_as_it_was_is_refused(saved: tuple[Path, str], happens: Callable[[Path], None]) -> None:
    folder, sha256 = saved
    happens(folder)
    with pytest.raises(DealcastError, match="not those that were trained"):
        load(folder, sha256)


def test_a_folder_that_is_gone_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DealcastError, match="files are missing") as refused:
        load(tmp_path / "nowhere", "0" * 64)
    assert refused.value.remedy


def test_there_is_no_pickle_among_the_files(saved: tuple[Path, str]) -> None:
    assert {path.suffix for path in saved[0].iterdir()} == {".txt", ".json"}
    json.loads((saved[0] / "model.json").read_text(encoding="utf-8"))


def test_columns_are_matched_by_name(model: DealModel, features: pd.DataFrame) -> None:
    shuffled = features[["größe", *reversed(AWKWARD[:-1])]].assign(unheard_of=1.0)
    assert list(shuffled) != list(features)
    assert_same(model.answer(shuffled), model.answer(features))


def test_a_column_that_is_missing_is_named(model: DealModel, features: pd.DataFrame) -> None:
    with pytest.raises(DealcastError, match="Zoom") as refused:
        model.answer(features.drop(columns=AWKWARD[1]))
    assert AWKWARD[0] not in str(refused.value)
    assert refused.value.remedy


def test_numbers_of_any_kind_answer_alike(model: DealModel, features: pd.DataFrame) -> None:
    wide = features.astype(np.float64)
    assert_same(model.answer(wide), model.answer(features))
    assert model.matrix(wide).dtype == np.float32


def test_no_deals_get_no_answers(model: DealModel, features: pd.DataFrame) -> None:
    answers = model.answer(features.iloc[:0])
    assert len(answers.win) == len(answers.stall) == len(answers.curve.won) == 0


def test_answers_are_calibrated_margins(model: DealModel, features: pd.DataFrame) -> None:
    margin = model.boosters.win.margin(model.matrix(features))
    np.testing.assert_allclose(model.answer(features).win, expit(0.3 + 1.7 * margin))


def test_wins_within_days_rise_to_the_win_probability_that_is_shown(model: DealModel, features: pd.DataFrame) -> None:
    answers = model.answer(features)
    within = np.array([answers.win_within(days) for days in (0.0, 5.0, 10.0, 40.0, 60.0)])
    assert (within[0] == 0).all()
    assert (np.diff(within, axis=0) >= 0).all()
    assert (within <= answers.win).all()
    share = answers.curve.won_within(40.0) / answers.curve.ever_won
    np.testing.assert_allclose(within[3], answers.win * share)


def test_won_lost_and_open_are_all_that_can_be(model: DealModel, features: pd.DataFrame) -> None:
    answers = model.answer(features)
    days = (0.0, 5.0, 10.0, 40.0, 60.0, 500.0)
    won, lost, still_open = (
        np.array([of(day) for day in days]) for of in (answers.win_within, answers.lost_within, answers.open_after)
    )
    np.testing.assert_allclose(won + lost + still_open, 1)
    assert (still_open[0] == 1).all()
    assert (np.diff(lost, axis=0) >= 0).all()
    assert (lost <= 1 - answers.win).all()
    assert ((still_open >= 0) & (np.diff(still_open, axis=0, prepend=1) <= 0)).all()
    share = answers.curve.lost_within(40.0) / (1 - answers.curve.ever_won)
    np.testing.assert_allclose(lost[3], (1 - answers.win) * share)


def test_open_deals_are_learned_with_what_the_curve_expects_of_them(awkward_rows: Rows) -> None:
    curve = fit_win_curve(awkward_rows, TIMING, HASTY)
    target = soft_outcome(awkward_rows, curve)
    still_open = awkward_rows.outcome == OPEN
    np.testing.assert_array_equal(target[~still_open], awkward_rows.outcome[~still_open])
    ahead = curve.curve(awkward_rows.x[still_open], awkward_rows.as_of[still_open])
    expected = ahead.won_after(awkward_rows.days[still_open])
    np.testing.assert_allclose(target[still_open], expected)
    assert 0 < expected.min() <= expected.max() < 1


def test_rounds_that_were_chosen_are_used_again(awkward_rows: Rows) -> None:
    rounds = Rounds(closing=3, winning=4, win=5, stall=6)
    boosters = fit_boosters(awkward_rows, TIMING, HASTY, rounds)
    assert rounds_of(boosters) == rounds


@pytest.mark.parametrize("stalled", [NAN, 0.0, 1.0])
def test_without_stalls_to_tell_apart_there_is_no_stall_model(awkward_rows: Rows, stalled: float) -> None:
    rows = replace(awkward_rows, stalled=np.full(len(awkward_rows), stalled))
    boosters = fit_boosters(rows, TIMING, HASTY, Rounds(2, 2, 2, 2))
    assert boosters.stall is None
    assert rounds_of(boosters).stall is None

"""Tuning sees nothing behind the first cut, finds the same twice, and takes nothing for a gain that is none."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from crm.clock import DAY
from features.dataset import TrainingSet
from tests.training.examples import HASTY, LOST, OPEN, WON, days_after, fewer, rows_of, training_of, with_rows
from training import inner_splits as splitting
from training.evaluation import Cuts, choose_cuts, fold_of
from training.inner_splits import Losses, Split, inner_splits, losses, together
from training.learning import learn
from training.rows import Rows, all_rows
from training.scores import mean_interval
from training.settings import BoostingSettings, Thresholds
from training.tuning import SPACE, Tuning, gained, tune

TRIALS = 3


@pytest.fixture(scope="module")
def small(light: TrainingSet) -> TrainingSet:
    """Half of the accounts."""
    return fewer(light, light.group % 2 == 0)


@pytest.fixture(scope="module")
def cuts(small: TrainingSet) -> Cuts:
    return choose_cuts(all_rows(small), small.until, small.time.cycle_days)


@pytest.fixture(scope="module")
def splits(small: TrainingSet, cuts: Cuts) -> list[Split]:
    return inner_splits(all_rows(small), cuts.fit, small.time)


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def tuned(small: TrainingSet, told: list[str]) -> Tuning:
    return tune(small, HASTY, TRIALS, progress=told.append)


def test_splits_walk_back_from_the_first_cut_and_none_looks_behind_it(splits: list[Split], cuts: Cuts) -> None:
    assert len(splits) == splitting.SPLITS
    for split in splits:
        known = split.rows.outcome >= 0
        assert split.rows.as_of.max() <= cuts.fit
        assert (split.rows.as_of + split.rows.days * DAY <= cuts.fit + 1)[known].all()
        assert (split.rows.as_of[~np.isnan(split.rows.stalled)] + 30 * DAY <= cuts.fit).all()
        assert split.cuts.fit < split.cuts.calibrate < split.rows.as_of.max()
        assert split.cuts.end == cuts.fit
    for later, earlier in pairwise(splits):
        assert earlier.rows.as_of.max() <= later.cuts.calibrate


def altered(rows: Rows, cut: int, stall_days: int) -> Rows:
    """Every outcome that came after a date turned round, later stalls too, every later snapshot's features made up."""
    followed = (cut - rows.as_of) / DAY
    later = (rows.outcome >= 0) & (rows.days > followed)
    behind = rows.as_of > cut
    return replace(
        rows,
        outcome=np.where(later, 1 - rows.outcome, rows.outcome).astype(np.int8),
        stalled=np.where(followed < stall_days, 1 - rows.stalled, rows.stalled),
        x=np.where(behind[:, None], -7 * rows.x, rows.x),
    )


def test_what_came_after_the_first_cut_changes_nothing_that_is_found(
    small: TrainingSet, cuts: Cuts, tuned: Tuning
) -> None:
    rows = all_rows(small)
    other = altered(rows, cuts.fit, small.time.stall_days)
    assert (other.outcome != rows.outcome).sum() > 100
    assert (other.x != rows.x).any(axis=1).sum() > 100
    assert tune(with_rows(small, other), HASTY, TRIALS).facts() == tuned.facts()


def test_what_was_known_at_the_first_cut_does_change_what_is_found(
    small: TrainingSet, cuts: Cuts, tuned: Tuning
) -> None:
    """The counterpart: the same alteration a quarter of a year earlier is seen."""
    other = altered(all_rows(small), cuts.fit - 90 * DAY, small.time.stall_days)
    found = tune(with_rows(small, other), HASTY, TRIALS)
    assert found.trials[0].values == tuned.trials[0].values
    assert found.trials[0].score != tuned.trials[0].score


def test_the_same_data_settings_and_seed_find_the_same_and_make_the_same_files(
    small: TrainingSet, tuned: Tuning, tmp_path: Path
) -> None:
    again = tune(small, HASTY, TRIALS)
    assert again == tuned
    settings = replace(HASTY, **{name: getattr(tuned.best, name) for name in SPACE})
    first, second = (
        learn(small, settings, Thresholds(), tuning=one.facts()).model.save(tmp_path / name)
        for name, one in (("first", tuned), ("second", again))
    )
    assert first == second
    other = tune(small, replace(HASTY, seed=8), 2)
    assert other.trials[1].values != tuned.trials[1].values


def test_the_start_is_the_first_trial_and_each_trial_is_told(tuned: Tuning, told: list[str]) -> None:
    assert told == [f"tuning, trial {number} of {TRIALS}" for number in range(1, TRIALS + 1)]
    assert [trial.number for trial in tuned.trials] == list(range(TRIALS))
    first = tuned.trials[0]
    assert first.values == {name: getattr(HASTY, name) for name in SPACE}
    assert first.splits == tuned.splits
    complete = [trial for trial in tuned.trials if trial.splits == tuned.splits]
    best = min(complete, key=lambda trial: trial.score)
    assert tuned.best == replace(HASTY, **best.values)
    assert best.score <= first.score


def test_what_is_fixed_stays_and_the_rest_is_searched(small: TrainingSet) -> None:
    found = tune(small, HASTY, 2, fixed=("learning_rate", "num_leaves"))
    assert set(found.searched) == set(SPACE) - {"learning_rate", "num_leaves"}
    assert set(found.trials[1].values) == set(found.searched)
    assert found.best is not None
    assert (found.best.learning_rate, found.best.num_leaves) == (HASTY.learning_rate, HASTY.num_leaves)


@pytest.mark.parametrize("fixed", [(), tuple(SPACE)], ids=["too few deals had closed", "nothing is left to search"])
def test_where_nothing_can_be_tried_the_settings_stay(small: TrainingSet, fixed: tuple[str, ...]) -> None:
    n = 150
    as_of = np.linspace(0, days_after(600), n).astype(np.int64)
    rows = rows_of(np.tile([WON, LOST, OPEN], n // 3), [20.0] * n, as_of=as_of)
    training = small if fixed else training_of(rows, days_after(700), small.time)
    found = tune(training, HASTY, 5, fixed=fixed)
    assert found.settings == HASTY
    assert (found.trials, found.gain, found.accepted) == ((), None, False)
    assert (found.splits == 0) is not bool(fixed)


def test_a_score_is_the_mean_over_splits_of_shares_of_the_stage_rates_loss(
    small: TrainingSet, splits: list[Split]
) -> None:
    found = [losses(split, small.time, HASTY) for split in splits[:2]]
    for one in found:
        assert one.weight.sum() == pytest.approx(1)
        assert 0.5 < one.score < 1.2
        assert len(one.share) == len(one.weight) == len(one.deal) == len(one.group)
    assert together(found).score == pytest.approx(np.mean([one.score for one in found]))
    assert together(found).weight.sum() == pytest.approx(1)


def test_of_long_histories_some_snapshots_are_drawn_and_settings_are_scaled_to_what_models_are_fitted_on(
    small: TrainingSet, splits: list[Split], cuts: Cuts, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = splits[0]
    early = int((whole.rows.as_of <= whole.cuts.fit).sum())
    later = len(whole.rows) - early
    monkeypatch.setattr(splitting, "MOST_ROWS", early // 4)
    monkeypatch.setattr(splitting, "MOST_LATER", later // 2)
    thin = inner_splits(all_rows(small), cuts.fit, small.time)[0]
    found = int((thin.rows.as_of <= thin.cuts.fit).sum())
    assert (whole.thinned, thin.thinned) == (1, pytest.approx(4, rel=0.05))
    assert found == pytest.approx(early / 4, rel=0.2)
    assert len(thin.rows) - found == pytest.approx(later / 2, rel=0.2)
    settings = splitting._for_thinned(BoostingSettings(min_data_in_leaf=100, lambda_l2=10), 4)
    assert (settings.min_data_in_leaf, settings.lambda_l2) == (25, 2.5)


def trial_losses(share: np.ndarray) -> Losses:
    n = len(share)
    return Losses(share, np.full(n, 1 / n), np.arange(n), np.arange(n))


def test_the_best_of_many_that_are_alike_is_no_gain() -> None:
    """Judged by the deals that it was chosen on, the best of thirty seems to be one far too often."""
    rng = np.random.default_rng(5)
    falsely, naively, gains = 0, 0, []
    for _ in range(60):
        whole = [trial_losses(rng.normal(0.9, 0.5, 600)) for _ in range(30)]
        best = min(whole, key=lambda one: one.score)
        naively += mean_interval(whole[0].share - best.share, best.weight, best.deal).low > 0
        gain = gained(whole)
        falsely += gain.low > 0
        gains.append(gain.value)
    assert naively >= 20
    assert falsely <= 9
    assert np.mean(gains) == pytest.approx(0, abs=0.01)


def test_a_trial_that_is_better_is_found_to_be() -> None:
    rng = np.random.default_rng(6)
    first = rng.normal(0.9, 0.5, 600)
    better = first - 0.02 + rng.normal(0, 0.05, 600)
    gain = gained([trial_losses(first), trial_losses(first + rng.normal(0, 0.05, 600)), trial_losses(better)])
    assert gain.low > 0
    assert gain.value == pytest.approx(0.02, abs=0.006)


def test_only_a_gain_beyond_chance_is_accepted(tuned: Tuning) -> None:
    better = replace(HASTY, num_leaves=5)
    gain = gained([trial_losses(np.full(100, 0.9)), trial_losses(np.full(100, 0.8))])
    accepted = replace(tuned, best=better, gain=gain)
    assert accepted.accepted
    assert accepted.settings == better
    assert accepted.facts()["settings"]["num_leaves"] == 5
    for refused in (
        replace(accepted, gain=replace(gain, low=-0.001)),
        replace(accepted, best=HASTY),
        replace(accepted, gain=None),
    ):
        assert not refused.accepted
        assert refused.settings == HASTY
        assert refused.facts()["settings"] == {name: getattr(HASTY, name) for name in SPACE}


def test_facts_are_json(tuned: Tuning) -> None:
    facts = tuned.facts()
    assert json.loads(json.dumps(facts)) == {**facts, "trials": [dict(one) for one in facts["trials"]]}
    assert facts["tried"] == TRIALS
    assert facts["given_up"] == sum(trial.splits < tuned.splits for trial in tuned.trials)


def test_no_group_helps_to_judge_itself(splits: list[Split]) -> None:
    """Splits go through the training's own evaluation, whose folds keep groups apart; all folds are there."""
    for split in splits:
        assert set(fold_of(split.rows.group)) == {0, 1, 2}

"""A training finds what there is to find, refuses what cannot be learned from, and pretends nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from crm.clock import DAY, utc_text
from crm.errors import DATA_REFUSED, DataRefused
from crm.simulator import Simulation, SimulatorSettings, simulate
from features.dataset import TrainingSet
from features.fingerprint import fingerprint
from features.settings import TimeSettings
from tests.training.examples import (
    HASTY,
    LOST,
    OPEN,
    WON,
    Learned,
    days_after,
    rows_of,
    training_of,
    training_of_simulated,
    with_rows,
)
from training.deal_model import DealModel
from training.evaluation import calibrators
from training.gate import Outcome
from training.learning import Trained, learn, outcomes, refuse_hopeless, single_feature_auc
from training.rows import Rows, all_rows
from training.scores import log_losses
from training.settings import Thresholds

MODEST_SHARE = 0.3
"""Of what could be gained over the base rate by whoever knew each deal's true chance."""


def closed_deals(won: int, lost: int, still_open: int = 50) -> TrainingSet:
    """A training set of so many deals, one snapshot each, spread over two years."""
    n = won + lost + still_open
    rng = np.random.default_rng(0)
    outcome = np.repeat([WON, LOST, OPEN], [won, lost, still_open])
    as_of = rng.integers(0, days_after(650), n)
    days = np.where(outcome == OPEN, 730 - as_of / DAY, rng.uniform(1, 80, n))
    rows = rows_of(outcome, days, as_of=as_of, x=rng.random((n, 3)))
    return training_of(rows, days_after(730), TimeSettings())


def test_a_better_record_never_speaks_against_a_win(trained: Trained, rows: Rows) -> None:
    blend, some = trained.model.boosters.win, rows.x[:: len(rows) // 50]
    records = [name for name, record in zip(rows.names, rows.records, strict=True) if record]
    assert {"owner_win_rate", "product_win_rate", "stage_win_rate", "account_win_rate"} <= set(records)
    assert {"product_share", "days_in_stage", "owner_open_deals"} <= {*rows.names} - {*records}
    steps = np.linspace(0, 1, 21)
    for name in records:
        walk = np.repeat(some, len(steps), axis=0)
        walk[:, rows.names.index(name)] = np.tile(steps, len(some))
        assert np.diff(blend.margin(walk).reshape(len(some), -1), axis=1).min() > -1e-9, name


def outcome_of(trained: Trained, check: str) -> Outcome:
    return next(finding.outcome for finding in trained.verdict.findings if finding.check == check)


@pytest.mark.parametrize(
    ("won", "lost", "says"),
    [
        (0, 0, "no deal has closed yet"),
        (300, 0, "all 300 closed deals were won"),
        (0, 250, "all 250 closed deals were lost"),
        (60, 139, r"199 closed deals \(60 won, 139 lost\) are too few"),
        (39, 400, r"439 closed deals \(39 won, 400 lost\) are too few"),
        (400, 39, r"439 closed deals \(400 won, 39 lost\) are too few"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_its_figures(won: int, lost: int, says: str) -> None:
    for attempt in (refuse_hopeless, lambda training, least: learn(training, HASTY, least)):
        with pytest.raises(DataRefused, match=says) as refused:
            attempt(closed_deals(won, lost), Thresholds())
        assert refused.value.exit_code == DATA_REFUSED == 3
        assert refused.value.remedy


def test_too_few_deals_are_told_how_many_it_takes() -> None:
    with pytest.raises(DataRefused, match="too few") as refused:
        refuse_hopeless(closed_deals(20, 20), Thresholds(least_closed=90, least_each=30))
    assert refused.value.expected == "at least 90 closed deals, 30 of each outcome"
    assert "score works without a model" in refused.value.remedy


def test_the_published_minimum_is_enough_to_begin() -> None:
    refuse_hopeless(closed_deals(40, 160), Thresholds())


def test_deals_are_counted_not_their_snapshots() -> None:
    rows = rows_of([WON] * 6 + [LOST] * 3 + [OPEN], [1.0] * 10, deal=[0, 0, 0, 1, 1, 1, 2, 2, 2, 3])
    assert outcomes(rows) == (2, 1)


def test_the_challenger_beats_base_rate_and_stage_rates_and_passes_the_gate(trained: Trained) -> None:
    win = trained.cards[0]
    assert win.question == "won in the end"
    assert win.better_than("base rate") > 0.04
    assert win.better_than("stage win rates") > 0.02
    assert win.model.gain.low > 0
    assert win.model.auc.value > 0.7
    assert trained.verdict.passed, trained.verdict.findings
    assert outcome_of(trained, "better than stage win rates") is Outcome.PASSED


def test_wins_within_the_horizon_and_stalls_are_told_better_than_by_their_rates(
    trained: Trained, training: TrainingSet
) -> None:
    within, stall, slip = trained.cards[1:]
    assert within.question == f"won within {training.time.horizon_days} days"
    assert stall.question == f"stalled for {training.time.stall_days} days"
    assert slip.question == "still open after the planned close date"
    for card in (within, stall, slip):
        assert card.model.gain.low > 0
        assert card.model.calibration_error < card.line("base rate").calibration_error + 0.1
    assert stall.better_than("stage stall rates") > 0.02
    assert slip.better_than("stage slip rates") > 0.02


def test_the_model_comes_a_good_part_of_the_way_to_the_true_probabilities(
    simulation: Simulation, training: TrainingSet, learned: Learned
) -> None:
    """On dates and groups that it has not seen, open and closed deals alike, against all there is to know."""
    judged, cuts = learned.judged, learned.cuts
    late = judged.where(judged.rows.as_of > cuts.calibrate)
    ids = training.ids[training.snapshots.as_of > cuts.calibrate]
    truth = simulation.true_win_probability(ids, late.rows.as_of)
    assert np.isfinite(truth).all()
    win, _ = calibrators(judged, cuts.calibrate, training.time.stall_days)
    model = win.probability(late.win_margin)

    def gained(p: np.ndarray) -> float:
        return float((log_losses(truth, late.base_rate) - log_losses(truth, p)).mean())

    share = gained(model) / gained(truth)
    assert share > MODEST_SHARE
    assert share > gained(late.stage_rate) / gained(truth) + 0.1
    assert model.mean() == pytest.approx(truth.mean(), abs=0.06)
    assert np.corrcoef(model, truth)[0, 1] > 0.55


def test_without_a_signal_the_gate_refuses() -> None:
    noise = training_of_simulated(simulate(SimulatorSettings(deals=1200, signal=0)), grid_days=28)
    trained = learn(noise, HASTY, Thresholds())
    assert outcome_of(trained, "finds a signal") is Outcome.FAILED
    assert not trained.verdict.passed


def test_outcomes_dealt_out_at_random_leave_no_signal(light: TrainingSet) -> None:
    rows = all_rows(light)
    closed = rows.outcome >= 0
    deals, code = np.unique(rows.deal, return_inverse=True)
    lots = np.random.default_rng(3).integers(0, 2, len(deals)).astype(np.int8)[code]
    trained = learn(with_rows(light, replace(rows, outcome=np.where(closed, lots, OPEN))), HASTY, Thresholds())
    assert outcome_of(trained, "finds a signal") is Outcome.FAILED
    assert not trained.verdict.passed
    # Who knows nothing says the base rate, to everyone about the same.
    won = trained.model.answer(light.features).win
    assert won.std() < 0.06


def test_a_feature_that_is_the_outcome_itself_is_caught(light: TrainingSet) -> None:
    leak = light.features.columns[5]
    leaking = light.features.assign(**{leak: np.where(light.labels.outcome == WON, 1.0, np.nan)})
    trained = learn(replace(light, features=leaking.astype(np.float32)), HASTY, Thresholds())
    assert outcome_of(trained, "no leak") is Outcome.FAILED
    says = next(finding.says for finding in trained.verdict.findings if finding.check == "no leak")
    assert f"{leak} alone" in says
    assert not trained.verdict.passed


def test_a_feature_is_judged_whichever_way_it_points_and_where_it_is_missing() -> None:
    x = np.array([[3, 0, np.nan], [2, 0, np.nan], [1, 0, 7], [0, 0, 7], [9, 9, 9]], np.float32)
    found = single_feature_auc(rows_of([LOST, LOST, WON, WON, OPEN], [1.0] * 5, x=x))
    assert list(found.values()) == [1.0, 0.5, 1.0]


@pytest.fixture(scope="module")
def champion(light: TrainingSet) -> DealModel:
    """A champion trained on what was known at the middle of the last quarter of the history."""
    trained = learn(light, HASTY, Thresholds())
    known_until = int(light.until - 0.2 * (light.until - light.snapshots.as_of.min()))
    data = {**trained.model.facts["data"], "until_millis": known_until}
    return replace(trained.model, facts={**trained.model.facts, "data": data})


def comparison(trained: Trained) -> tuple[Outcome, str]:
    name = "not worse than the champion"
    return next((f.outcome, f.says) for f in trained.verdict.findings if f.check == name)


def test_a_challenger_is_compared_with_the_champion_on_later_dates(light: TrainingSet, champion: DealModel) -> None:
    """This champion has seen the judged outcomes, so that a challenger of three trees must be the worse."""
    weak = replace(HASTY, most_rounds=3, learning_rate=0.02)
    outcome, says = comparison(learn(light, weak, Thresholds(), champion))
    assert outcome is Outcome.FAILED
    assert "Log loss saved against the champion -0." in says


def test_a_champion_is_compared_even_where_a_feature_of_it_is_gone(light: TrainingSet, champion: DealModel) -> None:
    gone = replace(light, features=light.features.drop(columns=champion.names[0]))
    outcome, says = comparison(learn(gone, HASTY, Thresholds(), champion))
    assert outcome is not Outcome.NOT_APPLICABLE
    assert "Log loss saved against the champion" in says


def test_a_champion_of_today_cannot_be_compared_yet(light: TrainingSet, champion: DealModel) -> None:
    facts = {**champion.facts, "data": {**champion.facts["data"], "until_millis": light.until}}
    outcome, says = comparison(learn(light, HASTY, Thresholds(), replace(champion, facts=facts)))
    assert outcome is Outcome.NOT_APPLICABLE
    assert "since the champion was trained" in says


def test_the_model_says_what_it_was_learned_from(trained: Trained, training: TrainingSet, rows: Rows) -> None:
    facts = trained.model.facts
    won, lost = outcomes(rows)
    assert facts["data"] == {
        "fingerprint": fingerprint(training.frame()),
        "until": utc_text(training.until),
        "until_millis": training.until,
        "rows": len(rows),
        "deals": len(np.unique(rows.deal)),
        "won": won,
        "lost": lost,
    }
    evaluated = facts["evaluation"]
    assert evaluated["fit_until"] < evaluated["calibrated_until"] < evaluated["judged_until"] == facts["data"]["until"]
    assert [found["check"] for found in facts["gate"]] == [found.check for found in trained.verdict.findings]
    assert json.loads(json.dumps(facts)).keys() == facts.keys()
    assert trained.fingerprint == facts["data"]["fingerprint"]


def test_progress_is_told(learned: Learned) -> None:
    assert learned.told == ["fitting on what was known then, judging on later dates", "fitting on everything known now"]

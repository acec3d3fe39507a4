"""The model card and the plots say what the training found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.training.examples import TUNED
from training.learning import Trained
from training.model_card import card_table, model_card
from training.plots import gains, lift_plot, reliability_plot, shap_plot
from training.scores import Interval


def test_the_card_tells_data_dates_scores_gate_and_limits(trained: Trained) -> None:
    text, facts = model_card(trained), trained.model.facts
    for said in (
        f"{facts['data']['deals']:,} deals",
        facts["data"]["fingerprint"][:16],
        *facts["evaluation"].values(),
        "never stand on both sides",
        "associations, not causes",
        f"{facts['amount_record']['deals']:,} deals won since",
        f"{facts['close_date_record']['deals']:,} deals won since, each judged over the days",
        *(finding.says for finding in trained.verdict.findings),
        *(f"## {card.question.capitalize()}" for card in trained.cards),
    ):
        assert said in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("tuning", "says"),
    [
        (None, "Not tuned."),
        (TUNED.facts(), "share of the stage rates' log loss). Tuned: `num_leaves`, `lambda_l2`."),
        (replace(TUNED, gain=Interval(0.01, -0.01, 0.03)).facts(), "Nothing was better beyond chance: not tuned."),
        ({**TUNED.facts(), "carried": True}, "and kept: `num_leaves`, `lambda_l2`."),
    ],
)
def test_the_card_tells_the_settings_and_whether_they_were_tuned(
    trained: Trained, tuning: dict[str, Any] | None, says: str
) -> None:
    facts = {**trained.model.facts, "tuning": tuning}
    text = model_card(replace(trained, model=replace(trained.model, facts=facts)))
    assert says in text
    assert "`line_strength` 0.01" in text
    assert tuning is None or tuning["known_until"] in text


def test_a_table_has_a_line_for_the_model_and_one_for_each_baseline(trained: Trained) -> None:
    for card in trained.cards:
        lines = card_table(card)
        header = next(i for i, line in enumerate(lines) if line.startswith("|---"))
        assert len(lines) - header - 1 == len(card.lines)
        columns = {line.count("|") for line in lines[header - 1 :]}
        assert columns == {6}
        assert str(card.model.log_loss) in lines[header + 1]


def test_the_reliability_plot_shows_promised_against_kept(trained: Trained) -> None:
    card = trained.cards[0]
    figure = reliability_plot(card)
    (dots,) = figure.axes[0].collections
    expected = [(row.promised, row.kept) for row in card.reliability]
    np.testing.assert_allclose(dots.get_offsets(), expected)


def test_the_beeswarm_names_the_features(trained: Trained) -> None:
    figure = shap_plot(trained.model, trained.rows.where(np.arange(len(trained.rows)) < 200))
    assert isinstance(figure, Figure)
    labels = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert len(labels & set(trained.model.names)) > 10


def test_the_lift_plot_has_a_line_for_the_model_and_each_baseline(trained: Trained) -> None:
    (axes,) = lift_plot(trained.judged).axes
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(trained.judged.probabilities)


def test_gains_rise_from_none_to_all_and_equal_promises_are_one_step() -> None:
    y, weight = np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 2.0, 1.0])
    share, found = gains(y, np.array([0.9, 0.1, 0.5, 0.5]), weight)
    np.testing.assert_allclose(share, [0, 0.2, 0.8, 1])
    np.testing.assert_allclose(found, [0, 1 / 3, 1, 1])
    share, found = gains(y, np.full(4, 0.3), weight)
    np.testing.assert_allclose(share, found)

"""From exact SHAP values to reasons: they add up, and evidence is shown only where it agrees."""

import math

import lightgbm as lgb
import numpy as np
import pytest
import shap

from features.catalogue import catalogue
from serving.explain import LEAST_POINTS, MOST_REASONS, explanations, probability_points
from serving.feature_records import LEAST_DEALS, LEAST_DIFFERENCE, STALLED, WON
from serving.tell import Tell
from tests.histories import EVERYTHING
from training.calibration import Calibrator
from training.models import tree_shap

FEATURES = catalogue(EVERYTHING)


@pytest.fixture(scope="module")
def won(answering):
    return probability_points(answering.model.boosters.win.contributions(answering.x), answering.model.win_calibrator)


@pytest.fixture(scope="module")
def stalled(answering):
    return probability_points(
        tree_shap.contributions(answering.model.boosters.stall, answering.x), answering.model.stall_calibrator
    )


def test_base_and_contributions_add_up_to_the_probability_that_is_shown(answering, won, stalled):
    answers = answering.model.answer(answering.scoring.features)
    for (base, contributions, probability), shown in ((won, answers.win), (stalled, answers.stall)):
        assert contributions.shape == answering.x.shape
        np.testing.assert_allclose(base + contributions.sum(axis=1), probability, atol=1e-9)
        np.testing.assert_allclose(probability, shown, atol=1e-6)


def test_all_deals_start_from_the_same_typical_deal(won):
    assert np.ptp(won[0]) < 1e-9
    assert 0.02 < won[0][0] < 0.9


def test_contributions_are_exact_shap_values(answering, won):
    """Against shap's own algorithm, which reads the trees and does not ask LightGBM; the line adds its own terms."""
    model, x = answering.model, answering.x[:40].astype(float)
    explainer = shap.TreeExplainer(model.boosters.win.trees)
    explainer.model.model_type = "internal"
    line = model.boosters.win.line.contributions(answering.x[:40])
    values = (np.asarray(explainer.shap_values(x)) + line[:, :-1]) / 2
    expected = float(np.ravel(explainer.expected_value)[-1] + line[0, -1]) / 2
    base = model.win_calibrator.probability(np.array([expected]))
    probability = model.win_calibrator.probability(expected + values.sum(axis=1))
    by_shap = values * ((probability - base) / values.sum(axis=1))[:, None]
    np.testing.assert_allclose(won[1][:40], by_shap, atol=1e-4)
    np.testing.assert_allclose(won[0][:40], base[0], atol=1e-4)


@pytest.fixture(scope="module")
def booster():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 3))
    y = (x[:, 0] + rng.normal(size=400) > 0).astype(float)
    data = lgb.Dataset(x, y, params={"verbosity": -1})
    return lgb.train({"objective": "cross_entropy", "verbosity": -1, "num_leaves": 4}, data, num_boost_round=5), x


def test_a_model_that_knows_nothing_gives_no_points(booster):
    trees, x = booster
    base, contributions, probability = probability_points(tree_shap.contributions(trees, x), Calibrator(-0.5, 0.0))
    np.testing.assert_allclose(contributions, 0)
    np.testing.assert_allclose(base, probability)


def test_a_deal_like_the_typical_one_is_divided_by_its_slope_not_by_zero():
    calibrator = Calibrator(0.3, 0.7)
    opposite = np.array([[0.2, 0.0, -0.2 + 1e-12, 0.4]])
    base, contributions, probability = probability_points(opposite, calibrator)
    assert base[0] == pytest.approx(probability[0])
    slope = 0.7 * base[0] * (1 - base[0])
    np.testing.assert_allclose(contributions[0], slope * np.array([0.2, 0.0, -0.2]), atol=1e-9)


@pytest.fixture(scope="module", params=[WON, STALLED])
def told(request, answering, won, stalled):
    """Every open deal's explanation, with its contributions and values."""
    model, x = answering.model, answering.x
    base, contributions, _ = won if request.param == WON else stalled
    cat, reference = answering.scoring.prepared.catalogue, model.facts["reference"]
    tell = Tell(model.names, cat, reference, request.param)
    found = list(explanations(tell, x, base, contributions, [{}] * len(x)))
    return request.param, found, contributions


def test_each_reason_is_the_sum_of_its_group(answering, told):
    _, found, contributions = told
    cat, names = answering.scoring.prepared.catalogue, answering.model.names
    for explanation, parts in zip(found, contributions, strict=True):
        groups: dict[str, float] = {}
        for name, points in zip(names, parts, strict=True):
            groups[cat.feature(name).group] = groups.get(cat.feature(name).group, 0.0) + points
        shown = (*explanation.raising, *explanation.lowering)
        for reason in shown:
            assert reason.points == pytest.approx(groups.pop(reason.group))
            assert cat.feature(reason.feature).group == reason.group
        assert explanation.rest == pytest.approx(sum(groups.values()))
        assert all(abs(left) < LEAST_POINTS for left in groups.values()) or len(shown) >= MOST_REASONS


def test_at_most_five_each_the_weightiest_first(told):
    _, found, _ = told
    for explanation in found:
        raising = [reason.points for reason in explanation.raising]
        lowering = [reason.points for reason in explanation.lowering]
        assert len(raising) <= 5
        assert len(lowering) <= 5
        assert raising == sorted(raising, reverse=True)
        assert lowering == sorted(lowering)
        assert all(points >= LEAST_POINTS for points in raising)
        assert all(points <= -LEAST_POINTS for points in lowering)


def test_evidence_is_shown_only_where_the_record_agrees(answering, told):
    outcome, found, _ = told
    reference = answering.model.facts["reference"]
    overall = reference["win_rate" if outcome == WON else "stall_rate"]
    shown = 0
    for reason in (r for e in found for r in (*e.raising, *e.lowering)):
        rate, deals = rate_of(reference["features"][reason.feature], reason.value, outcome)
        assert (reason.rate, reason.deals) == (rate, deals)
        agrees = rate is not None and deals >= LEAST_DEALS
        agrees = agrees and (rate - overall) * math.copysign(1, reason.points) >= LEAST_DIFFERENCE
        if reason.evidence:
            shown += 1
            assert agrees
            assert f"{deals:,}" in reason.evidence
    assert shown > 100


def rate_of(table, value, outcome):
    """The historical rate of a value, looked up the slow way."""
    which = table["missing"]
    if value is not None:
        below = [i for i, bound in enumerate(table["bounds"]) if bound <= np.float32(value)]
        which = table["bins"][below[-1] if below else 0]
    if outcome == STALLED:
        return which["stall_rate"], which["stall_deals"]
    return (which["won"] / which["deals"] if which["deals"] else None), which["deals"]


# By hand: two features of one group ("pushes"), a record for each, and contributions of both.


def a_bin(won: int, deals: int, stall_rate: float | None = None) -> dict:
    return {"won": won, "deals": deals, "stall_rate": stall_rate, "stall_deals": deals}


def record(*bins: dict, bounds: list[float], missing: dict | None = None) -> dict:
    return {"bounds": bounds, "bins": list(bins), "missing": missing or a_bin(0, 0)}


def by_hand(values, contributions, *, pushes: dict, slip: dict, outcome: str = WON):
    reference = {
        "win_rate": 0.31,
        "stall_rate": 0.4,
        "features": {"pushes": pushes, "close_date_slip": slip},
    }
    names = ("pushes", "close_date_slip")
    found = explained(names, reference, values, contributions, outcome)
    return found.raising + found.lowering


def explained(names, reference, values, contributions, outcome=WON, **told):
    """One deal's explanation, from 31 %."""
    tell = Tell(names, FEATURES, reference, outcome, **told)
    (found,) = explanations(tell, np.array([values]), np.array([0.31]), np.array([contributions]), [{}])
    return found


NEVER, OFTEN = a_bin(60, 120), a_bin(26, 214)
PUSHES = record(NEVER, OFTEN, bounds=[0, 3])
ON_TIME, LATE = a_bin(50, 100), a_bin(10, 100)
SLIP = record(ON_TIME, LATE, bounds=[-9999, 15])


def test_a_reason_is_told_by_the_feature_that_moves_it_most():
    (reason,) = by_hand([3.0, 40.0], [-0.05, -0.02], pushes=PUSHES, slip=SLIP)
    assert reason.feature == "pushes"
    assert reason.points == pytest.approx(-0.07)
    assert reason.says.replace("\u00a0", " ") == "The close date was put off 3 times."
    said = "Deals put off 3 times or more are won 12 % of the time (26 of 214), against 31 % of all."
    assert reason.evidence.replace("\u00a0", " ") == said


def test_a_feature_whose_record_agrees_tells_it_before_one_whose_record_does_not():
    disagrees = record(NEVER, a_bin(150, 214), bounds=[0, 3])
    (reason,) = by_hand([3.0, 40.0], [-0.05, -0.02], pushes=disagrees, slip=SLIP)
    assert reason.feature == "close_date_slip"
    assert reason.evidence


def test_where_no_record_agrees_there_is_no_evidence():
    disagrees = record(NEVER, a_bin(150, 214), bounds=[0, 3])
    alike = record(ON_TIME, a_bin(29, 100), bounds=[-9999, 15])
    (reason,) = by_hand([3.0, 40.0], [-0.05, -0.02], pushes=disagrees, slip=alike)
    assert (reason.feature, reason.evidence) == ("pushes", "")
    assert (reason.rate, reason.deals) == (pytest.approx(150 / 214), 214)


def test_too_few_deals_are_no_evidence():
    few = record(NEVER, a_bin(0, 9), bounds=[0, 3])
    nobody = record(ON_TIME, a_bin(0, 0), bounds=[-9999, 15])
    (reason,) = by_hand([3.0, 40.0], [-0.05, -0.02], pushes=few, slip=nobody)
    assert reason.evidence == ""


def test_a_feature_that_pulls_the_other_way_does_not_tell_it():
    names = ("pushes", "pulls", "close_date_slip")
    reference = {"win_rate": 0.31, "features": {"pushes": PUSHES, "pulls": PUSHES, "close_date_slip": SLIP}}
    found = explained(names, reference, [3.0, 3.0, 40.0], [0.05, -0.03, -0.04])
    (reason,) = found.lowering
    assert (reason.feature, reason.points) == ("close_date_slip", pytest.approx(-0.02))
    assert found.raising == ()


def test_what_moves_less_than_half_a_point_is_no_reason():
    assert by_hand([3.0, 40.0], [0.04, -0.0449], pushes=PUSHES, slip=SLIP) == ()


def test_what_is_not_known_is_told_by_the_deals_of_which_it_was_not():
    pushes = record(NEVER, OFTEN, bounds=[0, 3], missing=a_bin(5, 50))
    (reason,) = by_hand([math.nan, 40.0], [-0.05, -0.0], pushes=pushes, slip=SLIP)
    assert reason.value is None
    said = "Deals for which this was so are won 10 % of the time (5 of 50), against 31 % of all."
    assert reason.evidence.replace("\u00a0", " ") == said


def test_a_value_below_every_span_belongs_to_the_first():
    (reason,) = by_hand([-1.0, 0.0], [0.05, 0.0], pushes=PUSHES, slip=SLIP)
    assert reason.rate == pytest.approx(0.5)


def test_stall_reasons_are_told_by_stall_rates():
    pushes = record(a_bin(0, 80, 0.2), a_bin(0, 80, 0.62), bounds=[0, 3])
    (reason,) = by_hand([3.0, 0.0], [0.1, 0.0], pushes=pushes, slip=SLIP, outcome=STALLED)
    said = "Deals put off 3 times or more stall 62 % of the time (n = 80), against 40 % of all."
    assert reason.evidence.replace("\u00a0", " ") == said


def test_plain_data_adds_up_after_rounding(told):
    _, found, contributions = told
    for explanation, parts in zip(found, contributions, strict=True):
        data = explanation.as_json()
        points = [reason["points"] for side in ("for", "against") for reason in data[side]]
        assert data["base"] + sum(points) + data["rest"] == pytest.approx(explanation.base + parts.sum(), abs=2e-3)

"""Why a chance moved: the parts sum to the change, and each is told by what changed."""

import numpy as np
import pytest

from features.catalogue import catalogue
from serving.explain import LEAST_POINTS
from serving.movement import MOST_MOVES, Then, movements
from serving.tell import Tell
from tests.histories import EVERYTHING
from training.calibration import Calibrator

FEATURES = catalogue(EVERYTHING)
NAMES = ("pushes", "close_date_slip", "meetings", "contacts_reached", "age_days")
CALIBRATOR = Calibrator(-0.2, 0.9)
BASE = -0.8


def then(values, shap, said, *, by_its_model=None, same=True) -> Then:
    """One deal's earlier answer; `said` None where its own model's answer of then is meant."""
    full = np.array([[*shap, BASE]])
    own = CALIBRATOR.probability(full.sum(axis=1))
    asked = np.array([np.nan if by_its_model is None else by_its_model])
    return Then(0, own if said is None else np.array([said]), asked, full, np.array([values]), [{}], same)


def moved(before: Then, values, shap, **told):
    tell = Tell(NAMES, FEATURES, {}, **told)
    (one,) = movements(tell, np.array([values]), np.array([[*shap, BASE]]), CALIBRATOR, before, [{}])
    return one


def test_with_the_same_model_the_facts_alone_moved_it():
    before = then([0, 0, 1, 2, 20.0], [0.1, 0.0, 0.2, 0.1, 0.0], None)
    one = moved(before, [2, 31.0, 1, 3, 27.0], [-0.5, -0.1, 0.2, 0.4, -0.05])
    assert (one.late, one.model) == (pytest.approx(0), 0)
    assert one.end - one.start == pytest.approx(sum(m.points for m in one.moves) + one.rest)
    assert [m.group for m in one.moves] == ["pushes", "people", "age"]
    pushed, met, _ = one.moves
    assert pushed.says.replace("\u00a0", " ") == "The close date was put off twice."
    assert pushed.before == "The close date was never put off."
    assert pushed.points < 0 < met.points
    assert (met.feature, met.before.replace("\u00a0", " ")) == (
        "contacts_reached",
        "2 people at the buyer's reached so far.",
    )


def test_a_move_is_told_by_what_changed_not_by_what_weighs_more_now():
    """The pushes are the same, but weigh more beside the later close date."""
    before = then([2, 0.0, 1, 2, 20.0], [-0.1, 0.0, 0, 0, 0], None)
    one = moved(before, [2, 31.0, 1, 2, 20.0], [-0.6, -0.1, 0, 0, 0])
    assert [m.feature for m in one.moves] == ["close_date_slip"]
    assert one.moves[0].points == pytest.approx(one.end - one.start)


def test_what_was_unknown_and_is_so_still_has_not_changed():
    before = then([np.nan, 0.0, 1, 2, 20.0], [-0.1, 0.0, 0, 0, 0], None)
    one = moved(before, [np.nan, 31.0, 1, 2, 20.0], [-0.6, -0.1, 0, 0, 0])
    assert [m.feature for m in one.moves] == ["close_date_slip"]


def test_where_no_fact_changed_the_model_did():
    facts, shap = [2, 31.0, 1, 2, 20.0], [-0.5, -0.1, 0.2, 0.4, -0.05]
    one = moved(then(facts, shap, 0.4, by_its_model=0.4, same=False), facts, shap)
    assert one.moves == ()
    assert one.rest == pytest.approx(0)
    assert one.late == pytest.approx(0)
    assert one.model == pytest.approx(one.end - 0.4)


def test_what_was_entered_late_is_kept_apart_from_the_model():
    facts, shap = [2, 31.0, 1, 2, 20.0], [-0.5, -0.1, 0.2, 0.4, -0.05]
    one = moved(then(facts, shap, 0.4, by_its_model=0.45, same=False), facts, shap)
    assert one.late == pytest.approx(0.05)
    assert one.model == pytest.approx(one.end - 0.45)
    same = moved(then(facts, shap, 0.4), facts, shap)
    assert (same.late, same.model) == (pytest.approx(same.end - 0.4), 0)


def test_a_model_that_is_gone_takes_all_that_the_facts_do_not_explain():
    facts, shap = [2, 31.0, 1, 2, 20.0], [-0.5, -0.1, 0.2, 0.4, -0.05]
    one = moved(then(facts, shap, 0.4, same=False), facts, shap)
    assert (one.late, one.model) == (pytest.approx(0), pytest.approx(one.end - 0.4))


def test_of_a_deal_of_which_nothing_was_said_nothing_moved():
    assert moved(then([0] * 5, [0.0] * 5, np.nan), [0] * 5, [0.0] * 5) is None
    not_open = then([np.nan] * 5, [np.nan] * 5, 0.4)
    assert moved(not_open, [0] * 5, [0.0] * 5) is None


def test_what_may_not_be_cited_counts_with_the_rest():
    before = then([0, 0, 1, 2, 20.0], [0.0] * 5, None)
    one = moved(before, [0, 0, 1, 5, 20.0], [0, 0, 0, 0.4, 0.3], uncited=frozenset({"contacts_reached"}))
    assert [m.group for m in one.moves] == ["age"]
    assert one.rest > 0.05
    assert one.end - one.start == pytest.approx(one.moves[0].points + one.rest)


@pytest.mark.parametrize("same", [True, False])
def test_the_parts_always_sum_to_the_change(same):
    rng = np.random.default_rng(3)
    n, width = 300, len(NAMES)
    shap, earlier = rng.normal(0, 0.4, (n, width + 1)), rng.normal(0, 0.4, (n, width + 1))
    shap[:, -1] = earlier[:, -1] = BASE
    values, old = rng.integers(0, 4, (n, width)).astype(float), rng.integers(0, 4, (n, width)).astype(float)
    said, asked = rng.random(n), np.where(rng.random(n) < 0.3, np.nan, rng.random(n))
    before = Then(0, said, asked, earlier, old, [{}] * n, same)
    for row, one in enumerate(movements(Tell(NAMES, FEATURES, {}), values, shap, CALIBRATOR, before, [{}] * n)):
        assert one is not None
        assert one.start == said[row]
        parts = sum(move.points for move in one.moves) + one.rest + one.late + one.model
        assert one.end - one.start == pytest.approx(parts, abs=1e-12)
        assert len(one.moves) <= MOST_MOVES
        assert all(abs(move.points) >= LEAST_POINTS for move in one.moves)
        data = one.as_json()
        assert data["facts"] == pytest.approx(sum(m["points"] for m in data["moves"]) + data["rest"], abs=1e-3)

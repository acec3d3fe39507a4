"""The code on docs/library.md runs as it stands there, and gives what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.scores import auc

PAGE = Path(__file__).parent.parent / "docs" / "library.md"


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """The names that the page's code leaves behind, all its blocks run one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks), str(PAGE), "exec"), names)  # our own page
    return names


def test_the_whole_training_answers_for_each_open_deal(ran: dict[str, Any]) -> None:
    answers, deals = ran["answers"], len(ran["scoring"].snapshots)
    assert deals > 20
    assert answers.win.shape == (deals,)
    assert ((answers.win > 0) & (answers.win < 1)).all()
    assert (answers.win_within(30) <= answers.win).all()
    assert (answers.curve.days_to_win(0.9) >= answers.curve.days_to_win(0.5)).all()


def test_the_estimator_says_more_of_unseen_groups_than_chance(ran: dict[str, Any]) -> None:
    won = (ran["labels"].outcome[ran["closed"]] == 1).astype(float)
    assert auc(won, ran["chances"]) > 0.55


def test_what_the_page_says_of_contributions(ran: dict[str, Any]) -> None:
    x = ran["training"].features.to_numpy(np.float32)[:200]
    blend = ran["classifier"].blend_
    np.testing.assert_allclose(blend.contributions(x).sum(axis=1), blend.margin(x), atol=1e-6)

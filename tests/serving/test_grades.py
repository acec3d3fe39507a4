"""Letters for scores."""

import numpy as np

from serving.grades import Grades


def test_a_grade_begins_at_its_least_score():
    score = np.array([99, 60, 59, 35, 34, 15, 14, 1])
    assert list(Grades().of(score)) == list("AABBCCDD")


def test_the_cut_offs_are_the_companys():
    assert list(Grades(a=90, b=50, c=10).of(np.array([89, 90, 49, 9]))) == list("BACD")


def test_no_score_no_grade():
    assert Grades().of(np.array([], dtype=int)).shape == (0,)

"""How well one value alone tells won from lost: what is found, and that what tells nothing gets 0.5."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.predictive_power import FOLDS, as_days, as_numbers, auc_error, checksums, mostly_common, power

N = 2000
SEED = 11


@pytest.fixture
def rng():
    return np.random.default_rng(SEED)


@pytest.fixture
def won(rng):
    return rng.random(N) < 0.4


@pytest.fixture
def fold():
    return checksums(pd.Series([f"D{i:05}" for i in range(N)])) % FOLDS


def coded(values):
    code, texts = pd.factorize(np.array(values, dtype=object))
    return code, pd.Index(texts)


def test_a_value_that_is_the_outcome_tells_all(won, fold):
    assert power(won.astype(float), won, fold).auc == 1.0
    code, texts = coded(np.where(won, "Closed Won", "Closed Lost"))
    assert power(code, won, fold, texts).auc == 1.0


def test_a_value_that_is_there_only_on_won_deals_tells_all(rng, won, fold):
    assert power(np.where(won, rng.random(N), np.nan), won, fold).auc == 1.0
    code, texts = coded([f"ref {i}" if w else None for i, w in enumerate(won)])
    assert power(code, won, fold, texts).auc == 1.0


def test_a_pattern_that_rises_and_falls_is_found(rng, won, fold):
    middle = rng.normal(0, 0.3, N)
    outside = rng.choice([-2, 2], N) + rng.normal(0, 0.3, N)
    assert power(np.where(won, middle, outside), won, fold).auc > 0.98


def test_the_direction_is_no_matter(won, fold, rng):
    value = won + rng.normal(0, 1, N)
    assert power(value, won, fold).auc == pytest.approx(power(-value, won, fold).auc, abs=0.01)


def test_amounts_that_are_zero_on_lost_deals_are_told_from_small_ones(rng, won, fold):
    value = np.where(won | (rng.random(N) < 0.5), rng.lognormal(0, 2, N), 0.0)
    expected = 0.5 + 0.5 * (value[~won] == 0).mean()
    assert power(value, won, fold).auc == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(
    "values",
    [
        lambda rng: (rng.random(N), None),
        lambda rng: (np.zeros(N), None),
        lambda rng: (np.full(N, np.nan), None),
        lambda rng: (rng.integers(0, 3, N).astype(float), None),
        lambda rng: coded([f"id-{i:05}" for i in range(N)]),
        lambda rng: coded([f"owner {i}" for i in rng.integers(0, 100, N)]),
        lambda rng: coded([None] * N),
    ],
    ids=["numbers", "one number", "nothing", "few numbers", "ids", "many levels", "no text"],
)
def test_what_tells_nothing_gets_a_half(rng, won, fold, values):
    value, texts = values(rng)
    found = power(value, won, fold, texts)
    assert abs(found.auc - 0.5) < 4 * found.error


def test_what_tells_nothing_gets_a_half_on_average_however_many_levels(fold):
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        code, texts = coded([f"o{i}" for i in rng.integers(0, 60, N)])
        found.append(power(code, rng.random(N) < 0.4, fold, texts).auc)
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.std(found) / np.sqrt(len(found)))


@settings(max_examples=20)
@given(st.permutations(range(60)))
def test_any_order_of_rows_gives_the_same(order):
    rng = np.random.default_rng(SEED)
    won, value = rng.random(60) < 0.5, np.round(rng.normal(size=60), 1)
    fold = checksums(pd.Series([f"D{i}" for i in range(60)])) % FOLDS
    code, texts = coded([f"t{v}" for v in value])
    assert power(value[order], won[order], fold[order]) == power(value, won, fold)
    shuffled = coded([f"t{v}" for v in value[order]])
    assert power(shuffled[0], won[order], fold[order], shuffled[1]) == power(code, won, fold, texts)


def test_the_error_is_that_of_hanley_and_mcneil():
    # Their paper's table of sample sizes: an AUC of 0.9 from 50 and 50 has a standard error of about 0.03.
    assert auc_error(0.9, 50, 50) == pytest.approx(0.0312, abs=0.001)
    assert auc_error(1.0, 50, 50) == 0
    assert auc_error(0.8, 400, 400) == pytest.approx(auc_error(0.8, 100, 100) / 2, rel=0.01)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["15000", "-2.5", "0"], [15000, -2.5, 0]),
        (["€ 1,250.50", "$3,000", "12 %"], [1250.5, 3000, 12]),
        (["1.250,50", "3,5", "12"], [1250.5, 3.5, 12]),
        (["1'250.50", "3'000"], [1250.5, 3000]),
    ],
)
def test_numbers_are_read_however_they_are_written(texts, numbers):
    assert list(as_numbers(pd.Index(texts))) == numbers


def test_text_and_dates_are_no_numbers():
    assert as_numbers(pd.Index(["A1", "B2", "3"])) is None
    assert as_numbers(pd.Index(["2024-03-31"])) is None
    assert as_numbers(pd.Index([], dtype="str")) is None


@pytest.mark.parametrize("text", ["1970-01-11", "1970-01-11T00:00:00Z", "11.01.1970", "01/11/1970", "1970-01-11 00:00"])
def test_days_are_read_in_the_usual_forms(text):
    assert list(as_days(pd.Index([text]))) == [10]


def test_one_odd_value_in_a_hundred_is_no_matter():
    assert np.isnan(as_numbers(pd.Index(["n/a", *map(str, range(99))]))).sum() == 1
    assert as_days(pd.Index(["soon", "later", "2024-01-01"])) is None


def test_a_category_is_what_many_deals_have():
    assert mostly_common(np.repeat(np.arange(5), 20))
    assert not mostly_common(np.arange(100))


def test_folds_are_drawn_by_the_id_alone():
    ids = pd.Series(["D1", "D2", "0012"])
    assert list(checksums(ids)) == list(checksums(ids[::-1]))[::-1]
    assert checksums(pd.Series(["123456789"]))[0] == 0xCBF43926  # the check value of CRC-32

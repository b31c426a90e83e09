import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Calibration
from promotion.comparison.summaries import summarise
from promotion.metrics import ScoredRows
from promotion.vocabulary import Task

probabilities = st.sampled_from([0.0, -0.0, 0.5, 1.0, 5e-324]) | st.floats(0, 1)
weights = st.sampled_from([5e-324, 1e-300, 1.0, 3.0, 1e300]) | st.floats(0.5, 2)


def rows(labels, scores, given_weights=None, **kwargs):
    given_weights = np.ones(len(labels)) if given_weights is None else np.array(given_weights, dtype=float)
    return ScoredRows(np.array(labels, dtype=float), np.array(scores), given_weights, **kwargs)


@st.composite
def two_models(draw):
    n_rows = draw(st.integers(1, 40))

    def column(values):
        return draw(st.lists(values, min_size=n_rows, max_size=n_rows))

    labels, given_weights = column(st.sampled_from([0, 1])), column(weights)
    return tuple(rows(labels, column(probabilities), given_weights) for _ in range(2))


def test_calibration_sets_mean_scores_beside_what_came_true():
    generator = np.random.default_rng(3)
    scores = generator.random(20_000)
    labels = generator.random(20_000) < scores

    calibration = summarise(rows(labels, scores), rows(labels, scores / 2)).challenger

    assert [each.rows for each in calibration] == [2000] * 10
    for place, each in enumerate(calibration):
        assert each.score == pytest.approx((place + 0.5) / 20, abs=0.01)
        assert each.observed == pytest.approx((place + 0.5) / 10, abs=0.05)  # 4 standard errors of a share of 2,000
        assert each.low < each.score < each.high


def test_calibration_is_weighted_and_ties_share_a_bin():
    summary = summarise(rows([0, 1, 1], [0.25, 0.75, 0.25], [3, 2, 1]), rows([0, 1, 1], [1.0, 1.0, 1.0], [3, 2, 1]))

    assert summary.champion == (Calibration(0.25, 0.25, 2, 0.25, 0.25), Calibration(0.75, 0.75, 1, 0.75, 1.0))
    assert summary.challenger == (Calibration(1.0, 1.0, 3, 1.0, 0.5),)


@given(two_models())
def test_bins_partition_the_rows_and_hold_finite_numbers(models):
    summary = summarise(*models)

    for model, bins in zip(models, (summary.champion, summary.challenger), strict=True):
        assert sum(each.rows for each in bins) == len(model)
        assert 1 <= len(bins) <= 10
        for each in bins:
            inside = (model.scores >= each.low) & (model.scores <= each.high)
            assert each.rows == np.count_nonzero(inside) > 0
            assert each.low <= each.score <= each.high
            assert 0 <= each.observed <= 1 + 1e-12
            assert [type(number) for number in (each.low, each.high, each.rows, each.score, each.observed)] == [
                float,
                float,
                int,
                float,
                float,
            ]


@given(two_models())
def test_shift_is_finite_never_below_zero_and_zero_for_the_same_scores(models):
    summary = summarise(*models)

    assert type(summary.shift) is float
    assert 0 <= summary.shift < math.inf
    assert summarise(models[0], models[0]).shift == 0.0


def test_shift_is_the_population_stability_index():
    champion, challenger = np.arange(1000) / 1000, np.minimum(np.arange(1000) / 500, 1.0)
    shift = summarise(rows([0] * 1000, champion), rows([0] * 1000, challenger)).shift

    # The challenger has half as many rows in the lower nine deciles, and the rest in the highest.
    p, q = np.full(10, 0.1), np.array([0.05] * 9 + [0.55])
    assert shift == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_shift_counts_an_empty_bin_as_one_in_ten_thousand():
    champion, challenger = np.arange(10) / 10, np.zeros(10)
    shift = summarise(rows([0] * 10, champion), rows([0] * 10, challenger)).shift

    assert shift == pytest.approx(0.9 * math.log(10) + 9 * (1e-4 - 0.1) * math.log(1e-4 / 0.1))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.1])
def test_scores_that_are_no_probabilities_have_no_summary(wrong):
    good, bad = rows([0, 1], [0.1, 0.9]), rows([0, 1], [0.1, wrong])

    assert summarise(good, good) is not None
    assert summarise(good, bad) is None
    assert summarise(bad, good) is None


def test_only_two_classes_have_a_summary():
    number = rows([0, 1], [0.1, 0.9], task=Task.REGRESSION)
    classes = rows([0, 1], [[0.1, 0.9], [0.5, 0.5]], task=Task.MULTICLASS)

    assert summarise(number, number) is None
    assert summarise(classes, classes) is None


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_any_precision_will_do(precision):
    scores = np.arange(64) / 64
    summary = summarise(rows([0, 1] * 32, scores.astype(precision)), rows([0, 1] * 32, scores[::-1].astype(precision)))

    assert summary == summarise(rows([0, 1] * 32, scores), rows([0, 1] * 32, scores[::-1]))

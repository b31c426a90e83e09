"""Every metric with an influence, compared with scikit-learn, finite differences, and plain definitions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from promotion.metrics.influence import Estimate, paired_error
from promotion.metrics.lookup import metric
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Task

COST = 'expected_cost(fp=5, fn="amount", tp=0.5, threshold=0.3)'


def said(scores):
    return scores > 0.5 if scores.ndim == 1 else scores.argmax(axis=1)


def of_class(function, **options):
    return lambda y, s, w: function(y, said(s), sample_weight=w, **options)


def of_scores(function, **options):
    return lambda y, s, w: function(y, s, sample_weight=w, **options)


SKLEARN = {
    (Task.BINARY, "roc_auc"): of_scores(sk.roc_auc_score),
    (Task.BINARY, "average_precision"): of_scores(sk.average_precision_score),
    (Task.BINARY, "log_loss"): of_scores(sk.log_loss, labels=[0, 1]),
    (Task.BINARY, "brier_score"): of_scores(sk.brier_score_loss),
    (Task.BINARY, "accuracy"): of_class(sk.accuracy_score),
    (Task.BINARY, "balanced_accuracy"): of_class(sk.balanced_accuracy_score),
    (Task.BINARY, "f1"): of_class(sk.f1_score),
    (Task.BINARY, "precision"): of_class(sk.precision_score),
    (Task.BINARY, "recall"): of_class(sk.recall_score),
    (Task.MULTICLASS, "log_loss"): of_scores(sk.log_loss, labels=[0, 1, 2]),
    (Task.MULTICLASS, "brier_score"): of_scores(sk.brier_score_loss, labels=[0, 1, 2]),
    (Task.MULTICLASS, "accuracy"): of_class(sk.accuracy_score),
    (Task.MULTICLASS, "balanced_accuracy"): of_class(sk.balanced_accuracy_score),
    (Task.MULTICLASS, "f1_macro"): of_class(sk.f1_score, average="macro"),
    (Task.MULTICLASS, "precision_macro"): of_class(sk.precision_score, average="macro"),
    (Task.MULTICLASS, "recall_macro"): of_class(sk.recall_score, average="macro"),
    (Task.MULTICLASS, "roc_auc_ovr"): of_scores(sk.roc_auc_score, multi_class="ovr"),
    (Task.REGRESSION, "rmse"): of_scores(sk.root_mean_squared_error),
    (Task.REGRESSION, "mse"): of_scores(sk.mean_squared_error),
    (Task.REGRESSION, "mae"): of_scores(sk.mean_absolute_error),
    (Task.REGRESSION, "r2"): of_scores(sk.r2_score),
}
EVERY = [*SKLEARN, (Task.BINARY, COST)]
SELF_TERM = {"average_precision"}  # leaves out a row's effect on itself, so it is not a plain derivative

scores_with_ties = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0])
any_scores = scores_with_ties | st.floats(0, 1)
numbers = st.sampled_from([-3.0, 0.0, 1.0, 2.5]) | st.floats(-50, 50)
any_weights = st.floats(0.05, 20)


@st.composite
def scored_rows(draw, task=Task.BINARY, weights=any_weights, scores=any_scores):
    def column(values, count):
        return np.array(draw(st.lists(values, min_size=count, max_size=count)))

    n_rows = draw(st.integers(6, 25))
    if task is Task.REGRESSION:
        labels, given_scores = column(numbers, n_rows), column(numbers, n_rows)
    else:
        n_classes = 2 if task is Task.BINARY else 3
        classes = np.append(
            np.repeat(np.arange(n_classes), 2), column(st.integers(0, n_classes - 1), n_rows - 2 * n_classes)
        )
        labels = np.array(draw(st.permutations(classes.tolist())), float)
        given_scores = column(scores, n_rows)
        if task is Task.MULTICLASS:
            given_scores = np.column_stack([given_scores, column(scores, n_rows), column(scores, n_rows)]) + 1e-3
            given_scores /= given_scores.sum(axis=1, keepdims=True)
    amount = column(st.floats(0, 10), n_rows)
    return ScoredRows(labels, given_scores, column(weights, n_rows), columns={"amount": amount}, task=task)


def measured(name, rows):
    """The estimate, of rows for which the metric is defined; of a precision, however few rows are said to be 1."""
    assume(not metric(name).why_undefined(rows) if name != "precision" else (rows.scores > 0.5).any())
    assume(rows.task is not Task.REGRESSION or np.ptp(rows.labels) > 1e-3)
    assume(rows.task is not Task.REGRESSION or np.abs(rows.labels - rows.scores).max() > 1e-3)
    return metric(name).estimate(rows)


def small_sample_factor(name, rows):
    """Per row `sqrt(n / (n - 1))`; n counts all rows for means over all, those of the row's class for the others."""
    of_all = {"log_loss", "brier_score", "accuracy", "rmse", "mse", "mae", "r2", COST}
    count = (
        np.full(len(rows), len(rows)) if name in of_all else np.array([np.sum(rows.labels == y) for y in rows.labels])
    )
    if name == "roc_auc_ovr":
        return None
    return np.sqrt(count / (count - 1))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), SKLEARN)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_value_is_scikit_learns(task, name, data):
    rows = data.draw(scored_rows(task))
    found = measured(name, rows).value

    expected = SKLEARN[task, name](rows.labels, rows.scores, rows.weights)

    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), [case for case in EVERY if case[1] not in SELF_TERM])
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_influence_is_the_derivative_by_the_rows_weight(task, name, data):
    rows = data.draw(scored_rows(task, weights=st.floats(0.5, 2)))
    found = measured(name, rows)

    def value_at(row, factor):
        weights = rows.weights.copy()
        weights[row] *= factor
        return metric(name).estimate(replace(rows, weights=weights)).value

    slopes = np.array([slope(lambda factor, i=i: value_at(i, factor)) for i in range(len(rows))])

    if name == "roc_auc_ovr":  # the mean of areas, each with its own factor
        areas = [metric("roc_auc").estimate(one).influence for one in rows.one_vs_rest]
        np.testing.assert_allclose(found.influence, np.mean(areas, axis=0), atol=1e-12)
    else:
        np.testing.assert_allclose(
            found.influence / small_sample_factor(name, rows), slopes, atol=1e-8 * max(1.0, abs(found.value))
        )


def slope(value_at, step=1e-3):
    """Derivative at 1; the four-point formula's error is of order step^4."""
    near, far = value_at(1 + step) - value_at(1 - step), value_at(1 + 2 * step) - value_at(1 - 2 * step)
    return (8 * near - far) / (12 * step)


@given(rows=scored_rows(weights=st.floats(0.5, 2)))
@settings(deadline=None, max_examples=25)
def test_influence_on_average_precision_leaves_out_what_a_row_does_to_its_own_precision(rows):
    higher = rows.scores >= rows.scores[:, None]  # [i, j]: row j is scored as high as row i or higher

    def value_at(row, factor):
        counted = np.where(np.arange(len(rows)) == row, factor, 1.0) * rows.weights
        of_others = (higher * rows.labels * counted).sum(axis=1) / (higher * counted).sum(axis=1)
        of_itself = (higher * rows.labels * rows.weights).sum(axis=1) / (higher * rows.weights).sum(axis=1)
        precision = np.where(np.arange(len(rows)) == row, of_itself, of_others)
        return (counted * rows.labels * precision).sum() / (counted * rows.labels).sum()

    slopes = [slope(lambda factor, i=i: value_at(i, factor)) for i in range(len(rows))]

    found = metric("average_precision").estimate(rows)
    assert found.value == pytest.approx(value_at(0, 1.0), abs=1e-12)
    np.testing.assert_allclose(found.influence / small_sample_factor("average_precision", rows), slopes, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), EVERY)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_order_of_rows_does_not_matter(task, name, data):
    rows = data.draw(scored_rows(task))
    order = np.array(data.draw(st.permutations(range(len(rows)))))

    here, there = measured(name, rows), metric(name).estimate(rows.take(order))

    assert there.value == pytest.approx(here.value, rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(there.influence, here.influence[order], rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), EVERY)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_weights_equal_repetition_of_rows(task, name, data):
    rows = data.draw(scored_rows(task, weights=st.integers(1, 5).map(float)))
    repeated = rows.take(np.arange(len(rows)).repeat(rows.weights.astype(int)))
    repeated = replace(repeated, weights=np.ones(len(repeated)))

    weighted, counted = measured(name, rows), metric(name).estimate(repeated)

    assert weighted.value == pytest.approx(counted.value, rel=1e-12, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name"), EVERY)
@given(data=st.data(), scale=st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=40)
def test_only_the_ratio_of_weights_matters(task, name, data, scale):
    rows = data.draw(scored_rows(task))

    here, there = measured(name, rows), metric(name).estimate(replace(rows, weights=rows.weights * scale))

    assert there.value == pytest.approx(here.value, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(there.influence, here.influence, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
@given(rows=scored_rows(scores=scores_with_ties))
def test_rank_metrics_see_only_the_ranking(name, rows):
    transformed = replace(rows, scores=np.exp(3 * rows.scores) - 7)

    here, there = metric(name).estimate(rows), metric(name).estimate(transformed)

    assert here.value == there.value
    np.testing.assert_array_equal(here.influence, there.influence)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log_loss", "brier_score", "accuracy", "balanced_accuracy"])
@given(rows=scored_rows())
def test_two_columns_of_scores_are_worth_as_much_as_one(name, rows):
    scores = np.where(np.isclose(rows.scores, 0.5), 0.6, rows.scores)  # at 0.5 the two take different classes
    rows = replace(rows, scores=scores)
    two = replace(rows, scores=np.column_stack([1 - scores, scores]), task=Task.MULTICLASS)

    here, there = metric(name).estimate(rows), metric(name).estimate(two)

    assert there.value == pytest.approx(here.value, abs=1e-12)
    np.testing.assert_allclose(there.influence, here.influence, atol=1e-9)


@given(rows=scored_rows(weights=st.just(1.0)))
def test_errors_of_auc_and_of_its_gain_are_delongs(rows):
    other = rows.scores[::-1].copy()
    before, after = (metric("roc_auc").estimate(replace(rows, scores=each)) for each in (rows.scores, other))

    covariance = delong_covariance(rows.labels, [rows.scores, other])

    assert before.stderr**2 == pytest.approx(covariance[0, 0], abs=1e-12)
    assert after.stderr**2 == pytest.approx(covariance[1, 1], abs=1e-12)
    of_gain = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    error = paired_error(before, after, rows)
    if of_gain > 1e-12:
        assert error**2 == pytest.approx(of_gain, abs=1e-12)
    else:
        assert error > 0 or np.array_equal(rows.scores, other)


def delong_covariance(labels, models):
    """S10 / m + S01 / n of DeLong, DeLong and Clarke-Pearson (1988), pair by pair; S with m - 1 and n - 1."""
    components = []
    for scores in models:
        positives, negatives = scores[labels == 1], scores[labels == 0]
        wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    v10, v01 = (np.array(each) for each in zip(*components, strict=True))
    return np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]


@given(rows=scored_rows(weights=st.just(1.0)))
def test_error_of_a_mean_is_the_textbooks(rows):
    losses = np.square(rows.scores - rows.labels)

    assert metric("brier_score").estimate(rows).stderr == pytest.approx(
        losses.std(ddof=1) / np.sqrt(len(rows)), abs=1e-12
    )


def test_a_handful_of_rows_on_which_the_models_differ_is_no_certainty():
    """Three more found of fifty and none lost: chance does that one time in eight."""
    before = np.where(np.arange(100) < 40, 0.9, 0.1)
    after = np.where(np.arange(100) < 43, 0.9, 0.1)
    labels = (np.arange(100) < 50).astype(float)
    rows = ScoredRows(labels, before, np.ones(100))
    one, other = (metric("recall").estimate(replace(rows, scores=each)) for each in (before, after))

    assert (other.value - one.value) / paired_error(one, other, rows) < 1.6449
    assert paired_error(one, one, rows) == pytest.approx(np.sqrt(0.5) / 50)  # none against none is not certain either


def test_only_shares_of_few_rows_are_counted_as_such():
    steady, counted = Estimate(0.5, np.array([0.3, 0.4])), Estimate(0.5, np.array([0.0, 0.0]), one_row=0.02)
    rows = ScoredRows(np.array([0.0, 1.0]), np.array([0.1, 0.9]), np.ones(2))

    assert paired_error(steady, steady._replace(influence=np.zeros(2)), rows) == pytest.approx(0.5)
    assert paired_error(steady, counted, rows) == pytest.approx(np.sqrt(0.25 + 0.08))
    assert (steady.stderr, counted.stderr) == (pytest.approx(0.5), 0.04)


@pytest.mark.parametrize("n_rows", [10, 50, 400])
def test_a_share_that_is_exactly_one_is_not_certain(n_rows):
    """All of n positives found: the bound is near the exact one of Clopper and Pearson, `alpha ** (1 / n)`."""
    labels = np.repeat([0.0, 1.0], n_rows)
    found = metric("recall").estimate(ScoredRows(labels, labels, np.ones(2 * n_rows)))
    assert found.value == 1.0
    assert found.value - 1.645 * found.stderr == pytest.approx(0.05 ** (1 / n_rows), abs=0.8 / n_rows)


def test_perfect_ranking_is_exactly_one_whatever_the_weights():
    generator = np.random.default_rng(1)
    labels = np.repeat([0.0, 1.0], [700, 300])
    rows = ScoredRows(labels, labels + generator.random(1000) / 2, generator.random(1000) + 1e-3)

    for estimate in (metric("roc_auc").estimate(rows), metric("average_precision").estimate(rows)):
        assert estimate.value == 1.0
        assert estimate.stderr < 1e-15


def test_constant_scores_have_no_ranking():
    rows = ScoredRows(np.array([0.0, 0, 0, 1]), np.full(4, 0.3), np.ones(4))

    assert metric("roc_auc").estimate(rows).value == 0.5
    assert metric("roc_auc").estimate(rows).stderr == 0.0
    assert metric("average_precision").estimate(rows).value == 0.25


def test_a_perfect_prediction_has_no_error():
    rows = ScoredRows(np.array([1.0, 2, 4]), np.array([1.0, 2, 4]), np.ones(3), task=Task.REGRESSION)

    found = {name: metric(name).estimate(rows) for name in ("rmse", "mse", "mae", "r2")}

    assert {name: (each.value, each.stderr) for name, each in found.items()} == {
        "rmse": (0.0, 0.0), "mse": (0.0, 0.0), "mae": (0.0, 0.0), "r2": (1.0, 0.0)
    }  # fmt: skip

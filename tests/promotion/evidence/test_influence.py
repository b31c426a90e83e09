from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from promotion.evidence import ScoredRows, influence

SKLEARN = {
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": lambda y, s, sample_weight: sk.log_loss(y, s, labels=[0, 1], sample_weight=sample_weight),
    "brier_score": sk.brier_score_loss,
    "accuracy": lambda y, s, sample_weight: sk.accuracy_score(y, s > 0.5, sample_weight=sample_weight),
}
RANK_METRICS = ["roc_auc", "average_precision"]

scores_with_ties = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0])
any_scores = st.floats(0, 1)
any_weights = st.floats(0.05, 20)


@st.composite
def scored_rows(draw, weights=any_weights, scores=scores_with_ties | any_scores):
    n_rows = draw(st.integers(2, 25))
    labels = draw(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=n_rows, max_size=n_rows).filter(lambda y: 0 < sum(y) < n_rows)
    )
    return ScoredRows(
        np.array(labels),
        np.array(draw(st.lists(scores, min_size=n_rows, max_size=n_rows))),
        np.array(draw(st.lists(weights, min_size=n_rows, max_size=n_rows))),
    )


def estimate_by(name: str) -> Callable[[ScoredRows], influence.Estimate]:
    return getattr(influence, name)


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows())
def test_value_is_scikit_learns(name, rows):
    expected = SKLEARN[name](rows.labels, rows.scores, sample_weight=rows.weights)

    assert estimate_by(name)(rows).value == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows(weights=st.floats(0.5, 2)))
@settings(deadline=None)
def test_influence_is_the_derivative_by_the_rows_weight(name, rows):
    measured = estimate_by(name)

    def value_at(row, factor):
        weights = rows.weights.copy()
        weights[row] *= factor
        return measured(ScoredRows(rows.labels, rows.scores, weights)).value

    step = 1e-3  # the four-point formula's error is of order step^4
    slopes = [
        (8 * (value_at(i, 1 + step) - value_at(i, 1 - step)) - value_at(i, 1 + 2 * step) + value_at(i, 1 - 2 * step))
        / (12 * step)
        for i in range(len(rows))
    ]

    np.testing.assert_allclose(measured(rows).influence, slopes, atol=1e-8)


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows())
def test_influences_add_up_to_zero(name, rows):
    assert abs(estimate_by(name)(rows).influence.sum()) < 1e-10


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows(weights=st.integers(1, 5).map(float)))
def test_weights_equal_repetition_of_rows(name, rows):
    times = rows.weights.astype(int)
    repeated = ScoredRows(rows.labels.repeat(times), rows.scores.repeat(times), np.ones(times.sum()))

    weighted, counted = estimate_by(name)(rows), estimate_by(name)(repeated)

    assert weighted.value == pytest.approx(counted.value, abs=1e-12)
    np.testing.assert_allclose(
        weighted.influence.repeat(times), counted.influence * rows.weights.repeat(times), atol=1e-12
    )


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows(), data=st.data())
def test_order_of_rows_does_not_matter(name, rows, data):
    order = np.array(data.draw(st.permutations(range(len(rows)))))

    here = estimate_by(name)(rows)
    there = estimate_by(name)(ScoredRows(rows.labels[order], rows.scores[order], rows.weights[order]))

    assert there.value == pytest.approx(here.value, abs=1e-12)
    np.testing.assert_allclose(there.influence, here.influence[order], atol=1e-12)


@pytest.mark.parametrize("name", RANK_METRICS)
@given(rows=scored_rows(scores=scores_with_ties))
def test_rank_metrics_see_only_the_ranking(name, rows):
    transformed = ScoredRows(rows.labels, np.exp(3 * rows.scores) - 7, rows.weights)

    here, there = estimate_by(name)(rows), estimate_by(name)(transformed)

    assert here.value == there.value
    np.testing.assert_array_equal(here.influence, there.influence)


@pytest.mark.parametrize("name", SKLEARN)
@given(rows=scored_rows(scores=st.integers(1, 255).map(lambda k: k / 256)))
def test_single_precision_gives_the_same_where_scores_are_exact(name, rows):
    single = ScoredRows(rows.labels, rows.scores.astype(np.float32), rows.weights)

    assert estimate_by(name)(single).value == pytest.approx(estimate_by(name)(rows).value, abs=1e-12)


@pytest.mark.parametrize(("dtype", "cost"), [(np.float64, 36.0437), (np.float32, 15.9424), (np.float16, 6.9315)])
def test_log_loss_clips_by_the_precision_of_the_scores(dtype, cost):
    rows = ScoredRows(np.array([1.0, 0.0]), np.array([0.0, 1.0], dtype), np.ones(2))

    found = influence.log_loss(rows).value

    assert found == pytest.approx(cost, abs=1e-4)
    assert found == pytest.approx(sk.log_loss(rows.labels, rows.scores), rel=1e-3)


@given(rows=scored_rows(weights=st.just(1.0)))
def test_auc_components_are_delongs(rows):
    champion, challenger = rows.scores, rows.scores[::-1].copy()
    estimates = [influence.roc_auc(ScoredRows(rows.labels, s, rows.weights)) for s in (champion, challenger)]

    m, n = rows.positives, len(rows) - rows.positives
    (v10, v01), (w10, w01) = (delong_components(rows.labels, s) for s in (champion, challenger))
    of_positives, of_negatives = np.square(centred(w10 - v10)).sum(), np.square(centred(w01 - v01)).sum()

    # DeLong's variance has m (m - 1) and n (n - 1) where ours has m^2 and n^2, so ours is
    # S10 / m * (m - 1) / m + S01 / n * (n - 1) / n.
    ours = np.square(estimates[1].influence - estimates[0].influence).sum()
    assert ours == pytest.approx(of_positives / m**2 + of_negatives / n**2, abs=1e-12)
    if m > 1 and n > 1:
        s10, s01 = of_positives / (m - 1), of_negatives / (n - 1)
        assert ours == pytest.approx(s10 / m * (m - 1) / m + s01 / n * (n - 1) / n, abs=1e-12)
        assert s10 / m + s01 / n >= ours - 1e-12


def delong_components(labels, scores):
    """V10 and V01 of DeLong, DeLong and Clarke-Pearson (1988), pair by pair."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return wins.mean(axis=1), wins.mean(axis=0)


def centred(values):
    return values - values.mean()


def test_perfect_ranking_is_exactly_one_whatever_the_weights():
    generator = np.random.default_rng(1)
    labels = np.repeat([0.0, 1.0], [700, 300])
    rows = ScoredRows(labels, labels + generator.random(1000) / 2, generator.random(1000) + 1e-3)

    for estimate in (influence.roc_auc(rows), influence.average_precision(rows)):
        assert estimate.value == 1.0
        assert estimate.stderr < 1e-15


def test_constant_scores_have_no_ranking():
    rows = ScoredRows(np.array([0.0, 0, 0, 1]), np.full(4, 0.3), np.ones(4))

    assert influence.roc_auc(rows).value == 0.5
    assert influence.roc_auc(rows).stderr == 0.0
    assert influence.average_precision(rows).value == 0.25

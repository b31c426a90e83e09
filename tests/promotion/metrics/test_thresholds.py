import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from promotion.metrics import bootstrap
from promotion.metrics.influence import paired_error
from promotion.metrics.lookup import metric
from promotion.metrics.rows import ScoredRows

scores_with_ties = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)

any_weights = st.floats(0.05, 20)


@st.composite
def scored_rows(draw, weights=any_weights, fewest=2):
    def column(values):
        return np.array(draw(st.lists(values, min_size=n_rows, max_size=n_rows)))

    n_rows = draw(st.integers(2 * fewest, 2 * fewest + 20))
    labels = np.append(np.repeat([0.0, 1.0], fewest), column(st.integers(0, 1))[2 * fewest :])
    return ScoredRows(labels, column(scores_with_ties), column(weights))


def models(n_rows=2000, n_positives=200, seed=3):
    generator = np.random.default_rng(seed)
    labels = (np.arange(n_rows) < n_positives).astype(float)
    shared = generator.normal(size=n_rows) + 2 * labels
    scores = [shared + generator.normal(size=n_rows) / 2 for _ in range(2)]
    return [ScoredRows(labels, each, np.ones(n_rows)) for each in scores]


@given(rows=scored_rows(), fpr=st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9]))
@settings(deadline=None)
def test_recall_at_fpr_is_read_off_scikit_learns_curve(rows, fpr):
    false, true, _ = sk.roc_curve(rows.labels, rows.scores, sample_weight=rows.weights, drop_intermediate=False)
    assume(not np.isclose(false, fpr, rtol=1e-6).any())

    found = metric(f"recall_at_fpr({fpr})").estimate(rows)

    assert found.value == pytest.approx(true[false <= fpr].max(), abs=1e-12)


def test_recall_at_fpr_keeps_a_limit_that_is_met_exactly():
    rows = ScoredRows(np.repeat([0.0, 1.0], 10), np.append(np.arange(10), np.arange(10) + 6.5), np.ones(20))

    assert [metric(f"recall_at_fpr({fpr})").estimate(rows).value for fpr in (0.09, 0.1, 0.3)] == [0.7, 0.8, 1.0]


@given(rows=scored_rows(fewest=20), precision=st.sampled_from([0.3, 0.5, 0.9]))
@settings(deadline=None, max_examples=25)
def test_recall_at_precision_is_read_off_scikit_learns_curve(rows, precision):
    precise, recall, _ = sk.precision_recall_curve(rows.labels, rows.scores, sample_weight=rows.weights)
    assume(not np.isclose(precise, precision, rtol=1e-6).any())

    found = metric(f"recall_at_precision({precision})").estimate(rows)

    assert found.value == pytest.approx(recall[precise >= precision].max(), abs=1e-12)
    assert found.influence.shape == (bootstrap.REPLICATES,)


@given(rows=scored_rows(weights=st.just(1.0)), k=st.integers(1, 4), data=st.data())
@settings(deadline=None)
def test_precision_at_k_is_the_mean_over_all_orders_of_equal_scores(rows, k, data):
    """Each row that ties at the cut-off is among the first k as often as every other."""
    cut = np.sort(rows.scores)[-k]
    above, level = rows.labels[rows.scores > cut], rows.labels[rows.scores == cut]
    expected = (above.sum() + (k - len(above)) * level.mean()) / k

    order = np.array(data.draw(st.permutations(range(len(rows)))))
    found, shuffled = (metric(f"precision_at_k({k})").estimate(each) for each in (rows, rows.take(order)))

    assert found.value == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(shuffled.influence, found.influence[order], atol=1e-12)


@given(rows=scored_rows(weights=st.integers(1, 4).map(float)), k=st.integers(1, 4))
@settings(deadline=None)
def test_weights_equal_repetition_of_rows(rows, k):
    times = rows.weights.astype(int)
    repeated = ScoredRows(rows.labels.repeat(times), rows.scores.repeat(times), np.ones(times.sum()))

    for name in (f"precision_at_k({k})", "recall_at_fpr(0.3)"):
        assert metric(name).estimate(rows).value == pytest.approx(metric(name).estimate(repeated).value, abs=1e-12)


@given(rows=scored_rows(), k=st.integers(1, 4))
@settings(deadline=None)
def test_influences_on_precision_at_k_add_up_to_zero(rows, k):
    assume(rows.weights.sum() >= k)

    assert abs(metric(f"precision_at_k({k})").estimate(rows).influence.sum()) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recall_at_fpr(0.05)", "precision_at_k(150)", "recall_at_precision(0.7)"])
def test_error_of_a_gain_is_what_fresh_samples_show(name):
    """200 fresh samples tell a standard deviation to 5 %; the error may be too large by a fifth, hardly too small."""
    gains, errors = [], []
    for seed in range(200):
        both = models(seed=seed)
        before, after = (metric(name).estimate(rows) for rows in both)
        gains.append(after.value - before.value)
        errors.append(paired_error(before, after, both[0]))

    assert 0.88 < np.mean(errors) / np.std(gains) < 1.25


def test_both_models_see_the_same_replicates():
    before, after = models()
    name = metric("recall_at_precision(0.7)")

    paired = paired_error(name.estimate(before), name.estimate(after), before)

    np.testing.assert_array_equal(name.estimate(before).influence, name.estimate(before).influence)
    assert paired < 0.95 * np.hypot(name.estimate(before).stderr, name.estimate(after).stderr)


def test_replicates_are_poisson_and_follow_from_the_number_of_rows(monkeypatch):
    monkeypatch.setattr(bootstrap, "_BLOCK", 10_000)
    blocks = list(bootstrap.replicates(4000))
    counts = np.concatenate(blocks)

    assert counts.shape == (bootstrap.REPLICATES, 4000)
    assert {len(block) for block in blocks} == {2}
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(counts, np.concatenate(list(bootstrap.replicates(4000))))
    assert abs(np.corrcoef(counts[:2])[0, 1]) < 0.06


def test_a_bootstrapped_mean_has_the_error_of_the_formula():
    rows = models()[0]
    scores = 1 / (1 + np.exp(-rows.scores))
    rows = ScoredRows(rows.labels, scores, rows.weights)

    found = bootstrap.by_bootstrap(rows, lambda y, s, w: sk.brier_score_loss(y, s, sample_weight=w))

    formula = metric("brier_score").estimate(rows)
    assert found.value == pytest.approx(formula.value, abs=1e-12)
    assert found.stderr == pytest.approx(formula.stderr, rel=0.12)

"""Rows of unequal weight count as fewer rows: in errors, in missing metrics, and in a policy's minimum numbers."""

import numpy as np
import pytest

from promotion import Policy, decide
from promotion.canonical import plain, restore
from promotion.comparison import Comparison, compare, measure
from promotion.comparison.spread import MIN_EFFECTIVE_ROWS
from promotion.vocabulary import Outcome, Verdict

ROWS = 1000
OF_ALL, OF_CLASSES = "brier_score", "roc_auc"
PRIMARY = {"primary": {"metric": OF_ALL}}


def drawn(seed):
    """Labels, and the scores of two models drawn alike."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(ROWS) < 0.3).astype(int)
    signal = labels + 0.6 * rng.normal(size=ROWS)
    return labels, *(1 / (1 + np.exp(-(signal + 0.8 * rng.normal(size=ROWS)))) for _ in "ab")


def heavy(effective, rows=ROWS):
    """Weights of which one is so heavy that they tell as much as so many equal ones."""
    share = (1 + np.sqrt((rows - 1) * (rows / effective - 1))) / rows
    weights = np.ones(rows)
    weights[0] = share / (1 - share) * (rows - 1)
    return weights


def test_equal_weights_are_no_weights():
    labels, old, new = drawn(0)
    plain_one = compare(labels, old, new, metrics=[OF_ALL, OF_CLASSES])
    weighed = compare(labels, old, new, metrics=[OF_ALL, OF_CLASSES], sample_weight=np.full(ROWS, 3.0))
    assert (weighed.metrics, weighed.as_equal) == (plain_one.metrics, None)
    assert "as_equal" not in plain(weighed)
    assert [each.dof for each in weighed.metrics] == [None, None]


def test_one_row_that_has_nearly_all_the_weight_decides_nothing():
    weights = heavy(1.01)
    for seed in range(10):
        comparison = compare(*drawn(seed), metrics=[OF_ALL, OF_CLASSES], sample_weight=weights)
        assert [each.metric for each in comparison.missing] == [OF_ALL, OF_CLASSES]
        assert decide(comparison, Policy.from_toml(PRIMARY)).verdict is Verdict.HOLD
    assert comparison.missing[0].reason == (
        f"{OF_ALL} needs an effective number of at least {MIN_EFFECTIVE_ROWS} rows (Kish; in a classification, of each class) for a "
        "standard error, but unequal weights reduce it to 1.01. Use weights that differ less, or more rows."
    )


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_metric_of_classes_needs_effective_rows_of_each(share):
    labels, old, new = drawn(1)
    weights = np.ones(ROWS)
    one_positive = int(np.flatnonzero(labels)[0])
    weights[one_positive] = share / (1 - share) * (labels.sum() - 1)
    for found in (
        compare(labels, old, new, metrics=[OF_ALL, OF_CLASSES], sample_weight=weights),
        measure(labels, new, metrics=[OF_ALL, OF_CLASSES], sample_weight=weights),
    ):
        assert [each.metric for each in found.missing] == ([OF_CLASSES] if share == 0.5 else [])
        assert found.as_equal.positives == pytest.approx(1 / (share**2 + (1 - share) ** 2 / (labels.sum() - 1)))
        assert found.as_equal.negatives == pytest.approx((labels == 0).sum())


def test_the_minimum_of_a_policy_and_of_a_slice_is_held_against_the_effective_rows():
    labels, old, new = drawn(2)
    policy = Policy.from_toml(
        {**PRIMARY, "min_rows": 300, "slices": [{"by": "s", "metric": OF_ALL, "max_loss": 0.1, "min_rows": 300}]}
    )
    columns = {"s": np.repeat("x", ROWS)}
    comparison = compare(
        labels, old, new, metrics=[OF_ALL], sample_weight=heavy(200), slices=policy.slicings, columns=columns
    )
    assert comparison.as_equal.rows == pytest.approx(200)
    assert restore(Comparison, plain(comparison)) == comparison
    checks = {check.name: check for check in decide(comparison, policy).checks}
    rows, part = checks["evidence rows"], checks["slice brier_score where s = x"]
    assert (rows.outcome, round(rows.value)) == (Outcome.INCONCLUSIVE, 200)
    assert rows.reason == (
        "The holdout has only 1,000 rows with unequal weights, effective number 200 (Kish); the policy requires at least "
        "300."
    )
    assert (part.outcome, part.reason) == (
        Outcome.NOT_APPLICABLE,
        "The slice has only 1,000 rows with unequal weights, effective number 200 (Kish); the policy judges only slices with at least "
        "300.",
    )


@pytest.mark.slow
@pytest.mark.parametrize("effective", [12, 100])
def test_heavy_rows_err_no_more_often_than_asked(effective):
    """By the normal error of single rows one heavy row passes far more often, 12 effective rows 16 % of the time."""
    weights, wrong, draws = heavy(effective), 0, 300
    for seed in range(draws):
        comparison = compare(*drawn(seed), metrics=[OF_ALL], sample_weight=weights)
        wrong += abs(comparison[OF_ALL].gain) > comparison[OF_ALL].half_width(0.05)
    assert wrong / (2 * draws) <= 1.4 * 0.05

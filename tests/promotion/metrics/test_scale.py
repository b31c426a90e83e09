"""Results do not depend on the unit of labels, costs and weights."""

import numpy as np
import pytest

from promotion import Policy, decide
from promotion.comparison import compare

RNG = np.random.default_rng(3)
N = 600
Y = RNG.normal(size=N)
MODELS = {
    "worse": Y + 0.9 * RNG.normal(size=N),
    "same": Y + 0.5 * RNG.normal(size=N),
    "better": Y + RNG.normal(size=N) / 4,
}
CHAMPION = Y + 0.5 * RNG.normal(size=N)
SCALES = [1e-200, 1e200, 1e-280, 1e300]
TOO_FAR = [1e-300, 1e-310, 1e-322, 3e307]
REGRESSION = ["rmse", "mae", "r2", "mse"]


def decided(metric, *rows, **options):
    policy = Policy.from_toml({"primary": {"metric": metric}, "guardrails": [{"metric": metric, "max_loss": 0}]})
    found = compare(*rows, metrics=[metric], **options)
    decision = decide(found, policy)
    return decision.verdict, [check.outcome for check in decision.checks], found.missing


@pytest.mark.parametrize("metric", REGRESSION)
@pytest.mark.parametrize("challenger", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("scale", SCALES + TOO_FAR)
def test_labels_in_another_unit_give_the_same_decision_or_none(metric, challenger, scale):
    verdict, outcomes, missing = decided(metric, *(scale * each for each in (Y, CHAMPION, challenger)))
    if missing:
        assert metric == "mse" or scale in TOO_FAR
        assert verdict == "hold"
        assert "Scale" in missing[0].reason or "far larger" in missing[0].reason
    else:
        assert (verdict, outcomes) == decided(metric, Y, CHAMPION, challenger)[:2]


@pytest.mark.parametrize("scale", SCALES)
def test_costs_in_another_unit_give_the_same_decision(scale):
    labels, cost = (Y > 0).astype(int), RNG.lognormal(size=N)
    old, new = (1 / (1 + np.exp(-2 * each)) for each in (CHAMPION, MODELS["better"]))
    metric = 'expected_cost(fp="cost", fn="cost")'
    plain, other = (decided(metric, labels, old, new, columns={"cost": each}) for each in (cost, scale * cost))
    assert plain[:2] == other[:2]
    assert not other[2]


@pytest.mark.parametrize("scale", [*SCALES, 1e-300])
@pytest.mark.parametrize(
    "metric", ["roc_auc", "average_precision", "log_loss", "f1", "recall_at_fpr(0.1)", "r2", "rmse"]
)
def test_weights_in_another_unit_give_the_same_numbers(metric, scale):
    regression = metric in REGRESSION
    rows = (Y, CHAMPION, MODELS["better"])
    if not regression:
        rows = ((Y > 0).astype(int), *(1 / (1 + np.exp(-each)) for each in rows[1:]))
    weights = RNG.integers(1, 9, N)
    plain, other = (compare(*rows, metrics=[metric], sample_weight=each) for each in (weights, scale * weights))
    assert other.weight == pytest.approx(scale * plain.weight, rel=1e-12)
    for field in ("champion", "challenger", "gain", "stderr", "champion_stderr"):
        assert getattr(other[metric], field) == pytest.approx(getattr(plain[metric], field), rel=1e-9, abs=1e-15)


def test_equal_weights_are_as_none_to_the_last_bit():
    plain, other = (compare(Y, CHAMPION, MODELS["same"], metrics=["rmse"], sample_weight=w) for w in (None, [0.1] * N))
    assert plain.metrics == other.metrics


def test_k_rows_by_weight_are_not_less_than_one_row():
    labels = (Y > 0).astype(int)
    (missing,) = compare(labels, Y, CHAMPION, metrics=["precision_at_k(100)"], sample_weight=1e200 * np.ones(N)).missing
    assert (
        missing.reason
        == "precision_at_k(100) needs weights of at most 100 per row, but one is 1e+200. Scale the weights."
    )


def test_weights_that_have_lost_digits_leave_a_metric_missing():
    weights = np.tile([5e-324, 1e-323], N // 2)
    (missing,) = compare(Y, Y, CHAMPION, metrics=["mae"], sample_weight=weights).missing
    assert (
        missing.reason == "mae needs larger weights: the largest is 9.88131e-324, where double precision loses digits. "
        "Multiply all weights by a constant."
    )


@pytest.mark.parametrize(
    ("metric", "labels", "champion", "challenger"),
    [
        ("mse", Y, Y + 1e-170, Y + 2.0),
        ("mae", np.zeros(N), np.full(N, 2.0), np.ones(N)),
        ("rmse", np.zeros(N), np.full(N, 2e-200), np.full(N, 1e-200)),
        ("roc_auc", np.repeat([0, 1], N // 2), np.linspace(0, 1, N), np.repeat([0, 1], N // 2)),
        ("precision_at_k(100)", Y > 0, np.linspace(0, 1, N), np.linspace(0, 1, N) ** 2 + (np.arange(N) < 99) / 9),
        ("brier_score", np.tile([0, 1], N // 2), np.tile([0.5, 0.75], N // 2), np.tile([0.5, 0.25], N // 2)),
        ("mae", Y, Y + 2, Y + 1),
    ],
)
def test_an_error_of_scores_that_differ_is_never_zero(metric, labels, champion, challenger):
    found = compare(labels, champion, challenger, metrics=[metric])
    assert found.missing or found[metric].stderr > 1e-6 * abs(found[metric].gain)


def test_scores_that_differ_beyond_double_precision_leave_the_metric_missing():
    (missing,) = compare(np.zeros(N), np.full(N, 1e-200), np.full(N, 2e-200), metrics=["brier_score"]).missing
    assert "Scale the labels" in missing.reason
    nothing = compare(np.tile([0, 1], 300), np.full(N, 0.1), np.full(N, 0.2), metrics=["recall_at_precision(0.9)"])
    assert nothing["recall_at_precision(0.9)"].stderr == 0.0  # the rankings are equal: the metric sees no difference
    policy = Policy.from_toml(
        {"primary": {"metric": "roc_auc"}, "guardrails": [{"metric": "roc_auc", "max_loss": 0.1}]}
    )
    equal = decide(compare(np.tile([0, 1], 300), Y, Y, metrics=["roc_auc"]), policy)
    assert [check.outcome for check in equal.checks][-2:] == ["inconclusive", "passed"]


def test_huge_numbers_whose_bounds_would_overflow_leave_the_metric_missing():
    y = 1.7e308 * np.sign(Y)
    assert compare(y, y / 2, y / 4, metrics=["mae", "rmse", "mse"]).missing

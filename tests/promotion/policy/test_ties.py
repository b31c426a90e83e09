"""`rule = "point"`: values that differ only by rounding are a tie; values that differ by one row are not."""

import numpy as np
import pytest

from promotion import Policy, compare, decide
from promotion.metrics import metric
from promotion.metrics.lookup import METRIC_NAMES
from promotion.vocabulary import Task

RNG = np.random.default_rng(4)
N = 3001
LABELS = {
    Task.BINARY: (RNG.random(N) < 0.4).astype(int),
    Task.MULTICLASS: RNG.integers(0, 3, N),
    Task.REGRESSION: RNG.integers(0, 7, N) / 10,
}
SCORES = {
    Task.BINARY: RNG.random(N),
    Task.MULTICLASS: RNG.dirichlet(np.ones(3), N),
    Task.REGRESSION: LABELS[Task.REGRESSION] + RNG.normal(size=N),
}
CASES = [
    (name.replace('"TransactionAmt"', "0.3"), task)
    for name in METRIC_NAMES
    for task in sorted(metric(name).tasks)
    if not name.startswith("recall_at_precision")  # its error is bootstrapped, row by row
]


def point(name, *rows, sample_weight=None, **requirements):
    policy = Policy.from_toml({"primary": {"metric": name}, "rule": "point", **requirements})
    return decide(compare(*rows, metrics=[name], sample_weight=sample_weight), policy)


def on_other_rows(labels, scores):
    """The same scores for the same labels, each on another row: every count and every sum is equal."""
    moved = scores.copy()
    for label in np.unique(labels):
        where = np.flatnonzero(labels == label)
        moved[where] = scores[RNG.permutation(where)]
    return moved


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_same_scores_on_other_rows_are_a_tie(name, task, weighted):
    labels, scores = LABELS[task], SCORES[task]
    weights = 0.1 + 0.7 * (labels == labels.max()) if weighted else None
    for _ in range(10):
        decision = point(name, labels, scores, on_other_rows(labels, scores), sample_weight=weights)
        assert decision.verdict == "hold", decision.summary
        assert [check.outcome for check in decision.checks if check.kind == "primary"] == ["inconclusive"]


def test_one_row_more_is_no_tie():
    labels = LABELS[Task.BINARY]
    right = labels.astype(float)
    one_wrong, two_wrong = right.copy(), right.copy()
    one_wrong[0], two_wrong[-2:] = 1 - right[0], 1 - right[-2:]
    assert point("accuracy", labels, two_wrong, one_wrong).verdict == "promote"
    assert point("accuracy", labels, one_wrong, two_wrong).verdict == "reject"


@pytest.mark.parametrize("rule", ["point", "confident"])
@pytest.mark.parametrize(("require", "outcome"), [("proven", "inconclusive"), ("not_worse", "passed")])
def test_equal_models_under_a_margin_of_zero(rule, require, outcome):
    labels, scores = LABELS[Task.BINARY], SCORES[Task.BINARY]
    rails = {"metric": "brier_score", "max_loss": 0, "require": require}
    policy = Policy.from_toml(
        {"primary": {"metric": "roc_auc"}, "rule": rule, "guardrails": [rails], "slices": [{"by": "part", **rails}]}
    )
    part = np.arange(N) % 2
    found = compare(labels, scores, scores, metrics=["roc_auc", "brier_score"], slices=["part"], columns={"part": part})
    decision = decide(found, policy)
    outcomes = [str(check.outcome) for check in decision.checks if check.kind in {"guardrail", "slice"}]
    assert (decision.verdict, outcomes) == ("hold", [outcome] * 3)


def test_margins_and_floors_are_met_at_equality_by_neither_side():
    """0.3 - 0.2 is 0.09999999999999998 in double precision, and the margin asked for is 0.1."""
    labels = np.tile([0, 1], 500)
    champion, challenger = (np.where(np.arange(1000) < right, labels, 1 - labels) * 1.0 for right in (200, 300))
    primary = {"metric": "accuracy", "min_gain": 0.1}
    floors = [{"metric": "accuracy", "min": 0.3}]
    decision = point("accuracy", labels, champion, challenger, primary=primary, floors=floors)
    assert [str(check.outcome) for check in decision.checks][-2:] == ["inconclusive", "inconclusive"]

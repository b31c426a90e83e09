"""The rules that judge: the gate, by `promotion.decide`, and MLflow's rule, by its own function."""

import logging
from collections.abc import Callable
from functools import lru_cache

import promotion
from promotion.comparison import Comparison
from promotion.errors import UnknownName
from promotion.metrics import metric
from promotion.policy import Decision, Kind
from promotion.vocabulary import Direction, Outcome

ALPHA = 0.05
MLFLOW_CHANGE = 0.001

SMOOTH = (
    *("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "balanced_accuracy", "f1", "precision"),
    *("recall", "expected_cost(fp=1, fn=10)"),
)
"""Binary metrics with a closed-form influence function."""

RESAMPLED = ("recall_at_fpr(0.05)", "precision_at_k(100)", "recall_at_precision(0.5)")
"""Binary metrics with a bootstrapped error: hundreds of times the work, so fewer runs."""

REGRESSION = ("rmse", "mae", "r2")


def unknown(names: tuple[str, ...]) -> list[str]:
    """Return the names that are not metrics."""
    return [name for name in names if not _exists(name)]


def _exists(name: str) -> bool:
    try:
        metric(name)
    except UnknownName:
        return False
    return True


@lru_cache
def policy(name: str) -> promotion.Policy:
    """Return a policy with only a primary metric."""
    return promotion.Policy.from_toml({"primary": {"metric": name}, "metrics": [name]})


def gate(comparison: Comparison, name: str, alpha: float = ALPHA) -> Decision:
    """Return the gate's decision by one metric."""
    return promotion.decide(comparison, policy(name), alpha=alpha)


def enough(decision: Decision) -> bool:
    """Whether the gate found enough evidence to decide."""
    evidence = (check for check in decision.checks if check.kind is Kind.EVIDENCE)
    return not decision.missing and all(check.outcome is Outcome.PASSED for check in evidence)


@lru_cache
def mlflow_rule(direction: Direction) -> Callable[[float, float], bool]:
    """Return `mlflow.validate_evaluation_results` with `min_absolute_change` as a rule on the values of both models.

    It passes if challenger >= champion + change, or for a loss if challenger <= champion - change.
    """
    from mlflow import validate_evaluation_results
    from mlflow.models import EvaluationResult, MetricThreshold
    from mlflow.models.evaluation.validation import ModelValidationFailedException

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    higher = direction is Direction.HIGHER
    threshold = {"metric": MetricThreshold(min_absolute_change=MLFLOW_CHANGE, greater_is_better=higher)}

    def passes(champion: float, challenger: float) -> bool:
        sides = (EvaluationResult({"metric": value}, {}, run_id="") for value in (challenger, champion))
        try:
            validate_evaluation_results(threshold, *sides)
        except ModelValidationFailedException:
            return False
        return True

    return passes

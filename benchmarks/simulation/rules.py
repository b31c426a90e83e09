"""The rules that judge: ours, by `promotion.decide`, and MLflow's, by its own function."""

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
"""Binary metrics whose influence is known in closed form."""

RESAMPLED = ("recall_at_fpr(0.05)", "precision_at_k(100)", "recall_at_precision(0.5)")
"""Binary metrics whose error is bootstrapped: hundreds of times the work, so fewer runs."""

REGRESSION = ("rmse", "mae", "r2")


def unknown(names: tuple[str, ...]) -> list[str]:
    """Those of the names that are no metric."""
    return [name for name in names if not _exists(name)]


def _exists(name: str) -> bool:
    try:
        metric(name)
    except UnknownName:
        return False
    return True


@lru_cache
def policy(name: str) -> promotion.Policy:
    """A policy of a primary alone."""
    return promotion.Policy.from_toml({"primary": {"metric": name}, "metrics": [name]})


def gate(comparison: Comparison, name: str, alpha: float = ALPHA) -> Decision:
    """Our decision by one metric."""
    return promotion.decide(comparison, policy(name), alpha=alpha)


def enough(decision: Decision) -> bool:
    """Whether the gate found evidence enough to decide at all."""
    evidence = (check for check in decision.checks if check.kind is Kind.EVIDENCE)
    return not decision.missing and all(check.outcome is Outcome.PASSED for check in evidence)


@lru_cache
def mlflow_rule(direction: Direction) -> Callable[[float, float], bool]:
    """`mlflow.validate_evaluation_results` with `min_absolute_change`, of a champion's value and a challenger's.

    It passes when challenger >= champion + change, or for a loss when challenger <= champion - change.
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

"""Champion/challenger promotion: decides which trained model serves, and records why.

The steps; each returns a value that the next one takes:

1. A *recipe* loads rows and splits them; the *holdout* is used to evaluate models.
2. Champion and challenger score the same holdout rows; `compare` turns the scores into a `Comparison`: for each metric,
   both values, the gain, its paired standard error and its confidence interval.
3. `decide` applies a `Policy` to the comparison and returns a `Decision`: promote, hold or reject, with every check.
4. A `Registry` (from `open`) records the decision in the ledger, moves the stages, and mirrors them to MLflow.

    >>> import numpy as np, promotion
    >>> rng = np.random.default_rng(27)
    >>> y = (rng.random(4000) < 0.1).astype(int)
    >>> champion = 1 / (1 + np.exp(-(y + rng.normal(size=4000))))
    >>> challenger = 1 / (1 + np.exp(-(2 * y + rng.normal(size=4000))))
    >>> comparison = promotion.compare(y, champion, challenger, metrics=["roc_auc"])
    >>> policy = promotion.Policy.from_toml({"primary": {"metric": "roc_auc"}})
    >>> print(promotion.decide(comparison, policy).verdict)
    promote

Importing this package only defines names; heavy dependencies are imported on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promotion.assembly import open_registry as open  # noqa: A004 - promotion.open is the public name
    from promotion.comparison import Comparison, MetricComparison, Slicing, compare, measure
    from promotion.errors import DataError, PromotionError
    from promotion.interfaces import Recipe, Split, Step, Trained, repeatable
    from promotion.metrics import register_metric
    from promotion.policy import Budget, Decision, Policy, Trial, count_use, decide
    from promotion.policy import HoldoutSketch as Sketch
    from promotion.registry.champion import Version
    from promotion.registry.registry import Registry
    from promotion.rows import read_rows, split_by_hash, split_by_time
    from promotion.vocabulary import Stage, Tag, Verdict

__version__ = "0.1.0"

_HOMES = {
    "open": ("promotion.assembly", "open_registry"),
    "DataError": ("promotion.errors", "DataError"),
    "PromotionError": ("promotion.errors", "PromotionError"),
    "Comparison": ("promotion.comparison", "Comparison"),
    "MetricComparison": ("promotion.comparison", "MetricComparison"),
    "Slicing": ("promotion.comparison", "Slicing"),
    "compare": ("promotion.comparison", "compare"),
    "measure": ("promotion.comparison", "measure"),
    "register_metric": ("promotion.metrics", "register_metric"),
    "Budget": ("promotion.policy", "Budget"),
    "Decision": ("promotion.policy", "Decision"),
    "Policy": ("promotion.policy", "Policy"),
    "Sketch": ("promotion.policy", "HoldoutSketch"),
    "Trial": ("promotion.policy", "Trial"),
    "count_use": ("promotion.policy", "count_use"),
    "decide": ("promotion.policy", "decide"),
    "Registry": ("promotion.registry.registry", "Registry"),
    "Version": ("promotion.registry.registry", "Version"),
    "read_rows": ("promotion.rows", "read_rows"),
    "split_by_hash": ("promotion.rows", "split_by_hash"),
    "split_by_time": ("promotion.rows", "split_by_time"),
    "Recipe": ("promotion.interfaces", "Recipe"),
    "Split": ("promotion.interfaces", "Split"),
    "Step": ("promotion.interfaces", "Step"),
    "Trained": ("promotion.interfaces", "Trained"),
    "repeatable": ("promotion.interfaces", "repeatable"),
    "Stage": ("promotion.vocabulary", "Stage"),
    "Tag": ("promotion.vocabulary", "Tag"),
    "Verdict": ("promotion.vocabulary", "Verdict"),
}

__all__ = [
    "Budget",
    "Comparison",
    "DataError",
    "Decision",
    "MetricComparison",
    "Policy",
    "PromotionError",
    "Recipe",
    "Registry",
    "Sketch",
    "Slicing",
    "Split",
    "Stage",
    "Step",
    "Tag",
    "Trained",
    "Trial",
    "Verdict",
    "Version",
    "compare",
    "count_use",
    "decide",
    "measure",
    "open",
    "read_rows",
    "register_metric",
    "repeatable",
    "split_by_hash",
    "split_by_time",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'promotion' has no attribute '{name}'")
    import importlib

    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

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

import sys
from typing import TYPE_CHECKING, Any

from promotion.earlier_modules import EarlierModules

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
    from promotion.row_keys import fingerprints
    from promotion.rows import read_rows, split_by_hash, split_by_time
    from promotion.vocabulary import Stage, Tag, Verdict

__version__ = "0.1.0"
sys.meta_path.append(EarlierModules())

_MODULES = {
    "promotion.assembly": "open",
    "promotion.comparison": "Comparison MetricComparison Slicing compare measure",
    "promotion.errors": "DataError PromotionError",
    "promotion.interfaces": "Recipe Split Step Trained repeatable",
    "promotion.metrics": "register_metric",
    "promotion.policy": "Budget Decision Policy Sketch Trial count_use decide",
    "promotion.registry.champion": "Version",
    "promotion.registry.registry": "Registry",
    "promotion.row_keys": "fingerprints",
    "promotion.rows": "read_rows split_by_hash split_by_time",
    "promotion.vocabulary": "Stage Tag Verdict",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}
_OTHERWISE = {"open": "open_registry", "Sketch": "HoldoutSketch"}

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
    "fingerprints",
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

    return getattr(importlib.import_module(_HOMES[name]), _OTHERWISE.get(name, name))


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

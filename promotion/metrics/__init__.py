"""Metrics: the value of each metric on labels and scores, and each row's influence on it. Pure; NumPy only.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row)

`checked_rows` checks the arrays, and `ScoredRows` sorts each score vector once. A `Metric` makes an `Estimate` of them.
To add a metric, write one function and add one line to `catalogue`.
"""

from typing import TYPE_CHECKING, Any

from promotion.metrics.bounds import Dependence, DrawnAs, Error
from promotion.metrics.custom import register_metric
from promotion.metrics.definition import Metric
from promotion.metrics.lookup import metric, metric_names

if TYPE_CHECKING:
    from promotion.metrics.rows import ScoredRows


def __getattr__(name: str) -> Any:
    """Return `ScoredRows`, which needs NumPy; whoever only reads a policy does not import it."""
    if name != "ScoredRows":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from promotion.metrics.rows import ScoredRows

    return ScoredRows

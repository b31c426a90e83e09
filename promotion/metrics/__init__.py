"""Metrics: the value of each on labels and scores, and how much each row moves it. Pure; NumPy only.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row)

`read_rows` checks the arrays, and `ScoredRows` sorts each score vector once. A `Metric` turns them into an `Estimate`.
One line of `catalogue` and one function make a metric.
"""

from promotion.metrics.bounds import AsEqual, Dependence, DrawnAs, Error
from promotion.metrics.influence import Estimate
from promotion.metrics.lookup import METRIC_NAMES, Metric, metric, metric_names, register_metric, task_of
from promotion.metrics.rows import ScoredRows

__all__ = [
    "METRIC_NAMES",
    "AsEqual",
    "Dependence",
    "DrawnAs",
    "Error",
    "Estimate",
    "Metric",
    "ScoredRows",
    "metric",
    "metric_names",
    "register_metric",
    "task_of",
]

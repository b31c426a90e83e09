"""Metrics: the value of each metric on labels and scores, and each row's influence on it. Pure; NumPy only.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row)

`read_rows` checks the arrays, and `ScoredRows` sorts each score vector once. A `Metric` turns them into an `Estimate`.
To add a metric, write one function and add one line to `catalogue`.
"""

from promotion.metrics.bounds import AsEqual, Dependence, DrawnAs, Error
from promotion.metrics.influence import Estimate
from promotion.metrics.lookup import METRIC_NAMES, Metric, metric, metric_names, register_metric, task_of
from promotion.metrics.rows import ScoredRows

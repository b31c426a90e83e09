"""Metrics: the value of each metric on labels and scores, and each row's influence on it. Pure; NumPy only.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row)

`read_rows` checks the arrays, and `ScoredRows` sorts each score vector once. A `Metric` turns them into an `Estimate`.
To add a metric, write one function and add one line to `catalogue`.
"""

from promotion.metrics.bounds import AsEqual as AsEqual
from promotion.metrics.bounds import Dependence as Dependence
from promotion.metrics.bounds import DrawnAs as DrawnAs
from promotion.metrics.bounds import Error as Error
from promotion.metrics.influence import Estimate as Estimate
from promotion.metrics.lookup import METRIC_NAMES as METRIC_NAMES
from promotion.metrics.lookup import Metric as Metric
from promotion.metrics.lookup import metric as metric
from promotion.metrics.lookup import metric_names as metric_names
from promotion.metrics.lookup import register_metric as register_metric
from promotion.metrics.lookup import task_of as task_of
from promotion.metrics.rows import ScoredRows as ScoredRows

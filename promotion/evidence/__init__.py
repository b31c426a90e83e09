"""What the rows say: values, gains and their standard errors, from labels and scores alone.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row) -> Measurement | MetricComparison
    columns -> Slicing -> Slice -> SliceComparison

`read_rows` checks the arrays and `ScoredRows` sorts each score vector once. A `Metric` turns them into an `Estimate`:
its value, and how much each row moves it. Squared influences add up to a variance, so one pass gives each model's
standard error, and that of the gain, paired by row, without resampling; metrics of which no influence is known are
resampled instead. `compare` does this for a champion and a challenger, `measure` for a model alone. What cannot be
measured is `missing`, with the reason; nothing is ever NaN. Rows that belong together are `Groups`: their influences
are summed before they are squared. A `Slicing` divides the rows, by the values of a column or
otherwise, and `compare` says the same of each slice.

    >>> from promotion.evidence import compare
    >>> comparison = compare([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.8], [0.1, 0.3, 0.5, 0.8], metrics=["roc_auc", "log_loss"])
    >>> comparison["roc_auc"].champion, comparison["roc_auc"].challenger, comparison["roc_auc"].gain
    (0.75, 1.0, 0.25)
    >>> comparison.missing
    ()
    >>> comparison = compare([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.8], [0.1, 0.3, 0.5, 0.8], metrics=["accuracy"],
    ...                      slices={"card": ["visa", "amex", "visa", "amex"]})
    >>> [(part.name, part.rows, part.metrics[0].gain) for part in comparison.slices]
    [('card = amex', 2, 0.5), ('card = visa', 2, 0.0)]

Pure: no I/O, no clock; the same arrays always give the same numbers. NumPy only.
"""

from promotion.evidence.bounds import AsEqual, Dependence, DrawnAs, Error
from promotion.evidence.comparison import compare, measure
from promotion.evidence.influence import Estimate
from promotion.evidence.metrics import METRIC_NAMES, Metric, metric, metric_names, register_metric, task_of
from promotion.evidence.rows import ScoredRows
from promotion.evidence.slices import Slicing
from promotion.evidence.values import (
    Calibration,
    Comparison,
    Evaluation,
    Measurement,
    MetricComparison,
    MissingMetric,
    ScoreSummary,
    SliceComparison,
)

__all__ = [
    "METRIC_NAMES",
    "AsEqual",
    "Calibration",
    "Comparison",
    "Dependence",
    "DrawnAs",
    "Error",
    "Estimate",
    "Evaluation",
    "Measurement",
    "Metric",
    "MetricComparison",
    "MissingMetric",
    "ScoreSummary",
    "ScoredRows",
    "SliceComparison",
    "Slicing",
    "compare",
    "measure",
    "metric",
    "metric_names",
    "register_metric",
    "task_of",
]

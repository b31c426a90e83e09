"""Comparison of two models: values, gains and their standard errors, from labels and scores alone.

    labels, scores, weights -> ScoredRows -> Estimate (value, influence per row) -> Measurement |
    MetricComparison columns -> Slicing -> Slice -> SliceComparison

`promotion.metrics` gives each metric's value and the influence of each row on it. Squared
influences add up to a variance, so one pass gives each model's standard error and that of the gain,
paired by row, without resampling. Metrics without a known influence are resampled. `compare`
measures a champion and a challenger, `measure` a single model. Metrics that cannot be computed are
listed in `missing`, with the reason; no value is ever NaN. Dependent rows form `Groups`: their
influences are summed before they are squared. A `Slicing` divides the rows, for example by the
values of a column, and `compare` gives the same results for each slice.

    >>> from promotion.comparison import compare
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

from typing import TYPE_CHECKING, Any

from promotion.comparison.slicing import Slicing
from promotion.comparison.values import (
    Calibration,
    Comparison,
    Evaluation,
    Measurement,
    MetricComparison,
    MissingMetric,
    ScoreSummary,
    SliceComparison,
)

if TYPE_CHECKING:
    from promotion.comparison.comparison import compare, measure


def __getattr__(name: str) -> Any:
    """Return `compare` or `measure`, which need NumPy; whoever only reads a record does not import it."""
    if name not in {"compare", "measure"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from promotion.comparison import comparison

    return getattr(comparison, name)

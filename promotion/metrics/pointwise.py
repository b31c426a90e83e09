"""Row-by-row metrics of the distance between a label and a probability or predicted number."""

import numpy as np

from promotion.errors import DataError
from promotion.metrics.arrays import Floats
from promotion.metrics.influence import Estimate, mean_of_rows, of_all_rows
from promotion.metrics.rows import ScoredRows
from promotion.metrics.scale import TINY, largest, power_of_two

EPS = float(np.finfo(np.float64).eps)
"""Probabilities are clipped this far from 0 and 1: scikit-learn's value for double precision, for all containers."""


def log_loss(rows: ScoredRows) -> Estimate:
    """Mean of `-log(probability given to the true class)`, clipped to `EPS` from 0 and 1.

    A score of 0 for a positive costs 36.0.
    """
    chances = _of_true_class(rows)
    np.clip(chances, EPS, 1.0 - EPS, out=chances)
    return mean_of_rows(rows, -np.log(chances, out=chances))


def brier_score(rows: ScoredRows) -> Estimate:
    """Mean squared distance of score and label; with three or more classes, summed over them, from 0 to 2."""
    if rows.scores.ndim == 1:
        return mse(rows)
    distances = np.square(rows.scores).sum(axis=1) + 1.0 - 2.0 * _of_true_class(rows)
    return mean_of_rows(rows, distances / 2 if rows.n_classes == 2 else distances)  # noqa: PLR2004 - as for one column


def mse(rows: ScoredRows) -> Estimate:
    """Mean squared error.

    Raises:
        DataError: the squares are outside the range of double precision.
    """
    estimate, unit = _mean_square(rows)
    squared = unit * unit
    if unit == 1 or TINY < estimate.value * squared < np.inf:
        return _scaled(estimate, squared)
    extreme = "large" if unit > 1 else "small"
    raise DataError(
        f"The {rows.whose}'s errors, up to about {unit:.0e}, have squares that are too {extreme} for double precision. "
        "Scale the labels and the scores, or use rmse or mae."
    )


def rmse(rows: ScoredRows) -> Estimate:
    """Root mean squared error; by the delta method, its influence is that of its square over twice the root."""
    square, unit = _mean_square(rows)
    root = float(np.sqrt(square.value))
    return _scaled(Estimate(root, square.influence / (2 * root) if root else square.influence), unit)


def mae(rows: ScoredRows) -> Estimate:
    """Mean absolute error."""
    errors, unit = _errors(rows)
    return _scaled(mean_of_rows(rows, np.abs(errors, out=errors)), unit)


def r2(rows: ScoredRows) -> Estimate:
    """Share of the labels' variance that is explained, `1 - R` with `R = sum w error^2 / sum w (label - mean)^2`.

    The mean minimises the denominator, so its own derivative vanishes: `dr2/dw_i = (R spread_i -
    error_i^2) / D`. Labels and errors are scaled by the same unit, which does not change R.

    Raises:
        DataError: the labels are so close to zero that double precision has lost digits of them.
    """
    if largest(rows.labels) < TINY:
        raise DataError(
            f"All labels are below {TINY:g} in absolute value, too small for double precision. Scale the labels."
        )
    unit = power_of_two(max(largest(rows.labels), largest(rows.scores)))
    labels, scores = rows.labels / unit, rows.scores / unit
    mean = (rows.weights * labels).sum() / rows.weights.sum()
    errors, spreads = np.square(scores - labels), np.square(labels - mean)
    total = (rows.weights * spreads).sum()
    unexplained = (rows.weights * errors).sum() / total
    return of_all_rows(rows, 1.0 - unexplained, (unexplained * spreads - errors) / total)


def _mean_square(rows: ScoredRows) -> tuple[Estimate, float]:
    """Return the mean squared error in the errors' unit, and the unit."""
    errors, unit = _errors(rows)
    return mean_of_rows(rows, np.square(errors, out=errors)), unit


def _errors(rows: ScoredRows) -> tuple[Floats, float]:
    """Return the errors, shape `(n_rows,)`, in a unit that keeps their squares exact, and the unit."""
    errors = rows.scores - rows.labels
    unit = power_of_two(largest(errors))
    if unit != 1:
        errors /= unit
    return errors, unit


def _scaled(estimate: Estimate, unit: float) -> Estimate:
    return estimate if unit == 1 else Estimate(estimate.value * unit, estimate.influence * unit)


def _of_true_class(rows: ScoredRows) -> Floats:
    """Return the probability that the model assigns to the true class, shape `(n_rows,)`."""
    if rows.scores.ndim == 1:
        return np.where(rows.positive, rows.scores, 1.0 - rows.scores)
    return rows.scores[np.arange(len(rows)), rows.labels.astype(np.intp)]

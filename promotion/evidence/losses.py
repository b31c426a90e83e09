"""Metrics of how far off a probability or a predicted number is, row by row."""

import numpy as np

from promotion.evidence.arrays import Floats
from promotion.evidence.influence import Estimate, mean_of_rows, of_all_rows
from promotion.evidence.rows import ScoredRows


def log_loss(rows: ScoredRows) -> Estimate:
    """Mean of `-log(probability given to the true class)`, clipped as scikit-learn does, by the scores' own precision.

    A score of 0 for a positive costs 36.0 in double and 15.9 in single precision.
    """
    eps = float(np.finfo(rows.scores.dtype).eps)
    chances = _of_true_class(rows)
    np.clip(chances, eps, 1.0 - eps, out=chances)
    return mean_of_rows(rows, -np.log(chances, out=chances))


def brier_score(rows: ScoredRows) -> Estimate:
    """Mean squared distance of score and label; of three and more classes, summed over them, from 0 to 2."""
    if rows.scores.ndim == 1:
        return mse(rows)
    scores = rows.scores.astype(np.float64, copy=False)
    distances = np.square(scores).sum(axis=1) + 1.0 - 2.0 * _of_true_class(rows)
    return mean_of_rows(rows, distances / 2 if rows.n_classes == 2 else distances)  # noqa: PLR2004 - as for one column


def mse(rows: ScoredRows) -> Estimate:
    """Mean squared error."""
    errors = _errors(rows)
    return mean_of_rows(rows, np.square(errors, out=errors))


def rmse(rows: ScoredRows) -> Estimate:
    """Root of the mean squared error; the influence, by the delta method, is that of its square over twice the root."""
    square = mse(rows)
    root = float(np.sqrt(square.value))
    return Estimate(root, square.influence / (2 * root) if root else square.influence)


def mae(rows: ScoredRows) -> Estimate:
    """Mean absolute error."""
    return mean_of_rows(rows, np.abs(_errors(rows)))


def r2(rows: ScoredRows) -> Estimate:
    """Share of the labels' variance that is explained, `1 - R` with `R = sum w error^2 / sum w (label - mean)^2`.

    The mean minimises the denominator, so its own derivative drops out: `dr2/dw_i = (R spread_i - error_i^2) / D`.
    """
    mean = (rows.weights * rows.labels).sum() / rows.weights.sum()
    errors, spreads = np.square(_errors(rows)), np.square(rows.labels - mean)
    total = (rows.weights * spreads).sum()
    unexplained = (rows.weights * errors).sum() / total
    return of_all_rows(rows, 1.0 - unexplained, (unexplained * spreads - errors) / total)


def _errors(rows: ScoredRows) -> Floats:
    return rows.scores.astype(np.float64, copy=False) - rows.labels


def _of_true_class(rows: ScoredRows) -> Floats:
    """The probability that the model gives to what is so, shape `(n_rows,)`."""
    scores = rows.scores.astype(np.float64, copy=False)
    if scores.ndim == 1:
        return np.where(rows.positive, scores, 1.0 - scores)
    return scores[np.arange(len(rows)), rows.labels.astype(np.intp)]

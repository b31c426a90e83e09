"""Metrics of the predicted class, computed from counts of rows by true and predicted class.

A binary model predicts 1 if the score is above the threshold (default 0.5). A score of exactly 0.5 predicts 0, as
argmax over two classes does. A multiclass model predicts the class with the highest score, the first one on ties.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.metrics.arrays import Floats, floats
from promotion.metrics.influence import Estimate, mean_of, mean_of_rows, ratio_of_classes
from promotion.metrics.rows import ScoredRows

Cost: TypeAlias = float | str
"""The cost of one row: a number, or the name of the column that holds it for each row."""

_OfClass: TypeAlias = Callable[[ScoredRows, int], Estimate]


def accuracy(rows: ScoredRows) -> Estimate:
    """Share of the rows whose class is predicted correctly."""
    return mean_of_rows(rows, (predicted(rows) == rows.labels).astype(np.float64), float(rows.weights.max()))


def precision(rows: ScoredRows) -> Estimate:
    """Share of positives among the rows predicted as 1."""
    return _precision(rows, 1)


def recall(rows: ScoredRows) -> Estimate:
    """Share of the positives that are predicted as 1."""
    return _recall(rows, 1)


def f1(rows: ScoredRows) -> Estimate:
    """Harmonic mean of precision and recall, `2 TP / (predicted 1 + true 1)`."""
    return _f1(rows, 1)


def precision_macro(rows: ScoredRows) -> Estimate:
    """Mean of the precision over the classes."""
    return _macro(_precision, rows)


def recall_macro(rows: ScoredRows) -> Estimate:
    """Mean of the recall over the classes, also called balanced accuracy."""
    return _macro(_recall, rows)


def f1_macro(rows: ScoredRows) -> Estimate:
    """Mean of the F1 over the classes."""
    return _macro(_f1, rows)


def expected_cost(rows: ScoredRows, *, fp: Cost, fn: Cost, tp: Cost, tn: Cost, threshold: float) -> Estimate:
    """Mean cost per row, in the user's own unit, given the cost of each kind of hit and miss."""
    said = predicted(rows, threshold) == 1
    if_one = np.where(rows.labels == 1, per_row(rows, tp), per_row(rows, fp))
    if_zero = np.where(rows.labels == 1, per_row(rows, fn), per_row(rows, tn))
    at_stake = rows.weights * np.abs(if_one - if_zero)
    dearer_class = max(float(at_stake[rows.labels == k].mean()) for k in (0, 1) if (rows.labels == k).any())
    return mean_of_rows(rows, np.where(said, if_one, if_zero), dearer_class)


def per_row(rows: ScoredRows, cost: Cost) -> Floats:
    """The cost of each row, shape `(n_rows,)`."""
    return floats(rows.columns[cost]) if isinstance(cost, str) else np.full(len(rows), cost, dtype=np.float64)


def predicted(rows: ScoredRows, threshold: float = 0.5) -> NDArray[np.signedinteger[Any]]:
    """The predicted class of each row, shape `(n_rows,)`."""
    if rows.scores.ndim == 1:
        return (rows.scores > threshold).astype(np.int8)
    said: NDArray[np.intp] = rows.scores.argmax(axis=1)
    return said


def _precision(rows: ScoredRows, k: int) -> Estimate:
    said, true = _said_and_true(rows, k)
    return ratio_of_classes(rows, said * true, said)


def _recall(rows: ScoredRows, k: int) -> Estimate:
    said, true = _said_and_true(rows, k)
    return ratio_of_classes(rows, said * true, true)


def _f1(rows: ScoredRows, k: int) -> Estimate:
    said, true = _said_and_true(rows, k)
    return ratio_of_classes(rows, 2 * said * true, said + true, jump=2.0)


def _macro(of_class: _OfClass, rows: ScoredRows) -> Estimate:
    return mean_of([of_class(rows, k) for k in range(rows.n_classes)])


def _said_and_true(rows: ScoredRows, k: int) -> tuple[Floats, Floats]:
    """Indicators of the rows predicted as class k and of the rows in class k; 0.0 or 1.0, shape `(n_rows,)` each."""
    return (predicted(rows) == k).astype(np.float64), (rows.labels == k).astype(np.float64)

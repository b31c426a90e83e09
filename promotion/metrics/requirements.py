"""Requirements of metrics on the rows, beyond finite scores: each returns the reason why rows do not meet it."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from promotion.metrics.arrays import floats
from promotion.metrics.bootstrap import FEWEST_ROWS
from promotion.metrics.counting import predicted
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Task

Requirement: TypeAlias = Callable[[ScoredRows], str]
"""Returns a sentence if the rows do not meet the requirement, and an empty string if they do.

In the sentence, a leading `It` stands for the metric, whose name replaces it.
"""


def finite_scores(rows: ScoredRows) -> str:
    """Require that no score is NaN or infinite."""
    if np.isfinite(rows.scores).all():
        return ""
    nan, infinite = np.count_nonzero(np.isnan(rows.scores)), np.count_nonzero(np.isinf(rows.scores))
    held = " and ".join(f"{count:,} {name}" for count, name in ((nan, "NaN"), (infinite, "infinite")) if count)
    return (
        f"The {rows.whose}'s scores must be finite, but include {held} among {rows.scores.size:,}. "
        f"Find out why the {rows.whose} cannot score these rows."
    )


def weights_in_full(rows: ScoredRows) -> str:
    """Require that unequal weights are not all so tiny that double precision has lost digits of them."""
    top = float(rows.weights.max()) * rows.unit
    if top >= np.finfo(np.float64).tiny or rows.weights.min() == rows.weights.max():
        return ""
    return (
        f"It needs larger weights: the largest is {top:g}, where double precision loses digits. "
        "Multiply all weights by a constant."
    )


def two_rows(rows: ScoredRows) -> str:
    """Require two rows, because a mean of one row has no standard error."""
    if len(rows) > 1:
        return ""
    return "It needs at least two rows for a standard error, but there is 1. Use more rows."


def every_class(rows: ScoredRows) -> str:
    """Require two rows of each class, because a mean over a class of one row has no standard error."""
    fewest = min(rows.rows_per_class)
    if fewest > 1:
        return ""
    label = rows.rows_per_class.index(fewest)
    if rows.task is Task.BINARY and not fewest:
        return f"It needs rows of both classes, but all {len(rows):,} labels are {1 - label}. Use rows of both classes."
    return (
        f"It needs at least two rows of each class for a standard error, but of {len(rows):,} rows "
        f"{'1 has' if fewest else 'none has'} the label {label}. Use more rows."
    )


def enough_to_resample(rows: ScoredRows) -> str:
    """Require enough rows that practically every replicate holds rows of each class."""
    fewest = min(rows.rows_per_class)
    if fewest >= FEWEST_ROWS:
        return ""
    which = "" if rows.task is Task.REGRESSION else f" with the label {rows.rows_per_class.index(fewest)}"
    each = "" if rows.task is Task.REGRESSION else " of each class"
    return (
        f"It needs at least {FEWEST_ROWS} rows{each}, because its standard error is estimated by resampling, but "
        f"there are {fewest}{which}. Use more rows."
    )


def probabilities(rows: ScoredRows) -> str:
    """Require that every score lies between 0 and 1, and that those of several classes add up to 1."""
    low, high = float(rows.scores.min()), float(rows.scores.max())
    if low < 0 or high > 1:
        return (
            f"It needs scores from 0 to 1, but the {rows.whose}'s lie between {low:g} and {high:g}. "
            "Use probabilities as scores, or use a rank-based metric such as roc_auc."
        )
    return _adding_up_to_one(rows) if rows.task is Task.MULTICLASS else ""


ADDING_UP = 1e-3
"""Tolerance on the sum of a row's probabilities: half precision rounds each by up to 0.0005 of itself."""


def _adding_up_to_one(rows: ScoredRows) -> str:
    sums = rows.scores.sum(axis=1, dtype=np.float64)
    off = np.abs(sums - 1.0)
    wrong = np.count_nonzero(off > ADDING_UP)
    if not wrong:
        return ""
    return (
        f"It needs probabilities that add up to 1 in each row, but {wrong:,} of the {rows.whose}'s {len(rows):,} rows "
        f"do not (for example {sums[off.argmax()]:g}). Score with predict_proba, or normalise the rows."
    )


FEWEST_SAID = 20
"""Minimum rows predicted as 1; precision of fewer rows is uninformative: equally good models differed too often."""


def says_one(rows: ScoredRows) -> str:
    """Require scores above 0.5 on some rows, at least `FEWEST_SAID`."""
    said = int(np.count_nonzero(predicted(rows)))
    if said >= FEWEST_SAID:
        return ""
    return (
        f"It needs at least {FEWEST_SAID} rows predicted as 1, but the {rows.whose} predicts 1 for {said:,}. Use more "
        "rows, or precision_at_k or recall_at_fpr, which choose the threshold from the rows."
    )


def says_every_class(rows: ScoredRows) -> str:
    """Require that each class is predicted for some row."""
    return next(filter(None, (says(rows, label) for label in range(rows.n_classes))), "")


def says(rows: ScoredRows, label: int) -> str:
    """Require that this class is predicted for some row."""
    if (predicted(rows) == label).any():
        return ""
    return f"It needs rows predicted as {label}, but the {rows.whose} predicts {label} for none. Use another metric."


def spread_labels(rows: ScoredRows) -> str:
    """Require that the labels are not all equal."""
    if np.ptp(rows.labels) > 0:
        return ""
    return f"It needs labels that differ, but all {len(rows):,} are {rows.labels[0]:g}. Use rows with different labels."


def at_least(rows: ScoredRows, count: int) -> str:
    """Require `count` rows, by weight, and that no single row weighs more than `count`."""
    heaviest = float(rows.weights.max()) * rows.unit
    if heaviest > count:
        return f"It needs weights of at most {count:,} per row, but one is {heaviest:,.6g}. Scale the weights."
    if rows.weight >= count:
        return ""
    return f"It needs at least {count:,} rows, but there are {rows.weight:,.6g}. Use more rows."


def costs(rows: ScoredRows, label: int, column: str) -> str:
    """Require that the column holds a finite cost for each row with this label."""
    if column in rows.columns:
        return _why_no_costs(rows, label, column)
    return f"It needs the costs in a column '{column}', but there is no such column. Add it to the columns."


def _why_no_costs(rows: ScoredRows, label: int, name: str) -> str:
    try:
        column = floats(rows.columns[name])
    except (TypeError, ValueError) as error:
        return f"It needs numbers in the column '{name}', but cannot read its values: {error}."
    if column.shape != (len(rows),):
        return (
            f"It needs a cost in the column '{name}' for each of {len(rows):,} rows, but the column's "
            f"shape is {column.shape}."
        )
    wrong = np.count_nonzero(~np.isfinite(column[rows.labels == label]))
    if not wrong:
        return ""
    return (
        f"It needs a finite cost in the column '{name}' for each row with label {label}, but {wrong:,} are NaN or "
        "infinite. Fill them in, or leave those rows out."
    )

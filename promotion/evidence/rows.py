"""The rows that judge, as checked arrays, ranked once per score vector."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Scores: TypeAlias = NDArray[np.float16] | NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows grouped by equal score, groups ascending; all that a rank metric needs.

    Attributes:
        group: index of each row's group, shape `(n_rows,)`.
        positives: weight of the positives in each group, shape `(n_groups,)`.
        negatives: weight of the negatives in each group, shape `(n_groups,)`.
    """

    group: NDArray[np.intp]
    positives: Floats
    negatives: Floats


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """One model's scores on the rows that judge.

    Attributes:
        labels: 0.0 or 1.0, shape `(n_rows,)`.
        scores: higher means more likely 1, shape `(n_rows,)`, in the precision the model gave.
        weights: above zero, shape `(n_rows,)`.
        whose: `champion`, `challenger` or `model`; for sentences.
    """

    labels: Floats
    scores: Scores
    weights: Floats
    whose: str = "model"

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def positives(self) -> int:
        """Number of rows labelled 1."""
        return int(np.count_nonzero(self.labels))

    @cached_property
    def ranking(self) -> Ranking:
        """The one sort of these scores; ties are exact equality."""
        values, group = np.unique(self.scores, return_inverse=True)
        positives = np.bincount(group, self.weights * self.labels, len(values)).astype(np.float64)
        negatives = np.bincount(group, self.weights * (1.0 - self.labels), len(values)).astype(np.float64)
        return Ranking(group, positives, negatives)


def read_rows(
    y_true: ArrayLike, scores: Mapping[str, ArrayLike], sample_weight: ArrayLike | None
) -> tuple[ScoredRows, ...]:
    """Check labels, each model's scores and weights, all of shape `(n_rows,)`; NaN scores are left to the metrics.

    A row of weight zero says nothing and is left out.

    Raises:
        DataError: they are not such arrays, or do not fit together.
    """
    labels = _read_labels(y_true)
    weights = np.ones(len(labels)) if sample_weight is None else _read_weights(sample_weight, len(labels))
    read = {whose: _read_numbers(f"{whose}'s scores", given, len(labels)) for whose, given in scores.items()}
    kept = slice(None) if (weights > 0).all() else weights > 0
    return tuple(ScoredRows(labels[kept], given[kept], weights[kept], whose) for whose, given in read.items())


def _read_labels(given: ArrayLike) -> Floats:
    labels = _read_numbers("labels", given).astype(np.float64)
    if not len(labels):
        message = "At least one labelled row is needed to judge by, but there are none. Give a holdout with rows."
        raise DataError(message)
    wrong = labels[~np.isin(labels, (0.0, 1.0))]
    if len(wrong):
        examples = ", ".join(f"{value:g}" for value in np.unique(wrong)[:3])
        message = (
            f"Every label must be 0 or 1, but {len(wrong):,} of {len(labels):,} are not (for example {examples}). "
            "Map the labels to 0 and 1, and leave out the rows that have none."
        )
        raise DataError(message)
    return labels


def _read_weights(given: ArrayLike, n_rows: int) -> Floats:
    weights = _read_numbers("weights", given, n_rows).astype(np.float64)
    wrong = int(np.count_nonzero(~(np.isfinite(weights) & (weights >= 0))))
    if wrong:
        message = (
            f"Every weight must be a number from 0 up, but {wrong:,} of {n_rows:,} are negative, NaN or infinite. "
            "Mend them, or leave those rows out."
        )
        raise DataError(message)
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not 0 < total < np.inf:
        message = (
            f"The weights must add up to a number above 0, but their sum is {total:g}. Scale them, or leave them out."
        )
        raise DataError(message)
    return weights


def _read_numbers(what: str, given: ArrayLike, n_rows: int | None = None) -> Scores:
    """Numbers of shape `(n_rows,)`; half, single and double precision stay what they are, all else becomes double."""
    try:
        numbers = _as_floats(given)
    except (TypeError, ValueError) as error:
        message = f"The {what} must be numbers, but they cannot be read as such: {error}."
        raise DataError(message) from error
    _require_shape(what, numbers.shape, n_rows)
    return numbers


def _require_shape(what: str, shape: tuple[int, ...], n_rows: int | None) -> None:
    if len(shape) != 1:
        column = " Give the column of class 1, scores[:, 1]." if shape[1:] == (2,) and what.endswith("scores") else ""
        message = f"The {what} must have the shape (n_rows,), but have the shape {shape}.{column}"
        raise DataError(message)
    if n_rows is not None and shape[0] != n_rows:
        message = (
            f"There must be one of the {what} for each of the {n_rows:,} labels, but there are {shape[0]:,}. "
            "Score and weigh the very rows that are labelled."
        )
        raise DataError(message)


def _as_floats(given: ArrayLike) -> Scores:
    numbers = np.asarray(given)
    if numbers.dtype.kind in "cmMV":
        message = f"they are of type {numbers.dtype}"
        raise TypeError(message)
    if numbers.dtype in {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)}:
        return numbers
    return np.asarray(given, dtype=np.float64)

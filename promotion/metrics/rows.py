"""The evaluation rows as checked arrays, ranked once per score vector."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.errors import DataError
from promotion.metrics.arrays import Columns, Floats, Index, TakenColumns, floats
from promotion.metrics.grouping import Ranking, grouped
from promotion.metrics.scale import power_of_two
from promotion.vocabulary import Task

if TYPE_CHECKING:
    from promotion.metrics.groups import Groups


_SHOWN = 200
"""Maximum characters of a NumPy error shown in a message."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """One model's scores on the evaluation rows.

    Attributes:
        labels: shape `(n_rows,)`; by task, 0.0 or 1.0, or the class 0.0 to K - 1, or any finite
            number.
        scores: in double precision. Binary: higher means more likely 1, shape `(n_rows,)`;
            multiclass: one score per class, shape `(n_rows, n_classes)`; regression: the predicted
            number, shape `(n_rows,)`.
        weights: above zero, in units of `unit`, shape `(n_rows,)`.
        whose: `champion`, `challenger` or `model`; for messages.
        columns: further numbers of each row by name, e.g. the cost of a mistake on it.
        task: the task of the model.
        unit: the weight that 1.0 stands for, see `_in_unit`.
        groups: the groups of dependent rows; None if each row is an independent draw.
    """

    labels: Floats
    scores: Floats
    weights: Floats
    whose: str = "model"
    columns: Columns = field(default_factory=dict[str, Any])
    task: Task = Task.BINARY
    unit: float = 1.0
    groups: "Groups | None" = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Index) -> "ScoredRows":
        """Return a subset of the rows: those where a mask is true, or those at the given positions."""
        weights, unit = _in_unit(self.weights[index])
        return replace(
            self,
            labels=self.labels[index],
            scores=self.scores[index],
            weights=weights,
            columns=TakenColumns(self.columns, index, len(self)),
            unit=unit * self.unit,
            groups=self.groups and self.groups.take(index),
        )

    @property
    def given_weights(self) -> Floats:
        """The weights as given, shape `(n_rows,)`."""
        return self.weights if self.unit == 1 else self.weights * self.unit

    @property
    def weight(self) -> float:
        """Sum of the weights as given."""
        return float(self.weights.sum()) * self.unit

    @property
    def unequal(self) -> bool:
        """Whether the weights differ."""
        return bool(self.weights.min() != self.weights.max())

    @property
    def positives(self) -> int | None:
        """Number of rows labelled 1; None unless the task is binary."""
        return self.rows_per_class[1] if self.task is Task.BINARY else None

    @cached_property
    def positive(self) -> NDArray[np.bool_]:
        """Mask of the rows labelled 1, shape `(n_rows,)`."""
        positive: NDArray[np.bool_] = self.labels == 1
        return positive

    @cached_property
    def rows_per_class(self) -> tuple[int, ...]:
        """Number of rows of each class; in regression, one class with all rows."""
        if self.task is Task.REGRESSION:
            return (len(self),)
        counts = np.bincount(self.labels.astype(np.intp), minlength=self.n_classes)
        return tuple(int(count) for count in counts)

    @property
    def n_classes(self) -> int:
        """Number of classes with scores; 2 if there is one score per row."""
        return self.scores.shape[1] if self.scores.ndim > 1 else 2

    @cached_property
    def ranking(self) -> Ranking:
        """The one sort of these scores, in a binary task; only exactly equal scores are ties."""
        values, group = grouped(self.scores)
        positives = np.bincount(group[self.positive], self.weights[self.positive], len(values))
        negatives = np.bincount(group, self.weights * ~self.positive, len(values))
        return Ranking(
            group, values, positives.astype(np.float64, copy=False), negatives.astype(np.float64, copy=False)
        )

    @cached_property
    def one_vs_rest(self) -> tuple["ScoredRows", ...]:
        """The one-vs-rest binary tasks, class by class."""
        return tuple(
            replace(self, labels=(self.labels == k).astype(np.float64), scores=self.scores[:, k], task=Task.BINARY)
            for k in range(self.n_classes)
        )


def checked_rows(
    y_true: ArrayLike,
    scores: Mapping[str, ArrayLike],
    sample_weight: ArrayLike | None,
    *,
    task: Task = Task.BINARY,
    columns: Columns | None = None,
) -> tuple[ScoredRows, ...]:
    """Check labels, each model's scores, and weights. Metrics check NaN scores and columns themselves.

    Rows with weight zero are dropped.

    Args:
        y_true: labels, shape `(n_rows,)`: by task, 0 or 1, a class from 0 to `n_classes - 1`, or a
            finite number.
        scores: each model's scores by role; shape `(n_rows,)`, or `(n_rows, n_classes)` in a
            multiclass task.
        sample_weight: a number from 0 up per row, shape `(n_rows,)`; equal when left out.
        task: the task of the models, see `promotion.metrics.definition.task_of`.
        columns: arrays of shape `(n_rows,)` by name, such as a DataFrame.

    Raises:
        DataError: the arrays have wrong types or shapes, or do not fit together.
    """
    labels = read_labels(y_true)
    weights, unit = _read_weights(sample_weight, len(labels))
    read = {whose: _read_scores(f"{whose}'s scores", given, len(labels), task) for whose, given in scores.items()}
    for whose, given in read.items():
        _LABEL_CHECKS[task](labels, whose, given)
    every = {} if columns is None else columns
    rows = tuple(ScoredRows(labels, given, weights, whose, every, task, unit) for whose, given in read.items())
    return rows if (weights > 0).all() else tuple(each.take(weights > 0) for each in rows)


def read_labels(given: ArrayLike) -> Floats:
    """Return the labels as numbers; raises `DataError` if they are not, or if there are none."""
    labels = _read_numbers("labels", given)
    if not len(labels):
        raise DataError("The holdout must have at least one labelled row, but has none. Use a holdout with rows.")
    return labels


def _require_two_classes(labels: Floats, _whose: str, _scores: Floats) -> None:
    _require_labels(
        labels,
        (labels != 0) & (labels != 1),
        "0 or 1",
        "Map the labels to 0 and 1, and leave out the rows that have none.",
    )


def _require_classes(labels: Floats, whose: str, scores: Floats) -> None:
    last = scores.shape[1] - 1
    _require_labels(
        labels,
        ~((labels >= 0) & (labels <= last) & (labels == np.floor(labels))),
        f"a whole number from 0 to {last}, because the {whose}'s scores have {last + 1} columns",
        "Map each label to the column of its class, and leave out the rows that have none.",
    )


def _require_finite(labels: Floats, _whose: str, _scores: Floats) -> None:
    _require_labels(labels, ~np.isfinite(labels), "a finite number", "Fix those rows, or leave them out.")


_LABEL_CHECKS: Mapping[Task, Callable[[Floats, str, Floats], None]] = {
    Task.BINARY: _require_two_classes,
    Task.MULTICLASS: _require_classes,
    Task.REGRESSION: _require_finite,
}


def _require_labels(labels: Floats, wrong: NDArray[np.bool_], what: str, way_out: str) -> None:
    if wrong.any():
        examples = ", ".join(f"{value:g}" for value in np.unique(labels[wrong])[:3])
        raise DataError(
            f"Every label must be {what}, but {np.count_nonzero(wrong):,} of {len(labels):,} are not "
            f"(for example {examples}). {way_out}"
        )


def _read_weights(given: ArrayLike | None, n_rows: int) -> tuple[Floats, float]:
    """Return the weights in their unit, and the unit."""
    if given is None:
        return np.ones(n_rows), 1.0
    weights = _read_numbers("weights", given, n_rows)
    wrong = int(np.count_nonzero(~(np.isfinite(weights) & (weights >= 0))))
    if wrong:
        raise DataError(
            f"Every weight must be a number from 0 up, but {wrong:,} of {n_rows:,} are negative, NaN or infinite. "
            "Fix them, or leave those rows out."
        )
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not 0 < total < np.inf:
        raise DataError(
            f"The weights must add up to a number above 0, but their sum is {total:g}. Scale them, or leave them out."
        )
    return _in_unit(weights)


def _in_unit(weights: Floats) -> tuple[Floats, float]:
    """Return the weights in a unit, and the unit: equal weights become 1, huge or tiny ones scale by a power of two."""
    top = float(weights.max(initial=0.0))
    equal = bool(((weights == top) | (weights == 0)).all()) and top > 0
    unit = top if equal else power_of_two(top)
    scaled = weights if unit == 1 else weights / unit
    lost = not equal and unit != 1 and bool((scaled * unit != weights).any())  # the weights differ by factors of 1e300
    return (weights, 1.0) if lost else (scaled, unit)


def _read_scores(what: str, given: ArrayLike, n_rows: int, task: Task) -> Floats:
    if task is not Task.MULTICLASS:
        return _read_numbers(what, given, n_rows)
    scores = _as_numbers(what, given)
    if scores.ndim != 2 or scores.shape[1] < 2:  # noqa: PLR2004
        raise DataError(
            f"The {what} must have the shape (n_rows, n_classes), but have the shape {scores.shape}. "
            "Give a column of probabilities for each class, as predict_proba does."
        )
    _require_length(what, len(scores), n_rows)
    return scores


def _read_numbers(what: str, given: ArrayLike, n_rows: int | None = None) -> Floats:
    """Return the numbers, shape `(n_rows,)`."""
    numbers = _as_numbers(what, given)
    if numbers.ndim != 1:
        two = numbers.shape[1:] == (2,) and what.endswith("scores")
        column = " Give the column of class 1, scores[:, 1]." if two else ""
        raise DataError(f"The {what} must have the shape (n_rows,), but have the shape {numbers.shape}.{column}")
    if n_rows is not None:
        _require_length(what, len(numbers), n_rows)
    return numbers


def _require_length(what: str, found: int, n_rows: int) -> None:
    if found != n_rows:
        raise DataError(
            f"The {what} must have one number for each of the {n_rows:,} labels, but have {found:,}. "
            "Score and weight the labelled rows."
        )


def _as_numbers(what: str, given: ArrayLike) -> Floats:
    try:
        return floats(given)
    except (TypeError, ValueError) as error:
        sentence = str(error) if len(str(error)) <= _SHOWN else f"{str(error)[:_SHOWN]}…"
        raise DataError(f"The {what} must be numbers, but cannot be read as numbers: {sentence}.") from error

"""What a metric is: which way it improves, how it is measured, what it asks of the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.errors import ConfigError, DataError
from promotion.metrics.influence import Estimate
from promotion.metrics.requirements import Requirement, finite_scores, weights_in_full
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Direction, Task


@dataclass(frozen=True)
class Metric:
    """A named function of labels, scores and weights, with a direction and an influence of each row.

    Attributes:
        name: scikit-learn's scorer name without `neg_`, e.g. `roc_auc`; with its parameters, e.g.
            `recall_at_fpr(0.01)`, as they were given.
        direction: which way it improves.
        estimate: the value and the influences, for rows that meet what it requires.
        requires: what the rows must be for the metric to be defined, beside finite scores.
        tasks: what the models may predict.
        columns: the names of the columns, beside labels and scores, that it reads.
        by_rank: whether only the order of the scores counts.
        without: the value without some rows, of their positions; for a metric that a group of rows moves otherwise than
            their influences say.
    """

    name: str
    direction: Direction
    estimate: Callable[[ScoredRows], Estimate]
    requires: tuple[Requirement, ...] = ()
    tasks: frozenset[Task] = frozenset({Task.BINARY})
    columns: tuple[str, ...] = ()
    by_rank: bool = False
    without: Callable[[ScoredRows], Callable[[NDArray[np.intp]], float]] | None = None

    def same_for(self, one: ScoredRows, other: ScoredRows) -> bool:
        """Whether two models' scores are the same to it, on these and on any further rows as far as these can tell."""
        if self.by_rank and one.task is Task.BINARY:
            return np.array_equal(one.ranking.group, other.ranking.group)
        return np.array_equal(one.scores, other.scores)

    def why_undefined(self, rows: ScoredRows) -> str:
        """The first reason why the metric is not defined for these rows; empty when it is."""
        reasons = (requirement(rows) for requirement in (finite_scores, weights_in_full, *self.requires))
        return next(filter(None, reasons), "")


def task_of(metrics: Sequence[Metric], scores: ArrayLike) -> Task:
    """What the models predict, told from the metrics and one model's scores.

    Two-dimensional scores mean multiclass; else it is regression when every metric is one of regression; else binary.
    (Two columns of scores and a metric of binary models mean binary: `read_rows` then says which column to give.)

    Raises:
        ConfigError: a metric is not one of that task.
        DataError: the scores are lists of different lengths.
    """
    task = _told_by(metrics, _shape(scores))
    misfit = next((each for each in metrics if task not in each.tasks), None)
    if misfit is not None:
        fits = " or ".join(sorted(misfit.tasks))
        raise ConfigError(
            f"The metric '{misfit.name}' is of {fits} models, but {_WHY[task]}. Name metrics of one kind of model, "
            "and give scores of shape (n_rows, n_classes) for multiclass, (n_rows,) for all else."
        )
    return task


_WHY = {
    Task.BINARY: "the scores, of shape (n_rows,), and the metrics named are of binary ones",
    Task.MULTICLASS: "the scores, of shape (n_rows, n_classes), are of a multiclass one",
    Task.REGRESSION: "the metrics named are of regression",
}


def _shape(scores: ArrayLike) -> tuple[int, ...]:
    try:
        return np.shape(scores)
    except ValueError as error:
        raise DataError(
            "The scores must be one number for each row, or one for each class of each row, but are lists of different "
            "lengths. Give them as an array of shape (n_rows,) or (n_rows, n_classes)."
        ) from error


def _told_by(metrics: Sequence[Metric], shape: tuple[int, ...]) -> Task:
    two_columns = shape[1:] == (2,)
    if len(shape) > 1 and not (two_columns and any(Task.MULTICLASS not in each.tasks for each in metrics)):
        return Task.MULTICLASS
    if all(Task.REGRESSION in each.tasks for each in metrics):
        return Task.REGRESSION
    return Task.BINARY

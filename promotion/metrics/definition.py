"""The definition of a metric: its direction, its estimator and its requirements on the rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promotion.errors import ConfigError, DataError
from promotion.vocabulary import Direction, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from promotion.metrics.influence import Estimate
    from promotion.metrics.requirements import Requirement
    from promotion.metrics.rows import ScoredRows


@dataclass(frozen=True)
class Metric:
    """A named function of labels, scores and weights, with a direction and an influence of each row.

    Attributes:
        name: scikit-learn's scorer name without `neg_`, e.g. `roc_auc`; with its parameters as
            given, e.g. `recall_at_fpr(0.01)`.
        direction: the direction of improvement.
        estimate: returns the value and the influences, for rows that meet the requirements.
        requires: requirements on the rows for the metric to be defined, in addition to finite
            scores.
        tasks: the tasks of the models that the metric applies to.
        columns: names of the columns that it reads in addition to labels and scores.
        by_rank: whether only the order of the scores counts.
        without: computes the value without the rows at given positions; for metrics where the
            influences do not predict well how leaving out a group changes the value.
    """

    name: str
    direction: Direction
    estimate: "Callable[[ScoredRows], Estimate]"
    requires: "tuple[Requirement, ...]" = ()
    tasks: frozenset[Task] = frozenset({Task.BINARY})
    columns: tuple[str, ...] = ()
    by_rank: bool = False
    without: "Callable[[ScoredRows], Callable[[NDArray[np.intp]], float]] | None" = None

    def same_for(self, one: "ScoredRows", other: "ScoredRows") -> bool:
        """Return whether the metric is the same for two models' scores, on these rows and presumably on others."""
        import numpy as np

        if self.by_rank and one.task is Task.BINARY:
            return np.array_equal(one.ranking.group, other.ranking.group)
        return np.array_equal(one.scores, other.scores)

    def why_undefined(self, rows: "ScoredRows") -> str:
        """Return the first reason why the metric is undefined on these rows; empty if it is defined.

        The metric's name replaces a leading `It`, because a check shows the sentence on its own.
        """
        from promotion.metrics.requirements import finite_scores, weights_in_full

        reasons = (requirement(rows) for requirement in (finite_scores, weights_in_full, *self.requires))
        reason = next(filter(None, reasons), "")
        return f"{self.name} {reason.removeprefix('It ')}" if reason.startswith("It ") else reason


def task_of(metrics: Sequence[Metric], scores: "ArrayLike") -> Task:
    """Infer the task of the models from the metrics and one model's scores.

    Two-dimensional scores mean multiclass. Otherwise the task is regression if every metric is a
    regression metric, and binary if not. (Two score columns with a binary metric mean binary:
    `checked_rows` then says which one to pass.)

    Raises:
        ConfigError: a metric does not apply to that task.
        DataError: the scores are lists of different lengths.
    """
    task = _told_by(metrics, shape_of(scores))
    misfit = next((each for each in metrics if task not in each.tasks), None)
    if misfit is not None:
        fits = " or ".join(sorted(misfit.tasks))
        raise ConfigError(
            f"The metric '{misfit.name}' applies to {fits} models, but {_WHY[task]}. Name metrics for one task, "
            "and pass scores of shape (n_rows, n_classes) for a multiclass model, (n_rows,) for any other."
        )
    return task


_WHY = {
    Task.BINARY: "the scores, of shape (n_rows,), and the other metrics are those of a binary model",
    Task.MULTICLASS: "the scores, of shape (n_rows, n_classes), are those of a multiclass model",
    Task.REGRESSION: "the other metrics are for regression",
}


def shape_of(scores: "ArrayLike") -> tuple[int, ...]:
    """Return the shape of scores; raises `DataError` if they are lists of different lengths."""
    import numpy as np

    try:
        return np.shape(scores)
    except ValueError as error:
        raise DataError(
            "The scores must be one number for each row, or one for each class of each row, but are lists of different "
            "lengths. Pass an array of shape (n_rows,) or (n_rows, n_classes)."
        ) from error


def _told_by(metrics: Sequence[Metric], shape: tuple[int, ...]) -> Task:
    two_columns = shape[1:] == (2,)
    if len(shape) > 1 and not (two_columns and any(Task.MULTICLASS not in each.tasks for each in metrics)):
        return Task.MULTICLASS
    if all(Task.REGRESSION in each.tasks for each in metrics):
        return Task.REGRESSION
    return Task.BINARY

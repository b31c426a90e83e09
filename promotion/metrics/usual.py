"""The usual metrics of each task, and the task that labels and scores are those of."""

from typing import TYPE_CHECKING

from promotion.errors import DataError
from promotion.vocabulary import Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

USUAL = {
    Task.BINARY: ("average_precision", "roc_auc", "log_loss", "brier_score"),
    Task.MULTICLASS: ("log_loss", "brier_score", "accuracy", "balanced_accuracy"),
    Task.REGRESSION: ("rmse", "mae", "r2"),
}
"""Metrics that are compared and recorded if none are named."""


def task_of_rows(y_true: "ArrayLike", scores: "ArrayLike", *, what: str = "y_true") -> Task:
    """Infer the task from labels and one model's scores, if no metric tells it.

    Two-dimensional scores mean multiclass, labels of 0 and 1 binary, other labels regression. `what` names the labels
    in the error.

    Raises:
        DataError: the labels are two numbers other than 0 and 1; or labels or scores are not
            numbers.
    """
    import numpy as np

    from promotion.metrics.definition import shape_of
    from promotion.metrics.rows import read_labels

    if len(shape_of(scores)) > 1:
        return Task.MULTICLASS
    labels = read_labels(y_true)
    found = np.unique(labels[np.isfinite(labels)])
    if set(found) <= {0, 1}:
        return Task.BINARY
    if len(found) == 2:  # noqa: PLR2004 - two classes
        raise DataError(
            f"{what} must contain 0 and 1 for two classes, but contains {found[0]:g} and {found[1]:g}. If these are "
            "numbers to predict, name a regression metric, such as rmse."
        )
    return Task.REGRESSION

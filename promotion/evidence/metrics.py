"""The metrics by name: which way each improves, how it is measured, and what it asks of the rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from promotion.errors import UnknownName
from promotion.evidence import influence
from promotion.evidence.influence import Estimate
from promotion.evidence.rows import ScoredRows
from promotion.vocabulary import Direction

Requirement: TypeAlias = Callable[[ScoredRows], str]
"""Says in a sentence why rows will not do, or nothing when they do."""


@dataclass(frozen=True)
class Metric:
    """A named function of labels, scores and weights, with a direction and an influence of each row.

    Attributes:
        name: scikit-learn's scorer name without `neg_`, e.g. `roc_auc`.
        direction: which way it improves.
        estimate: the value and the influences, for rows that meet what it requires.
        requires: what the rows must be for the metric to be defined, beside finite scores.
    """

    name: str
    direction: Direction
    estimate: Callable[[ScoredRows], Estimate]
    requires: tuple[Requirement, ...] = ()

    def why_undefined(self, rows: ScoredRows) -> str:
        """The first reason why the metric is not defined for these rows; empty when it is."""
        reasons = (requirement(rows) for requirement in (finite_scores, *self.requires))
        return next(filter(None, reasons), "")


def finite_scores(rows: ScoredRows) -> str:
    """No score is NaN or infinite."""
    if np.isfinite(rows.scores).all():
        return ""
    nan, infinite = np.count_nonzero(np.isnan(rows.scores)), np.count_nonzero(np.isinf(rows.scores))
    held = " and ".join(f"{count:,} {name}" for count, name in ((nan, "NaN"), (infinite, "infinite")) if count)
    return f"The {rows.whose}'s scores must be finite, but hold {held} of {len(rows):,}; see why it cannot score them."


def both_classes(rows: ScoredRows) -> str:
    """There are positives and negatives."""
    if 0 < rows.positives < len(rows):
        return ""
    only = int(rows.labels[0])
    return f"It takes labels of both classes, but all {len(rows):,} are {only}; judge on rows that hold both."


def probabilities(rows: ScoredRows) -> str:
    """Every score lies within 0 and 1."""
    low, high = float(rows.scores.min()), float(rows.scores.max())
    if low >= 0 and high <= 1:
        return ""
    return (
        f"It takes scores from 0 to 1, but the {rows.whose}'s lie between {low:g} and {high:g}; "
        "score with probabilities, or judge by a rank metric such as roc_auc."
    )


_METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", Direction.HIGHER, influence.roc_auc, (both_classes,)),
        Metric("average_precision", Direction.HIGHER, influence.average_precision, (both_classes,)),
        Metric("log_loss", Direction.LOWER, influence.log_loss, (probabilities,)),
        Metric("brier_score", Direction.LOWER, influence.brier_score, (probabilities,)),
        Metric("accuracy", Direction.HIGHER, influence.accuracy, (probabilities,)),
    )
}

METRIC_NAMES = tuple(_METRICS)
"""Every name that `metric` knows."""


def metric(name: str) -> Metric:
    """The metric of this name.

    Raises:
        UnknownName: there is none; names the nearest.
    """
    try:
        return _METRICS[name]
    except KeyError:
        raise UnknownName(kind="metric", name=name, known=METRIC_NAMES) from None

"""Curves of two models' scores, small enough to store with a decision. For reports only: no check uses them.

`draw_curves` takes the same arrays as `compare`. Every curve is exact to within `TOLERANCE`, from a hundred rows to
millions.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.comparison.simplify import Curve, rounded, simplified
from promotion.comparison.summaries import calibration
from promotion.comparison.values import Calibration
from promotion.metrics.arrays import Floats
from promotion.metrics.rows import ScoredRows, checked_rows
from promotion.vocabulary import Task

BINS = 32
_FAR = 0.005  # rarer errors than this, on either side, go into the outermost bins


@dataclass(frozen=True, kw_only=True)
class SideCurves:
    """Curves of one binary model.

    Attributes:
        roc: true positive rate over false positive rate.
        precision_recall: for each recall, the best precision at a cut-off with at least this recall (the interpolated
            precision of Manning, Raghavan and Schütze 2008, Introduction to Information Retrieval, 8.4).
        cost: normalised expected cost at the best cut-off, over the share of the cost that is at stake on positives
            (the lower envelope of cost curves: Drummond and Holte 2006, Machine Learning 65).
        positives, negatives: share of each class's rows in each bin of the score.
        calibration: by deciles of the score; only for a first model, because a comparison holds that of both models.
    """

    roc: Curve
    precision_recall: Curve
    cost: Curve
    positives: tuple[float, ...]
    negatives: tuple[float, ...]
    calibration: tuple[Calibration, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreCurves:
    """Curves of challenger and champion on the same rows; a first model has no champion.

    Attributes:
        challenger, champion: each model's curves.
        low, high: range of the equal-width score bins.
        prevalence: share of positive rows.
    """

    challenger: SideCurves
    champion: SideCurves | None
    low: float
    high: float
    prevalence: float


@dataclass(frozen=True, kw_only=True)
class ErrorBins:
    """Histogram of prediction errors: share of the rows in each equal-width bin of the error.

    Attributes:
        challenger_errors, champion_errors: shares by bin; a first model has the challenger's only.
        low, high: range of the bins; the outermost bins include errors beyond it, at most 1 % together.
    """

    challenger_errors: tuple[float, ...]
    champion_errors: tuple[float, ...] | None
    low: float
    high: float


Curves = ScoreCurves | ErrorBins


def draw_curves(
    y_true: ArrayLike, challenger: ArrayLike, champion: ArrayLike | None = None, *, task: Task = Task.BINARY
) -> Curves | None:
    """Compute the curves of both models on the same rows; None if there is nothing to draw.

    Args:
        y_true: labels, shape `(n_rows,)`.
        challenger: the challenger's scores, shape `(n_rows,)`.
        champion: the champion's scores; None if the challenger is the first model.
        task: the task of the models. Multiclass models have no curves: one per class would be too many.

    Raises:
        DataError: the arrays have wrong types or shapes.
    """
    if task is Task.MULTICLASS:
        return None
    given = {"challenger": challenger} | ({} if champion is None else {"champion": champion})
    sides = checked_rows(y_true, given, None, task=task)
    if not all(np.isfinite(side.scores).all() for side in sides):
        return None
    with np.errstate(over="ignore"):
        if not all(np.isfinite(np.ptp(side.scores - side.labels)) for side in sides):
            return None
    return _errors(sides) if task is Task.REGRESSION else _classes(sides)


def _classes(sides: tuple[ScoredRows, ...]) -> ScoreCurves | None:
    if 0 in sides[0].rows_per_class:
        return None
    low = min(0.0, *(float(side.scores.min()) for side in sides))
    high = max(1.0, *(float(side.scores.max()) for side in sides))
    probabilities = low == 0.0 and high == 1.0
    edges = _edges(low, high)
    drawn = [_side(side, edges, alone=len(sides) == 1 and probabilities) for side in sides]
    return ScoreCurves(
        challenger=drawn[0],
        champion=drawn[1] if len(drawn) > 1 else None,
        low=low,
        high=high,
        prevalence=float(sides[0].positive.mean()),
    )


def _side(rows: ScoredRows, edges: Floats, *, alone: bool) -> SideCurves:
    positives, negatives = _sorted(rows.scores, rows.positive), _sorted(rows.scores, ~rows.positive)
    cuts = positives[np.append(True, positives[1:] != positives[:-1])][::-1]
    found, false = (_selected(each, cuts, "left") for each in (positives, negatives))
    roc = _roc(cuts, positives, negatives)
    best = np.maximum.accumulate((found / (found + false))[::-1])[::-1]
    recall = np.append(0.0, found / len(positives))
    return SideCurves(
        roc=roc,
        precision_recall=simplified(np.repeat(recall, 2)[1:-1], np.repeat(best, 2)),
        cost=_cost(np.array(roc.x), np.array(roc.y)),
        positives=_shares(np.searchsorted(positives, edges), len(positives)),
        negatives=_shares(np.searchsorted(negatives, edges), len(negatives)),
        calibration=calibration(rows) if alone else (),
    )


def _sorted(scores: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Return the chosen scores, ascending, in the model's own precision: half the precision takes half the time."""
    found: Any = np.sort(scores[chosen])
    return found  # type: ignore[no-any-return]


def _selected(scores: Floats, cuts: Floats, side: Literal["left", "right"]) -> Floats:
    """Count, for each cut, the ascending scores at or above it; with `right`, only those above it."""
    return len(scores) - np.searchsorted(scores, cuts, side).astype(np.float64)


def _roc(cuts: Floats, positives: Floats, negatives: Floats) -> Curve:
    """Trace the ROC curve through the points just above and at each positive's score; between, it is horizontal."""
    false, found = (
        np.stack([_selected(each, cuts, "right"), _selected(each, cuts, "left")], axis=1).ravel() / len(each)
        for each in (negatives, positives)
    )
    return simplified(np.concatenate([[0.0], false, [1.0]]), np.concatenate([[0.0], found, [1.0]]))


def _cost(false: Floats, found: Floats) -> Curve:
    """Compute, for c from 0 to 1, the minimum of `(1 - found) c + false (1 - c)` over all cut-offs."""
    at_stake = np.linspace(0.0, 1.0, 257)
    costs = np.outer(1.0 - found, at_stake) + np.outer(false, 1.0 - at_stake)
    return simplified(at_stake, costs.min(axis=0))


def _shares(below: NDArray[np.intp], total: int) -> tuple[float, ...]:
    """Return the share of each bin, from the counts below each edge."""
    return rounded(np.diff(np.concatenate([[0], below, [total]])) / total)


def _errors(sides: tuple[ScoredRows, ...]) -> ErrorBins:
    errors = [side.scores - side.labels for side in sides]
    ends = [np.quantile(each, (_FAR, 1.0 - _FAR)) for each in errors]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    edges = _edges(low, high)
    shares = [_shares(np.searchsorted(np.sort(each), edges), len(each)) for each in errors]
    return ErrorBins(
        challenger_errors=shares[0],
        champion_errors=shares[1] if len(shares) > 1 else None,
        low=low,
        high=high,
    )


def _edges(low: float, high: float) -> Floats:
    """Return the inner bin edges, shape `(BINS - 1,)`."""
    edges: Floats = np.linspace(low, high, BINS + 1)[1:-1]
    return edges

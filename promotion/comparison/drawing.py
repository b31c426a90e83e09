"""Computation of the curves of two models' scores; `draw_curves` takes the same arrays as `compare`."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.comparison.curves import BINS, POINTS, TOLERANCE, Curve, Curves, ErrorBins, ScoreCurves, SideCurves
from promotion.comparison.summaries import calibration
from promotion.metrics.arrays import Floats
from promotion.metrics.rows import ScoredRows, checked_rows
from promotion.vocabulary import Task

_MOST = 144
"""Points at even lengths along a monotone curve in the unit square (length 2 at most) that stay within `TOLERANCE`:
a piece of length d lies within d / (2 sqrt 2) of the line between its ends."""

_GRID = 4096
"""Number of points of the exact curve that are considered, at even lengths along it: the loss is below 0.0002."""

_DIGITS = 4

_FAR = 0.005  # rarer errors than this, on either side, go into the outermost bins


def simplified(x: Floats, y: Floats) -> Curve:
    """Simplify the curve to at most `POINTS` points if that stays within `TOLERANCE`, else to up to 144 points.

    Points are chosen by the algorithm of Douglas and Peucker (1973, Cartographica 10): repeatedly add the point
    farthest from the line between the chosen ones, while any is too far from it. Both run from 0 to 1 and are monotone,
    shape `(n_points,)`.
    """
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    if len(x) > _GRID:
        x, y, way = _at_even_lengths(x, y, way, _GRID)
    chosen = _farthest_first(x, y)
    x, y = (x[chosen], y[chosen]) if len(chosen) <= POINTS else _at_even_lengths(x, y, way, _MOST)[:2]
    return Curve(rounded(x), rounded(y))


def rounded(numbers: Floats) -> tuple[float, ...]:
    """Round to four significant digits, finer than any screen."""
    return tuple(float(f"{number:.{_DIGITS}g}") for number in numbers.tolist())


def _at_even_lengths(x: Floats, y: Floats, way: Floats, points: int) -> tuple[Floats, Floats, Floats]:
    """Return points at even lengths along the line, including its ends."""
    places = np.linspace(0.0, way[-1], points)
    return np.interp(places, way, x), np.interp(places, way, y), places


def _farthest_first(x: Floats, y: Floats) -> list[int]:
    """Return the positions of the points to keep, in order."""
    kept, open_parts = {0, len(x) - 1}, [(0, len(x) - 1)]
    while open_parts and len(kept) <= POINTS:
        first, last = open_parts.pop()
        distances = _distances(x[first : last + 1], y[first : last + 1])
        farthest = first + int(distances.argmax())
        if distances[farthest - first] > 0.9 * TOLERANCE:  # the grid and the rounding use up the rest
            kept.add(farthest)
            open_parts += [(first, farthest), (farthest, last)]
    return sorted(kept)


def _distances(x: Floats, y: Floats) -> Floats:
    """Return the distance of each point to the straight line through the first and the last point."""
    across, up = x[-1] - x[0], y[-1] - y[0]
    length = np.hypot(across, up)
    if length == 0:
        return np.zeros(len(x))
    distances: Floats = np.abs(across * (y - y[0]) - up * (x - x[0])) / length
    return distances


def draw_curves(
    y_true: ArrayLike, challenger: ArrayLike, champion: ArrayLike | None = None, *, task: Task = Task.BINARY
) -> Curves | None:
    """Compute the curves of both models on the same rows; None if there is nothing to draw.

    Labels and scores have shape `(n_rows,)`; without a champion, the challenger is the first model.
    Multiclass models have no curves: one per class would be too many.

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

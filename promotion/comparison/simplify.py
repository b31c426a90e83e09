"""Simplification of curves to few points that keep their shape, whatever the number of rows."""

from dataclasses import dataclass

import numpy as np

from promotion.metrics.arrays import Floats

TOLERANCE = 0.005
"""Maximum distance of a simplified curve from the exact one, on axes from 0 to 1."""

POINTS = 64
"""Maximum number of points of a curve, unless its steps are too ragged for that."""

_MOST = 144
"""Points at even lengths along a monotone curve in the unit square (length 2 at most) that stay within `TOLERANCE`:
a piece of length d lies within d / (2 sqrt 2) of the line between its ends."""

_GRID = 4096
"""Number of points of the exact curve that are considered, at even lengths along it: the loss is below 0.0002."""

_DIGITS = 4


@dataclass(frozen=True)
class Curve:
    """A line through points, in order; `x` and `y` are of the same length."""

    x: tuple[float, ...]
    y: tuple[float, ...]


def simplified(x: Floats, y: Floats) -> Curve:
    """Simplify the curve to at most `POINTS` points if that stays within `TOLERANCE`, else to up to 144 points.

    Points are chosen by the algorithm of Douglas and Peucker (1973, Cartographica 10): repeatedly add the point
    farthest from the line between the chosen ones, while any is too far from it.

    Args:
        x: from 0 to 1, monotone, shape `(n_points,)`.
        y: from 0 to 1, monotone in its own direction, shape `(n_points,)`.
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

"""Curves of few points that keep their shape, whatever the number of rows."""

from dataclasses import dataclass

import numpy as np

from promotion.metrics.arrays import Floats

TOLERANCE = 0.005
"""How far a simplified curve may lie from the exact one, of an axis from 0 to 1."""

POINTS = 64
"""How many points a curve takes, save where its steps are too ragged for it."""

_MOST = 144
"""Points at even lengths along a monotone curve in the unit square, two long at most, leave less than `TOLERANCE`: a
piece of length d lies within d / (2 sqrt 2) of the line between its ends."""

_GRID = 4096
"""Of the exact curve so many points are looked at, at even lengths along it: less than 0.0002 is lost."""

_DIGITS = 4


@dataclass(frozen=True)
class Curve:
    """A line through points, in order; `x` and `y` are of the same length."""

    x: tuple[float, ...]
    y: tuple[float, ...]


def simplified(x: Floats, y: Floats) -> Curve:
    """The curve with at most `POINTS` points where these suffice to stay within `TOLERANCE`, and else up to 144.

    Points are chosen by Douglas and Peucker (1973, Cartographica 10): the one farthest from the line between those
    chosen is chosen next, as long as any lies too far from it.

    Args:
        x: from 0 to 1, never turning back, shape `(n_points,)`.
        y: likewise in its own direction.
    """
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    if len(x) > _GRID:
        x, y, way = _at_even_lengths(x, y, way, _GRID)
    chosen = _farthest_first(x, y)
    x, y = (x[chosen], y[chosen]) if len(chosen) <= POINTS else _at_even_lengths(x, y, way, _MOST)[:2]
    return Curve(rounded(x), rounded(y))


def rounded(numbers: Floats) -> tuple[float, ...]:
    """To four significant digits, finer than any screen."""
    return tuple(float(f"{number:.{_DIGITS}g}") for number in numbers.tolist())


def _at_even_lengths(x: Floats, y: Floats, way: Floats, points: int) -> tuple[Floats, Floats, Floats]:
    """Points on the line, its ends among them."""
    places = np.linspace(0.0, way[-1], points)
    return np.interp(places, way, x), np.interp(places, way, y), places


def _farthest_first(x: Floats, y: Floats) -> list[int]:
    """Positions of the points that stay, in order."""
    kept, open_parts = {0, len(x) - 1}, [(0, len(x) - 1)]
    while open_parts and len(kept) <= POINTS:
        first, last = open_parts.pop()
        distances = _distances(x[first : last + 1], y[first : last + 1])
        farthest = first + int(distances.argmax())
        if distances[farthest - first] > 0.9 * TOLERANCE:  # the grid and the decimals take some of it
            kept.add(farthest)
            open_parts += [(first, farthest), (farthest, last)]
    return sorted(kept)


def _distances(x: Floats, y: Floats) -> Floats:
    """From each point to the straight line between the first and the last, which none lies beyond."""
    across, up = x[-1] - x[0], y[-1] - y[0]
    length = np.hypot(across, up)
    if length == 0:
        return np.zeros(len(x))
    distances: Floats = np.abs(across * (y - y[0]) - up * (x - x[0])) / length
    return distances

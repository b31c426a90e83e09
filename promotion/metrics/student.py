"""Student's t distribution in plain Python, because SciPy takes longer to import than a record takes to be shown.

The tail is half an incomplete beta function (Abramowitz and Stegun 1964, 26.7.1), computed by its continued fraction
(26.5.8) with the algorithm of Lentz (1976). Both functions agree with SciPy's to 1e-10 of the value, down to a tail of
1e-50; near 0, these digits of SciPy's are lost, not ours.
"""

import math
from functools import lru_cache
from itertools import count
from statistics import NormalDist

_CLOSE = 1e-15
_ENOUGH = 1e-8
"""After a step of this share, the next one would be about its square."""
_NEAR, _FAR = 1e-150, 1e150
"""Distances below and beyond these make no difference; their squares are still floats."""
_LARGE = 1000.0
"""From here on, the normal distribution gives the tail to 1e-12 of its value."""
_MANY = 40.0
"""From here on, the series of the ratio of two gamma functions is exact."""


@lru_cache(maxsize=4096)
def tail(distance: float, dof: float) -> float:
    """Return the probability that a draw exceeds the distance; `dof` is above 0 and need not be whole."""
    if distance <= 0:
        return 1.0 - tail(-distance, dof) if distance else 0.5
    square = min(max(distance, _NEAR), _FAR) ** 2 / dof
    if dof >= _LARGE:
        return _nearly_normal(square, dof)
    within, beyond, half = 1.0 / (1.0 + square), square / (1.0 + square), dof / 2.0
    factor = math.exp(0.5 * math.log(beyond) - half * math.log1p(square) - _log_beta(half))
    if within < (half + 1.0) / (half + 2.5):
        return factor * _fraction(half, 0.5, within) / dof
    return 0.5 - factor * _fraction(0.5, half, beyond)


@lru_cache(maxsize=4096)
def quantile(alpha: float, dof: float) -> float:
    """Return the distance that a draw exceeds with probability alpha, between 0 and 1.

    Newton's method on the logarithms of both, where the tail is concave, so that it converges from everywhere.
    """
    if alpha >= 0.5:  # noqa: PLR2004 - the distribution is symmetric
        return -quantile(1.0 - alpha, dof) if alpha > 0.5 else 0.0  # noqa: PLR2004
    found, step = max(-NormalDist().inv_cdf(alpha), _NEAR), 1.0
    while abs(step) > _ENOUGH and found < _FAR:
        beyond = tail(found, dof)
        step = math.log(beyond / alpha) * beyond / (found * _density(found, dof))
        found = min(found * math.exp(min(step, 100.0)), _FAR)
    return found


def _nearly_normal(square: float, dof: float) -> float:
    """Return the tail by the normal deviate of the same probability (Hill 1970, Communications of the ACM 13)."""
    less = dof - 0.5
    y, b = less * math.log1p(square), 48.0 * less**2
    deviate = math.sqrt(y) * (
        1.0 + (y + 3.0 - (((0.4 * y + 3.3) * y + 24.0) * y + 85.5) / (0.8 * y**2 + 100.0 + b)) / b
    )
    return math.erfc(deviate / math.sqrt(2.0)) / 2.0


def _density(distance: float, dof: float) -> float:
    square = distance**2 / dof
    return math.exp(-(dof + 1.0) / 2.0 * math.log1p(square) - _log_beta(dof / 2.0)) / math.sqrt(dof)


def _log_beta(half: float) -> float:
    """Return the logarithm of B(half, 1/2)."""
    if half < _MANY:
        return math.lgamma(half) + math.lgamma(0.5) - math.lgamma(half + 0.5)
    each = 1.0 / half
    series = each * (-1 / 8 + each**2 * (1 / 192 + each**2 * (-1 / 640 + each**2 * 17 / 14336)))
    return 0.5 * math.log(math.pi / half) - series


def _fraction(one: float, other: float, share: float) -> float:
    """Return the continued fraction of the incomplete beta function of `one` and `other` at `share`."""
    above = 1.0
    below = value = 1.0 / (1.0 - (one + other) * share / (one + 1.0))
    for m in count(1):
        even = one + 2 * m
        for term in (
            m * (other - m) * share / ((even - 1.0) * even),
            -(one + m) * (one + other + m) * share / (even * (even + 1.0)),
        ):
            below, above = 1.0 / (1.0 + term * below), 1.0 + term / above
            value *= above * below
        if abs(above * below - 1.0) < _CLOSE:
            break
    return value

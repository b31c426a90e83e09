"""Exact scaling by powers of two, so that squares of numbers of any size stay within double precision."""

import math

import numpy as np

from promotion.metrics.arrays import Floats

_HUGE = 2.0**332
"""Squares and sums of squares of numbers between its inverse and this (about 1e100) keep all their digits."""

TINY = 1e-290
"""Smaller numbers may have lost digits: doubles have full precision down to 2e-308, and partial
sums lose it at slightly larger values."""


def power_of_two(top: float) -> float:
    """Return the divisor for numbers whose largest is `top`; 1.0 unless their squares could overflow or underflow."""
    if 1 / _HUGE < top < _HUGE or top == 0 or not math.isfinite(top):
        return 1.0
    return 2.0 ** (math.frexp(top)[1] - 1)


def largest(numbers: Floats) -> float:
    """Return the largest absolute value; 0 for an empty array."""
    return max(abs(float(numbers.min())), abs(float(numbers.max()))) if numbers.size else 0.0


def root_of_squares(numbers: Floats, more: float = 0.0) -> float:
    """Return the root of the sum of squares, including `more`; `np.dot` would use all cores for little gain."""
    squares = float(np.einsum("i,i", numbers, numbers)) + more * more
    if 1 / _HUGE < squares < _HUGE or math.isnan(squares):
        return math.sqrt(squares)
    unit = power_of_two(max(largest(numbers), abs(more)))
    scaled = numbers / unit
    return unit * math.sqrt(float(np.einsum("i,i", scaled, scaled)) + (more / unit) ** 2)

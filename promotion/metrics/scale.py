"""Numbers of any size: scaled by powers of two, which is exact, before squares of them leave double precision."""

import math

import numpy as np

from promotion.metrics.containers import Floats

_HUGE = 2.0**332
"""Squares of numbers between this and its inverse, and sums of these, are exact to the last digit (about 1e100)."""

TINY = 1e-290
"""What is smaller may have lost digits: double precision holds all of them down to 2e-308, sums of parts less far."""


def power_of_two(top: float) -> float:
    """What to divide numbers by of which the largest is `top`; 1.0 unless their squares could be lost."""
    if 1 / _HUGE < top < _HUGE or top == 0 or not math.isfinite(top):
        return 1.0
    return 2.0 ** (math.frexp(top)[1] - 1)


def largest(numbers: Floats) -> float:
    """The largest absolute value; 0 of no numbers."""
    return max(abs(float(numbers.min())), abs(float(numbers.max()))) if numbers.size else 0.0


def root_of_squares(numbers: Floats, more: float = 0.0) -> float:
    """Root of the sum of squares, of one more number too; `np.dot` would keep all cores busy to little gain."""
    squares = float(np.einsum("i,i", numbers, numbers)) + more * more
    if 1 / _HUGE < squares < _HUGE or math.isnan(squares):
        return math.sqrt(squares)
    unit = power_of_two(max(largest(numbers), abs(more)))
    scaled = numbers / unit
    return unit * math.sqrt(float(np.einsum("i,i", scaled, scaled)) + (more / unit) ** 2)

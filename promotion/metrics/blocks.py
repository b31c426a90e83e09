"""Blocks of time: rows in order of time, divided into stretches of equal duration.

What rows that lie near each other have in common (a day's weather, a campaign, an outage) makes them depend on each
other, and nobody has to know how: rows of different blocks share little of it when a block is long beside it. Whole
days are, for much of what happens; the correlation of neighbouring rows is not asked, as these are often seconds apart.
"""

import math
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from promotion.errors import ConfigError, DataError
from promotion.metrics.arrays import Floats
from promotion.time_columns import times_of

FEWEST_DAYS, MOST, PARTS = 7, 30, 20
"""Days it takes for blocks of days; most blocks; equal parts of the time where there are no such days."""

LEAST_EFFECTIVE = 2.0
"""Blocks with fewer effective ones (Kish 1965) tell nothing of how rows depend on each other."""


class Blocks(NamedTuple):
    """Which block each row is in, shape `(n_rows,)`, counted from 0; and whole days to a block, where it has these."""

    codes: NDArray[np.intp]
    days: int | None


def blocks_of(times: Floats, day: float | None) -> Blocks:
    """7 to 30 blocks of whole days where at least seven hold rows; else 20 equal parts of the time.

    Days begin at multiples of `day`, so for seconds since 1970 at midnight in UTC; those without rows are passed over.
    Where nearly all rows are in one such part, the parts have equally many moments instead.

    Args:
        times: of the rows, shape `(n_rows,)`; rows without one, at NaN, are a block of their own.
        day: how long a day is in their unit, 86400.0 for seconds; None where the unit is unknown.
    """
    held = ~np.isnan(times)
    if not held.all():
        found = blocks_of(times[held], day) if held.any() else Blocks(np.empty(0, dtype=np.intp), None)
        codes = np.full(len(times), found.codes.max(initial=-1) + 1)
        codes[held] = found.codes
        return Blocks(codes, found.days)
    if day is not None:
        days, places = np.unique(np.floor(times / day), return_inverse=True)
        if len(days) >= FEWEST_DAYS:
            length = math.ceil(len(days) / MOST)
            if _tell_apart(places // length):
                return Blocks(places // length, length)
    first, last = float(times.min()), float(times.max())
    if first == last:
        return Blocks(np.zeros(len(times), dtype=np.intp), None)
    parts = np.minimum(((times - first) / (last - first) * PARTS).astype(np.intp), PARTS - 1)
    if _tell_apart(parts):
        return Blocks(parts, None)
    moments, places = np.unique(times, return_inverse=True)
    return Blocks(places * min(PARTS, len(moments)) // len(moments), None)


def _tell_apart(codes: NDArray[np.intp]) -> bool:
    """Whether the rows are spread over the blocks; one wrong time must not put all others into one block."""
    counts = np.bincount(codes).astype(np.float64)
    return bool(counts.sum() ** 2 >= LEAST_EFFECTIVE * np.square(counts).sum())


def windows_of(times: Floats, length: float) -> NDArray[np.intp]:
    """Which window each row is in, counted from the first, shape `(n_rows,)`; they begin at multiples of the length."""
    places = np.floor(times / length)
    counted: NDArray[np.intp] = (places - places.min()).astype(np.intp)
    return counted


def read_times(given: NDArray[Any], day: float | None) -> tuple[Floats, float | None]:
    """Times as numbers, NaN where one is missing, shape `(n_rows,)`, and how long a day is in their unit.

    Moments become seconds since 1970: dates, datetimes with or without a zone, ISO 8601 text.

    Raises:
        ConfigError: the length of a day is no number above 0.
        DataError: they are neither numbers nor moments, or some are infinite.
    """
    import pandas as pd

    if day is not None and not (isinstance(day, Real) and math.isfinite(day) and day > 0):
        raise ConfigError(f"The length of a day must be a number above 0 in the unit of the times, but is {day!r}.")
    if given.dtype.kind in "iuf":
        times, moments = given.astype(np.float64), False
    else:
        found = times_of(pd.Series(given, name="time"))
        times, moments = found.floats, found.moments
    infinite = np.count_nonzero(np.isinf(times))
    if infinite:
        message = f"The times must be finite, but {infinite:,} of {len(times):,} are infinite. Fix those rows."
        raise DataError(message)
    return times, 86400.0 if moments else day

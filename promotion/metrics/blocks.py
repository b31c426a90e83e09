"""Blocks of time: rows sorted by time and divided into stretches of equal duration.

Rows close in time share causes (a day's weather, a campaign, an outage), so they depend on each other in ways that
nobody needs to specify. Rows in different blocks share little of this if a block is long compared with the cause.
Whole days are long enough for most causes. The correlation of neighbouring rows is not used, because neighbours are
often only seconds apart.
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
"""Minimum days for blocks of whole days; maximum number of blocks; number of equal time spans otherwise."""

LEAST_EFFECTIVE = 2.0
"""Fewer effective blocks than this (Kish 1965) carry no information on how rows depend on each other."""


class Blocks(NamedTuple):
    """The block of each row, shape `(n_rows,)`, counted from 0; and the whole days per block, for blocks of days."""

    codes: NDArray[np.intp]
    days: int | None


def blocks_of(times: Floats, day: float | None) -> Blocks:
    """Divide rows into 7 to 30 blocks of whole days if at least seven days hold rows, else into 20 equal time spans.

    Days begin at multiples of `day`: at midnight UTC for seconds since 1970. Days without rows are
    skipped. If nearly all rows fall into one such span, blocks with equal numbers of distinct times
    are used instead.

    Args:
        times: time of each row, shape `(n_rows,)`. Rows without a time (NaN) form a block of their
            own.
        day: length of a day in the unit of `times`, 86400.0 for seconds; None if the unit is
            unknown.
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
    """Return whether the rows are spread over the blocks: one wrong time must not put all other rows into one block."""
    counts = np.bincount(codes).astype(np.float64)
    return bool(counts.sum() ** 2 >= LEAST_EFFECTIVE * np.square(counts).sum())


def windows_of(times: Floats, length: float) -> NDArray[np.intp]:
    """Return each row's window, counted from the first, shape `(n_rows,)`; windows begin at multiples of `length`."""
    places = np.floor(times / length)
    counted: NDArray[np.intp] = (places - places.min()).astype(np.intp)
    return counted


def read_times(given: NDArray[Any], day: float | None) -> tuple[Floats, float | None]:
    """Return the times as numbers, NaN where missing, shape `(n_rows,)`, and the length of a day in their unit.

    Dates, datetimes with or without a time zone, and ISO 8601 text become seconds since 1970.

    Raises:
        ConfigError: the length of a day is not a number above 0.
        DataError: the values are neither numbers nor times, or some are infinite.
    """
    import pandas as pd

    if day is not None and not (isinstance(day, Real) and math.isfinite(day) and day > 0):
        raise ConfigError(f"The length of a day must be a number above 0 in the unit of the times, but is {day!r}.")
    if given.dtype.kind in "iuf":
        times, moments = given.astype(np.float64), False
    else:
        found = times_of(pd.Series(given, name="time"))
        times, moments = found.floats, found.are_timestamps
    infinite = np.count_nonzero(np.isinf(times))
    if infinite:
        raise DataError(f"The times must be finite, but {infinite:,} of {len(times):,} are infinite. Fix those rows.")
    return times, 86400.0 if moments else day

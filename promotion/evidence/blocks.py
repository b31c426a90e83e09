"""Blocks of time: rows in order of time, divided into stretches of equal duration.

What rows that lie near each other have in common (a day's weather, a campaign, an outage) makes them depend on each
other, and nobody has to know how: rows of different blocks share little of it when a block is long beside it. Whole
days are, for much of what happens; the correlation of neighbouring rows is not asked, as these are often seconds apart.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from promotion.errors import DataError
from promotion.evidence.arrays import Floats

FEWEST_DAYS, MOST, PARTS = 7, 30, 20
"""Days it takes for blocks of days; most blocks; equal parts of the time where there are no such days."""


class Blocks(NamedTuple):
    """Which block each row is in, shape `(n_rows,)`, counted from 0; and whole days to a block, where it has these."""

    codes: NDArray[np.intp]
    days: int | None


def blocks_of(times: Floats, day: float | None) -> Blocks:
    """7 to 30 blocks of whole days where the rows span at least seven; else 20 equal parts of the time.

    Days begin at multiples of `day`, so for seconds since 1970 at midnight in UTC. Some blocks may hold no row.

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
    first, last = float(times.min()), float(times.max())
    if day is not None and last - first > (FEWEST_DAYS - 1) * day:
        start = math.floor(first / day)
        spanned = math.floor(last / day) - start + 1
        if spanned >= FEWEST_DAYS:
            length = math.ceil(spanned / MOST)
            return Blocks(((times // day - start) // length).astype(np.intp), length)
    if first == last:
        return Blocks(np.zeros(len(times), dtype=np.intp), None)
    parts = ((times - first) / (last - first) * PARTS).astype(np.intp)
    return Blocks(np.minimum(parts, PARTS - 1), None)


def windows_of(times: Floats, length: float) -> NDArray[np.intp]:
    """Which window each row is in, counted from the first, shape `(n_rows,)`; they begin at multiples of the length."""
    places = np.floor(times / length)
    counted: NDArray[np.intp] = (places - places.min()).astype(np.intp)
    return counted


def read_times(given: NDArray[Any], day: float | None) -> tuple[Floats, float | None]:
    """Times as numbers, NaN where one is missing, shape `(n_rows,)`, and how long a day is in their unit.

    Datetimes become seconds since 1970.

    Raises:
        DataError: they are no numbers or datetimes, or some are infinite.
    """
    moments = given.dtype.kind == "M"
    times = (given - np.datetime64(0, "s")) / np.timedelta64(1, "s") if moments else _numbers(given)
    infinite = np.count_nonzero(np.isinf(times))
    if infinite:
        message = f"The times must be finite, but {infinite:,} of {len(times):,} are infinite. Mend those rows."
        raise DataError(message)
    return times, 86400.0 if moments else day


def _numbers(array: NDArray[Any]) -> Floats:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        message = f"The times must be numbers or datetimes, but they cannot be read as such: {error}."
        raise DataError(message) from error

"""Partitions of rows by the values of a column: the parts in order, and the part of each row."""

import json
import math
import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from promotion.arrow_columns import MAX_EXACT
from promotion.durations import timedelta_of
from promotion.errors import DataError
from promotion.metrics.arrays import Floats, is_missing
from promotion.row_keys import text_of_bytes
from promotion.time_columns import times_of

MISSING = "(missing)"
"""Name of the part of rows without a value."""

MAX_PARTS = 1000
"""Maximum number of parts; more indicates a mistake, such as slicing by a row's id."""

MAX_LENGTH = 12
"""Range ends with more characters than this are rounded."""


class Coded(NamedTuple):
    """Names of parts in their order, and the index of each row's part, shape `(n_rows,)`."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]


_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")

LAST = (2, 0, MISSING)
"""Sort key after all other parts."""

NO_PARTS = Coded((), np.empty(0, dtype=np.intp))


def by_quantile(name: str, column: NDArray[Any], weights: Floats, bins: int) -> Coded:
    """Divide by number into parts of about equal weight, `[low, high)`; the last part includes its end."""
    numbers = _read_numbers(name, column)
    held = ~np.isnan(numbers)
    _require_few(name, bins, "Use fewer bins.")
    return _beside_missing(held, _quantiles(numbers[held], weights[held], bins) if held.any() else NO_PARTS)


def by_window(name: str, column: NDArray[Any], window: float | str) -> Coded:
    """Divide into parts `[low, low + window)` by the times in the column; only parts that hold rows.

    Numeric windows count from the smallest number. Windows of a duration, such as `7d`, start at the beginning of the
    first time's day, hour, minute or second, whichever is the longest that divides the window.
    """
    if isinstance(window, str):
        return _by_length(name, column, timedelta_of(window))
    numbers = _read_numbers(name, column)
    held = ~np.isnan(numbers)
    return _beside_missing(held, _windows(name, numbers[held], window) if held.any() else NO_PARTS)


def by_value(name: str, column: NDArray[Any]) -> Coded:
    """Divide by the text of each value, so that 1 and 1.0 are the same, and part names are unique."""
    values, codes = _distinct(name, column)
    texts = [_text(value) for value in values]
    places: dict[str, tuple[int, Any, str]] = {}
    for text, value in zip(texts, values, strict=True):
        places[text] = min(_place(text, value), places.get(text, LAST))
    _require_few(name, len(places))
    names = tuple(sorted(places, key=places.__getitem__))
    order = {text: place for place, text in enumerate(names)}
    return Coded(names, np.array([order[text] for text in texts], dtype=np.intp)[codes])


def cross(name: str, coded: Sequence[Coded]) -> Coded:
    """Divide by the combinations that occur, ordered by the first partition, then the second, and so on."""
    (names, codes), *others = (Coded(tuple(map(_quoted, each.names)), each.codes) for each in coded)
    for further in others:
        n = len(further.names)
        pairs, codes = np.unique(codes * n + further.codes, return_inverse=True)
        _require_few(name, len(pairs))
        names = tuple(f"{names[pair // n]}, {further.names[pair % n]}" for pair in pairs)
    return Coded(names, codes)


def quantile_edges(distinct: Floats, weights: Floats, bins: int) -> Floats:
    """Return the lower edges of all bins but the lowest, ascending: the values that divide the weight most evenly.

    Edges are values that occur, so no bin is empty; if ties leave fewer values, there are fewer
    bins.

    Args:
        distinct: the values that occur, ascending, shape `(n_distinct,)`.
        weights: total weight of the rows with each value, shape `(n_distinct,)`.
        bins: requested number of bins.
    """
    below = np.cumsum(weights)[:-1]  # the weight under distinct[1:]
    if not len(below):
        return np.empty(0)
    wanted = np.arange(1, bins) / bins * weights.sum()
    after = np.searchsorted(below, wanted).clip(max=len(below) - 1)
    before = (after - 1).clip(min=0)
    nearest = np.where(wanted - below[before] <= below[after] - wanted, before, after)
    edges: Floats = distinct[1:][np.unique(nearest)]
    return edges


def _quantiles(numbers: Floats, weights: Floats, bins: int) -> Coded:
    distinct, place = np.unique(numbers, return_inverse=True)
    inner = quantile_edges(distinct, np.bincount(place, weights).astype(np.float64), bins)
    *texts, last = _texts(np.array([distinct[0], *inner, distinct[-1]]))
    names = [f"[{low}, {high})" for low, high in pairwise(texts)]
    return Coded((*names, f"[{texts[-1]}, {last}]"), np.searchsorted(inner, numbers, side="right"))


def _windows(name: str, numbers: Floats, window: float) -> Coded:
    low, high = float(numbers.min()), float(numbers.max())
    if not (high - low) / window < MAX_EXACT or math.isinf(max(high, high - low) + 2 * window):
        raise DataError(
            f"Windows of {window:g} cannot divide column '{name}', whose numbers range from {low:g} to {high:g}. "
            "Choose another window, or bins."
        )
    places, codes = np.unique(np.floor((numbers - low) / window), return_inverse=True)
    _require_few(name, len(places), _LONGER)
    texts = _texts(low + window * np.concatenate([places, places + 1]))
    ranges = zip(texts[: len(places)], texts[len(places) :], strict=True)
    return Coded(tuple(f"[{start}, {end})" for start, end in ranges), codes)


def _by_length(name: str, column: NDArray[Any], length: timedelta) -> Coded:
    import pandas as pd

    times = times_of(pd.Series(column, name=name))
    held = ~times.missing
    if not held.any():
        return _beside_missing(held, NO_PARTS)
    if not times.are_timestamps:
        raise DataError(
            f"A window that is a duration needs a column of dates or datetimes, but column '{name}' holds "
            f"{times.said}. Write the window as a number in the column's own unit, such as 604800 for a week of "
            "seconds."
        )
    seconds = times.points[held].astype("datetime64[s]").astype(np.int64)
    window = length // timedelta(seconds=1)
    begin = next(unit for unit in (86_400, 3600, 60, 1) if window % unit == 0)
    low = seconds.min() // begin * begin
    places, codes = np.unique((seconds - low) // window, return_inverse=True)
    _require_few(name, len(places), _LONGER)
    starts, ends = ((low + window * each).astype("datetime64[s]") for each in (places, places + 1))
    ranges = zip(map(times.written, starts), map(times.written, ends), strict=True)
    return _beside_missing(held, Coded(tuple(f"[{start}, {end})" for start, end in ranges), codes))


def _beside_missing(held: NDArray[np.bool_], coded: Coded) -> Coded:
    """Return the parts of the rows with a number, plus the part of those without."""
    if held.all():
        return coded
    codes = np.full(len(held), len(coded.names), dtype=np.intp)
    codes[held] = coded.codes
    return Coded((*coded.names, MISSING), codes)


def _distinct(name: str, column: NDArray[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Return the distinct values, including NaN, and the index of each row's value."""
    if column.dtype.kind in "biufMm":
        values, codes = np.unique(column, return_inverse=True)
        return list(values), codes
    values = column.tolist()
    keys = list(zip(map(type, values), values, strict=True))  # by type too, because True == 1 as a dict key
    try:
        places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    except TypeError as error:
        raise DataError(
            f"The column '{name}' must hold text or numbers to slice by, but also holds other values ({error}). "
            "Slice by another column."
        ) from error
    return [value for _, value in places], np.fromiter(map(places.__getitem__, keys), np.intp, len(keys))


def _read_numbers(name: str, column: NDArray[Any]) -> Floats:
    """Return the column in double precision, NaN for rows without a number."""
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    values = column.tolist() if column.dtype.kind in "OSU" else [str(column.dtype)]
    wrong = next((value for value in values if not isinstance(value, Real | Decimal) and not is_missing(value)), None)
    if wrong is not None:
        moment = column.dtype.kind == "M" or isinstance(wrong, date)
        of_a_time = "write the window as a duration, like 7d" if moment else "such as seconds for a time"
        raise DataError(
            f"Bins and windows need a column of numbers, but '{name}' holds {wrong!r:.60}. Convert it to a number, "
            f"{of_a_time}, or slice by its values."
        )
    try:
        return np.array([math.nan if is_missing(value) else float(value) for value in values])
    except OverflowError as error:
        message = f"Bins and windows need a column of numbers, but '{name}' holds one that is too large ({error})."
        raise DataError(message, column=name) from error


def _text(value: Any) -> str:
    """Return a value's text for slice names: 2.0 as 2, a midnight as its date."""
    if is_missing(value):
        return MISSING
    if isinstance(value, float | np.floating):
        return _number_text(value)
    if isinstance(value, np.datetime64):
        return str(np.datetime_as_string(value, unit="auto"))
    text = text_of_bytes(value) if isinstance(value, bytes) else str(value)
    return text.encode(errors="backslashreplace").decode() or '""'  # a ledger stores only valid Unicode


def _number_text(number: "float | np.floating[Any]") -> str:
    """Return the shortest text that parses back to the number; whole numbers without a decimal point."""
    whole = number % 1 == 0 and abs(float(number)) < MAX_EXACT
    return f"{number + 0.0:.0f}" if whole else str(number)  # adding zero turns -0.0 into 0.0


def _place(text: str, value: Any) -> tuple[int, Any, str]:
    """Return a sort key: numbers (and text of digits) by value, then words alphabetically, then missing values."""
    if text == MISSING:
        return LAST
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = Decimal(value)
    return (0, value, text) if isinstance(value, Real | Decimal) else (1, 0, text)


def _quoted(name: str) -> str:
    """Return a part's name for a crossing; quoted if it contains a comma, which separates the parts."""
    return json.dumps(name, ensure_ascii=False) if "," in name else name


def _texts(edges: Floats) -> list[str]:
    """Return the numbers in full if short, else rounded to as few digits as keep them distinct, at least six."""
    exact = [(edge, _number_text(edge)) for edge in edges.tolist()]
    for digits in range(6, 18):
        texts = [text if len(text) <= MAX_LENGTH else f"{number:.{digits}g}" for number, text in exact]
        if len(set(texts)) == len(set(exact)):
            break
    return texts


def _require_few(
    what: str, found: int, way_out: str = "Divide a number into bins, for example bins = 4, or slice by another column."
) -> None:
    if found > MAX_PARTS:
        raise DataError(
            f"A slicing can have up to {MAX_PARTS:,} slices, but by '{what}' there are {found:,}. {way_out}"
        )


_LONGER = "Use a longer window."

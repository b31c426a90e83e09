"""Arrays of any kind to plain ones: what the rows say does not depend on the container that they come in.

NumPy's arrays of any precision, byte order and layout, masked arrays, pandas' and Arrow's columns, and lists of
Python's numbers become double precision, contiguous, with NaN for what is masked or missing. Fractions are rounded to
the nearest double, as Python's `float` does. A whole number that no double holds, and a number too large or too small
for one, is an error: two different numbers would become equal.
"""

from collections.abc import Iterator
from decimal import Decimal
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.arrow_columns import MAX_EXACT, without_extension

Floats: TypeAlias = NDArray[np.float64]


def floats(given: Any) -> Floats:
    """The numbers in double precision and C order, NaN where one is masked or missing; no copy where they are so.

    Raises:
        TypeError, ValueError: they are no numbers, or no double holds one of them.
    """
    array = unmasked(given)
    if array.dtype.kind in "cmMV":
        raise TypeError(f"they are of type {array.dtype}")
    if array.dtype.kind in "OSU":
        return _of_objects(array)
    with np.errstate(over="ignore"):
        numbers: Floats = np.require(array, np.float64, ["C", "ALIGNED"])
    _require_held(array, numbers)
    return numbers


def unmasked(given: Any) -> NDArray[Any]:
    """The values as a plain array; of a masked one as objects, with None for what is masked.

    Whole numbers with missing ones among them, which NumPy would round to doubles, are objects too, and UUIDs of Arrow
    are text.
    """
    if not isinstance(given, np.ma.MaskedArray):
        given = without_extension(given)
        array = np.asarray(given)
        in_doubles = array.dtype.kind == "f" and not isinstance(getattr(given, "dtype", None), np.dtype)
        return _objects(given) if in_doubles and _reach(array) >= MAX_EXACT else array
    if not np.ma.is_masked(given):
        return np.asarray(given.data)
    values: NDArray[Any] = np.asarray(given.data).astype(object)
    values[np.ma.getmaskarray(given)] = None
    return values


def _objects(given: Any) -> NDArray[Any]:
    return np.asarray(given.to_pylist() if hasattr(given, "to_pylist") else given, dtype=object)


def is_missing(value: Any) -> bool:
    """None, NaN, NaT, pandas' NA or NumPy's masked constant."""
    try:
        return value is None or value is np.ma.masked or bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except TypeError:  # pandas' NA says neither yes nor no
        return True


def _require_held(array: NDArray[Any], numbers: Floats) -> None:
    """See that the doubles are the numbers: integers in full, long doubles within the range."""
    if array.dtype.kind in "iu" and array.dtype.itemsize > 4 and _reach(numbers) >= MAX_EXACT:  # noqa: PLR2004
        _of_objects(array[np.abs(numbers) >= MAX_EXACT])
    if array.dtype.itemsize > numbers.itemsize and array.dtype.kind == "f":
        lost = np.isfinite(array) & (np.isinf(numbers) | ((numbers == 0) & (array != 0)))
        _refuse(iter(array[lost].ravel()))


def _of_objects(array: NDArray[Any]) -> Floats:
    return np.array([_float(value) for value in array.ravel().tolist()], dtype=np.float64).reshape(array.shape)


def _float(value: Any) -> float:
    if is_missing(value):
        return np.nan
    if isinstance(value, np.ndarray) or (isinstance(value, np.generic) and value.dtype.kind in "cmMV"):
        raise TypeError(f"one is of type {type(value).__name__}")
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        value = int(value)
    try:
        number = float(value)
    except OverflowError:
        _refuse(iter([value]))
        raise
    if isinstance(value, Integral | Decimal) and _is_lost(value, number):
        _refuse(iter([value]))
    return number


def _is_lost(value: Any, number: float) -> bool:
    if isinstance(value, Integral):
        return int(value) != number
    return bool(value.is_finite() and (abs(number) == np.inf or (number == 0) is not (value == 0)))


def _reach(numbers: ArrayLike) -> float:
    """The largest absolute value; 0 of no numbers, and NaN left out."""
    held = np.asarray(numbers, dtype=np.float64)
    if not held.size:
        return 0.0
    return max(abs(float(np.fmin.reduce(held, axis=None))), abs(float(np.fmax.reduce(held, axis=None))))


def _refuse(lost: Iterator[Any]) -> None:
    value = next(lost, None)
    if value is not None:
        text = str(value)
        shown = text if len(text) <= 40 else f"{text[:20]}… ({len(text)} digits)"  # noqa: PLR2004
        raise ValueError(f"double precision cannot hold {shown}; scale or shorten the numbers")

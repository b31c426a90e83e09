"""Arrays of any kind as plain NumPy arrays, and columns of rows by name.

NumPy arrays of any precision, byte order and layout, masked arrays, pandas and Arrow columns, and lists of Python
numbers become contiguous and double precision, with NaN for masked or missing values. Fractions are rounded to the
nearest double, as Python's `float` does. An integer that no double represents, or a number outside the range of
doubles, is an error: two different numbers would become equal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.arrow_columns import MAX_EXACT, without_extension

Floats: TypeAlias = NDArray[np.float64]


def floats(given: Any) -> Floats:
    """Return the numbers in double precision and C order, NaN where masked or missing; without a copy where possible.

    Raises:
        TypeError, ValueError: a value is not a number, or no double represents it.
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
    """Return the values as a plain array; a masked array becomes objects, with None for masked values.

    Integers with missing values, which NumPy would round to doubles, also become objects. Arrow UUIDs become text.
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
    """Return whether a value is None, NaN, NaT, pandas' NA or NumPy's masked constant."""
    try:
        return value is None or value is np.ma.masked or bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except TypeError:  # pandas' NA has no truth value
        return True


def _require_held(array: NDArray[Any], numbers: Floats) -> None:
    """Check that the doubles equal the numbers: integers exactly, long doubles within the range."""
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
    """Return the largest absolute value, ignoring NaN; 0 for an empty array."""
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


Index: TypeAlias = NDArray[np.bool_] | NDArray[np.intp] | slice


class Columns(Protocol):
    """Arrays of shape `(n_rows,)` by name: a dict of arrays, a DataFrame, or part of the rows of one."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __contains__(self, name: object, /) -> bool: ...


TABLE = "The table of columns"
"""The phrase that messages use for the columns."""


def column_names(columns: Columns | None) -> tuple[object, ...]:
    """Return the column names, with duplicates; empty if the columns do not list them."""
    return tuple(columns) if isinstance(columns, Iterable) else ()


@dataclass(frozen=True, eq=False)
class TakenColumns:
    """A subset of the rows of columns with `n_rows` rows. Columns are cut on access, so a wide table costs nothing.

    Raises:
        ValueError: the requested column has a different length.
    """

    columns: Columns
    index: Index
    n_rows: int

    def __getitem__(self, name: str, /) -> NDArray[Any]:
        column = unmasked(self.columns[name])
        if column.shape[:1] != (self.n_rows,):
            raise ValueError(f"there must be one for each of {self.n_rows:,} rows, but the shape is {column.shape}")
        return column[self.index]

    def __contains__(self, name: object, /) -> bool:
        return name in self.columns

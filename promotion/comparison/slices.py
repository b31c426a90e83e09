"""Slicing of the evaluation rows: by column, by crossed columns, by quantile bins, by windows of time.

    columns -> Slicing -> Coded (names of slices, and the slice of each row) -> Slice (name, rows)

Every row is in exactly one slice of a slicing. Rows without a value (None, NaN, NaT, pandas' NA) form a slice of their
own, `(missing)`, which comes last.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from promotion.comparison.partition import Coded, by_quantile, by_value, by_window, cross
from promotion.comparison.slicing import Slicing
from promotion.errors import DataError, UnknownName, require_once
from promotion.metrics.arrays import TABLE, Columns, Floats, column_names, unmasked


class Slice(NamedTuple):
    """One part of the rows: its name, e.g. `W`, `W, visa`, `[10.5, 43)`, and the positions of its rows, ascending."""

    name: str
    rows: NDArray[np.intp]


def read_slicings(
    slices: Iterable[str | Sequence[str] | Slicing], columns: Columns | None, n_rows: int
) -> tuple[tuple[Slicing, ...], dict[str, NDArray[Any]]]:
    """Return the requested slicings, without duplicates, and the columns that they name.

    A name is a shorthand for slices by the values of that column, several names for these crossed;
    a mapping or DataFrame for slices by each of its columns.

    Raises:
        UnknownName: there is no such column; the message lists the nearest names.
        DataError: a column does not hold one value for each of the `n_rows` labels.
    """
    every = slices if _are_columns(slices) else {} if columns is None else columns
    asked = (slices,) if isinstance(slices, str | Slicing) else slices
    slicings = tuple(dict.fromkeys(map(_slicing, asked)))
    names = dict.fromkeys(name for slicing in slicings for name in slicing.by)
    return slicings, {name: _read_column(name, every, n_rows) for name in names}


def _slicing(asked: str | Slicing | Sequence[str]) -> Slicing:
    if isinstance(asked, Slicing):
        return asked
    return Slicing(by=(asked,) if isinstance(asked, str) or not isinstance(asked, Sequence) else tuple(asked))


def _are_columns(slices: object) -> TypeGuard[Columns]:
    return hasattr(slices, "keys")


def _read_column(name: str, columns: Columns, n_rows: int) -> NDArray[Any]:
    if name not in columns:
        known = tuple(map(str, column_names(columns)))
        raise UnknownName("column", str(name), known, hint="" if known else "Add it to `columns` to slice by it.")
    require_once(name, column_names(columns), TABLE)
    given = columns[name]
    # NumPy would turn a list of words and NaN into text, with the word 'nan'.
    column = np.asarray(given, dtype=object) if isinstance(given, list | tuple) else unmasked(given)
    if column.shape != (n_rows,):
        raise DataError(
            f"The column '{name}' must hold one value for each of the {n_rows:,} labels, but has the shape "
            f"{column.shape}. Slice the labelled rows."
        )
    return column


def divide(slicing: Slicing, columns: Columns, weights: Floats) -> tuple[Slice, ...]:
    """Return the non-empty slices: numbers by value, words alphabetically, bins and windows upward, `(missing)` last.

    Bins hold about equal shares of the weights, shape `(n_rows,)`.

    Raises:
        DataError: bins or windows of a non-numeric column, values that cannot name a slice, or too
            many slices.
    """
    names, codes = _code(slicing, columns, weights)
    order = np.argsort(codes.astype(np.int16), kind="stable")  # a radix sort, linear in the rows
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return tuple(map(Slice, names, np.split(order, ends[:-1])))


def _code(slicing: Slicing, columns: Columns, weights: Floats) -> Coded:
    name, column = slicing.by[0], np.asarray(columns[slicing.by[0]])
    if slicing.bins is not None:
        return by_quantile(name, column, weights, slicing.bins)
    if slicing.window is not None:
        return by_window(name, column, slicing.window)
    if len(slicing.by) == 1:
        return by_value(name, column)
    return cross(slicing.name, [by_value(name, np.asarray(columns[name])) for name in slicing.by])

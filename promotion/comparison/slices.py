"""Slicing of the evaluation rows: by column, by crossed columns, by quantile bins, by windows of time.

    columns -> Slicing -> Coded (names of slices, and the slice of each row) -> Slice (name, rows)

Every row is in exactly one slice of a slicing. Rows without a value (None, NaN, NaT, pandas' NA) form a slice of their
own, `(missing)`, which comes last.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from promotion.comparison.partition import Coded, by_quantile, by_value, by_window, cross
from promotion.durations import span_of, timedelta_of
from promotion.errors import ConfigError, DataError, UnknownName, require_once
from promotion.metrics.arrays import TABLE, Columns, Floats, column_names
from promotion.metrics.containers import unmasked


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """One way to divide the rows; every row falls into exactly one slice.

    Attributes:
        by: the columns that define the slices by their crossed values.
        bins: number of quantile bins to divide the one numeric column into.
        window: length of the windows to divide the one column into: in the column's own unit if it holds numbers, else
            a duration such as `7d`.

    Raises:
        ConfigError: the arguments do not describe a possible division.
    """

    by: tuple[str, ...]
    bins: int | None = None
    window: float | str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", (self.by,) if isinstance(self.by, str) else tuple(self.by))
        if not self.by:
            raise ConfigError("A slicing needs at least one column, but names none. Name one, by = 'ProductCD'.")
        if self.bins is not None and (type(self.bins) is not int or self.bins < 2):  # noqa: PLR2004
            raise ConfigError(f"The bins of a slicing must be a whole number from 2 up, but are {self.bins}.")
        self._check_window()
        if self.bins is not None and self.window is not None:
            raise ConfigError(f"A slicing takes bins or a window, but that by '{self.by[0]}' has both. Leave one out.")
        if len(self.by) > 1 and (self.bins is not None or self.window is not None):
            raise ConfigError(
                f"Bins and windows divide a single column, but '{self.name}' names {len(self.by)}. Name one of them, "
                "or leave out the bins or the window."
            )

    def _check_window(self) -> None:
        if isinstance(self.window, str):
            try:
                object.__setattr__(self, "window", span_of(self.window))
            except ValueError:
                raise ConfigError(
                    f"The window of a slicing must be a number or a length of time, like 7d, but is '{self.window}'."
                ) from None
        number = timedelta_of(self.window).total_seconds() if isinstance(self.window, str) else self.window
        if number is not None and not 0 < number < math.inf:
            raise ConfigError(f"The window of a slicing must be a number above 0, but is {self.window}.")

    @property
    def name(self) -> str:
        """Readable name, e.g. `ProductCD`, `ProductCD x card4`, `TransactionAmt in 4 bins`."""
        crossed = " x ".join(self.by)
        if self.bins is not None:
            return f"{crossed} in {self.bins} bins"
        if self.window is None:
            return crossed
        return f"{crossed} in windows of {self.window if isinstance(self.window, str) else f'{self.window:g}'}"


class Slice(NamedTuple):
    """One part of the rows: its name, e.g. `W`, `W, visa`, `[10.5, 43)`, and the positions of its rows, ascending."""

    name: str
    rows: NDArray[np.intp]


def read_slicings(
    slices: Iterable[str | Sequence[str] | Slicing], columns: Columns | None, n_rows: int
) -> tuple[tuple[Slicing, ...], dict[str, NDArray[Any]]]:
    """Return the requested slicings, without duplicates, and the columns that they name.

    A name is a shorthand for slices by the values of that column, several names for these crossed; a mapping or
    DataFrame for slices by each of its columns.

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
        raise UnknownName("column", str(name), known, hint="" if known else "Give it among the columns to slice by it.")
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

    Args:
        slicing: the way to divide the rows.
        columns: arrays of shape `(n_rows,)` by name, including those of the slicing.
        weights: shape `(n_rows,)`; bins hold about equal shares of them.

    Raises:
        DataError: bins or windows of a non-numeric column, values that cannot name a slice, or too many slices.
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

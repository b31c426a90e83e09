"""Array types shared by the measuring modules, and access to columns of rows by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.metrics.containers import Floats as Floats
from promotion.metrics.containers import unmasked

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

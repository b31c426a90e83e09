"""Whose fault it is that rows could not be scored: the caller's, whose rows are wrong, or the model's."""

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from promotion.errors import DataError, PromotionError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 60
_LARGEST = sys.float_info.max
"""JSON can name larger numbers, such as 1e999, which is read as infinity."""


class ModelFault(PromotionError):
    """A model could not score rows in which nothing is wrong."""


def columns_of(sample: "pd.DataFrame | None") -> dict[str, str]:
    """Return what each column of the sample rows contains, such as `a number or null`."""
    from pandas.api.types import is_numeric_dtype

    if sample is None:
        return {}
    kinds = {name: "a number" if is_numeric_dtype(sample[name]) else "a value" for name in sample}
    return {str(name): kind + " or null" * bool(sample[name].isna().any()) for name, kind in kinds.items()}


def blamed(tag: str, rows: "pd.DataFrame", columns: Mapping[str, str], error: BaseException) -> PromotionError:
    """Return the error of rows that could not be scored: about a column that is missing or wrong, or about the model.

    Args:
        tag: the version.
        rows: raw rows as they were sent; the recipe has not checked them.
        columns: as `columns_of` returns them; empty without sample rows.
        error: what scoring raised.
    """
    missing = _missing(rows, columns, error)
    if missing:
        one, there = len(missing) == 1, ", ".join(map(str, rows.columns))
        return DataError(
            f"Each row must have the column{'' if one else 's'} {', '.join(missing)}, which {tag} needs, "
            f"but the rows have {f'only {there}' if there else 'no columns'}."
        )
    for name, expected in columns.items():
        if name in rows and (found := _other(rows[name], expected)):
            return DataError(f"The column {name} must have {expected} in each row, but {found}.", column=name)
    if not columns and isinstance(error, ValueError | TypeError | OverflowError):  # nothing is known of right rows
        return DataError(str(fault(tag, error)))
    return fault(tag, error)


def fault(tag: str, error: BaseException) -> PromotionError:
    """Return the error of a model that could not score right rows."""
    if isinstance(error, PromotionError):
        return ModelFault(str(error))
    first = (str(error).strip().splitlines() or [""])[0]
    return ModelFault(f"{tag} could not score the rows ({type(error).__name__}{': ' if first else ''}{first}).")


def _missing(rows: "pd.DataFrame", columns: Mapping[str, str], error: BaseException) -> list[str]:
    """Return the columns that the error names and that the rows lack."""
    if columns:
        return [name for name in columns if name not in rows and repr(name) in str(error)]
    if not isinstance(error, KeyError):
        return []
    named = str(error).partition(", dtype")[0]  # of pandas, one name, or a list of names and words around it
    return [name for name in re.findall(r"'([^']+)'", named) if name not in rows]


def _other(column: "pd.Series", expected: str) -> str:
    """Return the first row that has not what is expected, counted from 1, and what it has; empty if all are right."""
    for row, value in enumerate(column, 1):
        if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
            if not expected.endswith("null"):
                return f"row {row} has null"
        elif expected.startswith("a number") and not (isinstance(value, int | float) and abs(value) <= _LARGEST):
            return f"row {row} has {value!r:.{_SHOWN}}"
    return ""

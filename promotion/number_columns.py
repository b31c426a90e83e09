"""Reading of numeric columns from files with different notations."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promotion.arrow_columns import MAX_EXACT
from promotion.data_files import Csv
from promotion.errors import DataError
from promotion.parsing import no_number, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

ColumnType = Literal["number", "exact", "text", "key", "time"]
SHOWN = 60
"""Maximum characters of a value shown in a message."""


def numbers_of(path: Path, column: "pd.Series[Any]") -> "pd.Series[float]":
    """Convert the column to double precision.

    Raises:
        DataError: it contains other values.
    """
    given = column.astype(object) if column.dtype.kind in "mM" else column  # pandas would convert datetimes to ticks
    numbers = _as_numbers(given)
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        row = first_of(wrong)
        raise DataError(
            no_number(path, str(column.name), row, str(column.iloc[row - 1])), path=path, column=str(column.name)
        )
    return numbers


def _as_numbers(values: "pd.Series[Any]") -> "pd.Series[float]":
    """Convert to numbers, with NaN for values that are not numbers or that no double represents."""
    import pandas as pd

    try:
        return pd.to_numeric(values, errors="coerce").astype("float64")
    except (OverflowError, TypeError):
        return values.map(_as_number).astype("float64")


def _as_number(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return float("nan")


def require_held(
    path: Path, numbers: "pd.Series[float]", kind: ColumnType, written: "Callable[[], pd.Series[Any]]"
) -> None:
    """Check that float64 represents the file's numbers: none is out of range, and no `exact` one is rounded.

    `written` returns the column as text; it is called only if there are large numbers.
    """
    large = numbers.abs() >= (MAX_EXACT if kind == "exact" else float("inf"))
    if not large.any():
        return
    texts = written()[large]
    for row, text, number in zip(large.to_numpy().nonzero()[0], texts, numbers[large], strict=True):
        if _is_lost(text.strip(), number):
            shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
            message = (
                f"Column '{numbers.name}' of {path} holds {shown} in row {row + 1}, which double precision cannot "
                "hold. Scale or shorten the numbers."
            )
            raise DataError(message, path=path, column=str(numbers.name))


def fields_of(file: Csv, name: str) -> "pd.Series[Any]":
    """Read a column of a CSV file as text."""
    import pyarrow as pa

    return parse(file, {name: pa.string()})[name]


def as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Convert each value to text as Python writes it."""
    return column.astype(object).map(str)


def _is_lost(text: str, number: float) -> bool:
    if abs(number) == float("inf"):
        return "inf" not in text.lower()
    return text.lstrip("+-").isdecimal() and int(text) != number


def first_of(mask: "pd.Series[bool]") -> int:
    """Return the number of the first true row, counting from 1."""
    return int(mask.to_numpy().argmax()) + 1

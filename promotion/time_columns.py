"""Conversion of columns of any dtype, or text, to `Times`; errors name the row at fault."""

import sys
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from promotion.errors import DataError
from promotion.iso import timestamps_of
from promotion.times import Times

if TYPE_CHECKING:
    import pandas as pd

    Mask = NDArray[np.bool_]

_FORMS = "numbers, dates, datetimes or ISO 8601 text such as 2024-12-31 or 2024-12-31T14:30:00+01:00"
_WAY_OUT = "Turn the column into one of these, for example by pandas.to_datetime."


def times_of(column: "pd.Series[Any]", what: str = "") -> Times:
    """Convert a column to times.

    Args:
        column: numbers; dates, datetimes or periods, which mean their start; or ISO 8601 text; of
            any dtype.
        what: the file, for messages.

    Raises:
        DataError: a value is infinite or of another kind, the column mixes kinds, or only some
            datetimes have a zone.
    """
    import pandas as pd
    from pandas.api import types

    named = f"'{column.name}'{f' of {what}' if what else ''}"
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return _datetimes(column.dt.to_timestamp())
    if types.is_datetime64_any_dtype(dtype):
        return _datetimes(column)
    if types.is_numeric_dtype(dtype) and not (types.is_bool_dtype(dtype) or types.is_complex_dtype(dtype)):
        return _numbers(column, named)
    return _objects(column.astype(object), named)


def times_of_text(column: "pd.Series[Any]", what: str) -> Times:
    """Convert a column of text, as read from a CSV file: numbers if its first value is one, else ISO 8601.

    Empty fields have no time; `NA`, `NaN`, `null` and pyarrow's other names for missing values have
    none either.

    Raises:
        DataError: a value is neither; or they are mixed, or only some datetimes give a zone.
    """
    import pandas as pd
    from pyarrow.csv import ConvertOptions

    named = f"'{column.name}' of {what}"
    column = column.mask(column.str.strip().isin(ConvertOptions().null_values))
    numbers = pd.to_numeric(column, errors="coerce", dtype_backend="numpy_nullable")  # keeps all digits
    if column.isna().all() or pd.isna(numbers[column.notna()].iloc[0]):
        return _objects(column.astype(object), named)
    expected = "hold numbers throughout, as in its first row"
    _refuse(numbers.isna() & column.notna(), column, named, expected)
    return _numbers(numbers, named)


def _numbers(column: "pd.Series[Any]", named: str) -> Times:
    from pandas.api import types

    missing, kind = _missing(column), "float64"
    if types.is_integer_dtype(column.dtype):
        kind = "uint64" if types.is_unsigned_integer_dtype(column.dtype) else "int64"
    values = column.to_numpy(dtype=kind, na_value=0) if missing.any() else column.to_numpy(dtype=kind)
    _refuse(np.isinf(values), column, named, "hold finite numbers", "Correct the row, or leave it out.")
    return Times(str(column.name), values, missing)


def _datetimes(column: "pd.Series[Any]") -> Times:
    import pandas as pd

    made = pd.to_datetime(column, utc=True).dt.tz_localize(None)
    dtype: Any = getattr(column.dtype, "pyarrow_dtype", column.dtype)
    zoned = getattr(dtype, "tz", None) is not None
    return Times(str(column.name), pd.DatetimeIndex(made).to_numpy(), _missing(column), zoned)


def _objects(column: "pd.Series[Any]", named: str) -> Times:
    """Convert Python objects of a single kind: text, datetimes or numbers."""
    blank = np.array([isinstance(value, str) and not value.strip() for value in column], dtype=bool)
    missing = _missing(column) | blank
    if missing.all():
        return Times(str(column.name), np.zeros(len(column)), missing)
    kinds = {kind: _kind(kind) for kind in set(map(type, column[~missing]))}
    first = kinds[type(column[~missing].iloc[0])]
    if set(kinds.values()) != {first} or not first:
        each = np.array([kinds.get(type(value), first) for value in column])
        _refuse((each == "") & ~missing, column, named, f"hold {_FORMS}", _WAY_OUT)
        _refuse((each != first) & ~missing, column, named, f"hold {first} throughout, as in its first row")
    return _READ[first](column, missing, named)


_TEXT, _MOMENTS, _NUMBERS = "text", "dates or datetimes", "numbers"


def _kind(kind: type) -> str:
    """Return the kind of a type's values; empty if they are not times."""
    import pandas as pd

    if issubclass(kind, str):
        return _TEXT
    if issubclass(kind, date | np.datetime64 | pd.Period):
        return _MOMENTS
    return _NUMBERS if issubclass(kind, Real | Decimal) and not issubclass(kind, bool) else ""


def _number_objects(column: "pd.Series[Any]", missing: "Mask", named: str) -> Times:
    whole = all(isinstance(value, Integral) for value in column[~missing])
    filled = column.mask(missing, 0)
    try:
        values = filled.to_numpy(dtype="int64" if whole else "float64")
    except OverflowError:
        too_large = filled.map(lambda value: abs(value) > sys.float_info.max)
        _refuse(too_large, column, named, "hold finite numbers", "Correct the row, or leave it out.")
        values = filled.to_numpy(dtype="float64")
    _refuse(np.isinf(values), column, named, "hold finite numbers", "Correct the row, or leave it out.")
    return Times(str(column.name), values, missing)


def _texts(column: "pd.Series[Any]", missing: "Mask", named: str) -> Times:
    import pandas as pd

    codes, texts = pd.factorize(column.mask(missing))
    at, zoned = timestamps_of(texts.tolist())
    return _moments(column, missing, at[codes], zoned[codes], named)


def _moment_objects(column: "pd.Series[Any]", missing: "Mask", named: str) -> Times:
    import pandas as pd

    starts = column.map(lambda value: value.to_timestamp() if isinstance(value, pd.Period) else value)
    at = pd.to_datetime(starts.mask(missing), utc=True, errors="coerce").dt.tz_localize(None).to_numpy()
    zoned = np.array([getattr(value, "tzinfo", None) is not None for value in starts], dtype=bool)
    return _moments(column, missing, at, zoned, named)


_READ = {_TEXT: _texts, _MOMENTS: _moment_objects, _NUMBERS: _number_objects}


def _moments(column: "pd.Series[Any]", missing: "Mask", at: NDArray[Any], zoned: "Mask", named: str) -> Times:
    """Convert datetimes parsed row by row: all must be valid, and either all or none must have a zone."""
    _refuse(np.isnat(at) & ~missing, column, named, f"hold {_FORMS}", _WAY_OUT)
    first = bool(zoned[~missing][0])
    form = f"hold timestamps {'with' if first else 'without'} a zone throughout, as in its first row"
    _refuse((zoned != first) & ~missing, column, named, form)
    return Times(str(column.name), at, missing, first)


def _missing(column: "pd.Series[Any]") -> "Mask":
    return column.isna().to_numpy(dtype=bool)


def _refuse(
    wrong: Any, column: "pd.Series[Any]", named: str, expected: str, way_out: str = "Write all rows in one form."
) -> None:
    """Raise a `DataError` that shows the first wrong row, counted from 1, if there is one."""
    mask = np.asarray(wrong, dtype=bool)
    if mask.any():
        row = int(mask.argmax())
        value = column.iloc[row]
        found = f"'{value:.60}'" if isinstance(value, str) else f"{value!s:.60} ({type(value).__name__})"
        message = f"Column {named} is read as times and must {expected}, but row {row + 1} holds {found}. {way_out}"
        raise DataError(message, column=str(column.name))

"""Reading rows from files, by needed columns, and telling in a sentence what is wrong with them.

`read_rows` for a recipe's `load`; `split_by_time` and `split_by_hash` for its `split`. Keys are those of
`promotion.row_keys`, whose `fingerprints` name rows by 64 bits.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promotion.arrow_columns import MAX_EXACT
from promotion.data_files import Csv, csv_of, is_parquet
from promotion.errors import DataError, UnknownName, require_once
from promotion.interfaces.recipe import Split
from promotion.number_format import meant_as_share
from promotion.parquet import parquet_columns, parquet_rows
from promotion.parsing import NotConverted, no_number, parse
from promotion.row_keys import FIRST_FORM, fingerprints, form_in_use
from promotion.time_columns import times_of, times_of_text

if TYPE_CHECKING:
    import pandas as pd

ColumnType = Literal["number", "exact", "text", "key", "time"]
SHOWN = 60
"""Characters of a value that a sentence shows."""


def read_rows(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Read the named columns of a CSV or Parquet file, in the order given.

    A `number` becomes float64, and so does an `exact`, of which no whole number may be rounded for it. A `text` becomes
    a pandas category. A `key` of a CSV file is text, letter by letter; that of a Parquet file has the file's type, a
    UUID its text. A `time` becomes int64 or float64 where the file holds numbers, datetime64 where it holds moments or
    ISO 8601 text, in UTC where they name a zone. Whole numbers of which one is missing are float64; keys, texts and
    times of them are `Int64` where float64 would round one.

    In a CSV file only an empty field is a missing key or text (`NA` is a text). As a missing number or time `NA`,
    `NaN`, `null` and the like count too.

    Raises:
        DataError: the file is missing, empty or cut short, lacks a column or has two of its name, has a row with more
            or fewer fields than its header, or holds no number where one must be, or one too large for float64, or no
            time.
    """
    require_file(path)
    parquet = is_parquet(path)
    rows = _read_parquet(path, columns) if parquet else _read_csv(path, columns)
    for name in (name for name, kind in columns.items() if kind == "time"):
        rows[name] = (times_of if parquet else times_of_text)(rows[name], str(path)).series(rows.index)
    return rows[list(columns)]


def require_file(path: Path) -> None:
    """See that a data file is there.

    Raises:
        DataError: it is not.
    """
    if not path.is_file():
        message = f"{what_is_at(path)} Put the file there, or name another with --data."
        raise DataError(message)


def what_is_at(path: Path) -> str:
    """What is found, in a sentence, where a data file is expected and is not."""
    if path.is_dir():
        return f"{path} is a folder, not a data file."
    return f"{path} is a pipe or a device, not a data file." if path.exists() else f"There is no data file at {path}."


def require_named(path: Path) -> None:
    """See that what a recipe is to read is there, where the path names a file; not where it names a table or several.

    Raises:
        DataError: it is not.
    """
    names_a_file = path.suffix and not any(letter in str(path) for letter in "*?[") and ":/" not in str(path)
    if names_a_file and not path.exists():
        require_file(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_columns(rows: "pd.DataFrame", names: Iterable[str], what: str, why: str) -> None:
    """See that the rows have the columns, each once.

    Raises:
        DataError: they lack one, and which is the nearest; or have two of its name.
    """
    present = list(rows.columns)
    for name in names:
        if name not in present:
            raise DataError(_no_column(what, name, present, why))
        require_once(name, present, what)


def split_by_time(rows: "pd.DataFrame", *, time: str, holdout: float) -> Split:
    """Give the latest share of the rows to the holdout; rows of one moment stay together.

    Args:
        rows: all rows.
        time: column that orders them: numbers, dates, datetimes, or ISO 8601 text; the same moments give the same
            split in each form.
        holdout: share of the rows, above 0 and below 1.

    Raises:
        DataError: there are no rows, or no such column; a time is missing, or is none of these (such as 31/12/2024), or
            some name a zone and others none; or all rows are of one moment.
    """
    import numpy as np

    _check_share(holdout)
    require_columns(rows, (time,), "The data", "which orders its rows in time")
    times = times_of(rows[time])
    if times.missing.any():
        message = f"Column '{time}' orders the rows in time and must not be empty; row {times.missing.argmax() + 1} is."
        raise DataError(message)
    if not len(rows):
        message = f"There are no rows to split by '{time}'."
        raise DataError(message)
    place = int(len(rows) * (1 - holdout))
    cut = np.partition(times.points, place)[place]
    late = times.points >= cut
    if late.all():
        message = f"The rows cannot be split by '{time}': too many of them are of one moment ({times.written(cut)})."
        raise DataError(message)
    return Split(rows[~late], rows[late])


def split_by_hash(rows: "pd.DataFrame", *, key: str, holdout: float) -> Split:
    """Give about this share of the rows to the holdout by their keys: a row keeps its side in every later file.

    Args:
        rows: all rows.
        key: column that names the rows; or what they belong to, such as a customer, to keep those whole.
        holdout: share of the rows, or of what they belong to, above 0 and below 1.

    Raises:
        DataError: there is no such column, or two of its name; a key is missing or has no text of its own; or the share
            does not lie between 0 and 1.
    """
    _check_share(holdout)
    require_columns(rows, (key,), "The data", "by which its rows are divided")
    judges = fingerprints(rows[key]) < int(holdout * 2**64)
    return Split(rows[~judges], rows[judges])


def _read_csv(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """By pyarrow, which refuses a row with more or fewer fields than the header; pandas shifts or fills it silently."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    file = csv_of(path, columns)
    _require(path, columns, file.header)
    text = pa.dictionary(pa.int32(), pa.string())
    types = {"number": pa.float64(), "exact": pa.float64(), "text": text, "key": pa.string(), "time": pa.string()}
    if form_in_use() == FIRST_FORM:
        return _parse_as_once(file, columns, types)
    rows = parse(file, {name: types[kind] for name, kind in columns.items()})
    for name, kind in columns.items():
        if kind in {"number", "exact"}:
            _require_held(path, rows[name], kind, partial(_fields, file, name))
        elif kind == "key":
            rows[name] = rows[name].mask(rows[name] == "")
        elif kind == "time":
            rows[name] = rows[name].mask(rows[name].isin(arrow_csv.ConvertOptions().null_values))
        elif kind == "text" and "" in rows[name].cat.categories:
            rows[name] = rows[name].cat.remove_categories([""])
    return rows


def _parse_as_once(file: Csv, columns: Mapping[str, ColumnType], types: Mapping[str, Any]) -> "pd.DataFrame":
    """As releases before the present form of keys: a key column is what pyarrow takes it for, and `NA` is missing."""
    import pyarrow as pa

    given = {name: None if kind == "key" else types[kind] for name, kind in columns.items()}
    try:
        return parse(file, given, strings_can_be_null=True)
    except NotConverted as error:
        if columns.get(error.column) != "key":
            raise
        mixed = error.column
    return parse(file, {**given, mixed: pa.string()}, strings_can_be_null=True)  # numbers first, text later


def _read_parquet(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    _require(path, columns, parquet_columns(path))
    rows = parquet_rows(path, list(columns))
    for name, kind in columns.items():
        if kind in {"number", "exact"}:
            given = rows[name]
            rows[name] = _numbers(path, given)
            _require_held(path, rows[name], kind, partial(_as_text, given))
        elif kind == "text":
            rows[name] = _categories(path, rows[name])
    return rows


def _categories(path: Path, column: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return column.astype("category")
    except TypeError as error:
        message = f"Column '{column.name}' of {path} must hold words or numbers, but holds others ({error})."
        raise DataError(message) from error


def _require(path: Path, columns: Mapping[str, ColumnType], present: Sequence[str]) -> None:
    for name in columns:
        if name not in present:
            raise DataError(_no_column(str(path), name, present))
        require_once(name, present, str(path))


def _no_column(what: str, name: str, present: Sequence[Any], why: str = "which the recipe needs") -> str:
    other = next((one for one in present if not isinstance(one, str)), None)
    if other is not None:
        near = f"Its columns are named by {type(other).__name__}, such as {other!r}, not by text. Name them by text."
    else:
        near = UnknownName("column", name, present).way_out if len(present) < 1000 else ""  # noqa: PLR2004
    return f"{what} has no column '{name}', {why}. {near}".strip()


def _numbers(path: Path, column: "pd.Series[Any]") -> "pd.Series[float]":
    given = column.astype(object) if column.dtype.kind in "mM" else column  # of a moment pandas takes the ticks
    numbers = _as_numbers(given)
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        row = first_of(wrong)
        raise DataError(no_number(path, str(column.name), row, str(column.iloc[row - 1])))
    return numbers


def _as_numbers(values: "pd.Series[Any]") -> "pd.Series[float]":
    """NaN where a value is no number, or one that no double holds."""
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


def _require_held(
    path: Path, numbers: "pd.Series[float]", kind: ColumnType, written: "Callable[[], pd.Series[Any]]"
) -> None:
    """See that float64 holds what the file says: no number is too large for it, and no `exact` one rounded.

    Args:
        path: the file.
        numbers: as they were read.
        kind: of the column.
        written: gives the column as text; asked where there are large numbers.
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
            raise DataError(message)


def _fields(file: Csv, name: str) -> "pd.Series[Any]":
    import pyarrow as pa

    return parse(file, {name: pa.string()})[name]


def _as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype(object).map(str)


def _is_lost(text: str, number: float) -> bool:
    if abs(number) == float("inf"):
        return "inf" not in text.lower()
    return text.lstrip("+-").isdecimal() and int(text) != number


def _check_share(holdout: float) -> None:
    if not isinstance(holdout, Real) or not 0 < holdout < 1:
        meant = meant_as_share(holdout) if isinstance(holdout, Real) else ""
        message = f"The holdout's share must be a number above 0 and below 1, found {holdout!r}.{meant}"
        raise DataError(message)


def first_of(mask: "pd.Series[bool]") -> int:
    """Number of the first true row, counting from 1."""
    return int(mask.to_numpy().argmax()) + 1

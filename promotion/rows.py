"""Reading rows from files, by needed columns, and telling in a sentence what is wrong with them.

`read_rows` for a recipe's `load`; `split_by_time` and `split_by_hash` for its `split`. Keys are those of
`promotion.row_keys`, whose `fingerprints` name rows by 64 bits.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promotion.data_files import Csv, csv_of, is_parquet
from promotion.errors import DataError, UnknownName, require_once
from promotion.figures import meant_as_share
from promotion.parquet import parquet_columns, parquet_rows
from promotion.parsing import NotConverted, no_number, parse
from promotion.row_keys import FIRST_FORM, fingerprints, form_in_use, key_texts
from promotion.seams import Split
from promotion.time_columns import times_of, times_of_text
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import pandas as pd

ColumnType = Literal["number", "text", "key", "time"]


def read_rows(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Read the named columns of a CSV or Parquet file, in the order given.

    A `number` becomes float64, a `text` a pandas category. A `key` of a CSV file is text, letter by letter; that of a
    Parquet file has the file's type. A `time` becomes int64 or float64 where the file holds numbers, datetime64 where
    it holds moments or ISO 8601 text, in UTC where they name a zone.

    In a CSV file only an empty field is a missing key or text (`NA` is a text). As a missing number or time `NA`,
    `NaN`, `null` and the like count too.

    Raises:
        DataError: the file is missing, empty or cut short, lacks a column or has two of its name, has a row with more
            or fewer fields than its header, or holds no number where one must be, or no time.
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
        what = f"{path} is a folder, not a data file." if path.is_dir() else f"There is no data file at {path}."
        message = f"{what} Put the file there, or name another with --data."
        raise DataError(message)


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


def check_rows(rows: "pd.DataFrame", *, key: str, label: str, what: str, task: Task = Task.BINARY) -> None:
    """See that the rows can train or judge: keys present and unique, labels as the task has them.

    Two classes are 0 and 1, several are 0 to K-1, and more than one is present; a number is finite.

    Raises:
        DataError: they cannot; the sentence names the first row at fault, counting data rows from 1.
    """
    require_columns(rows, (key, label), what, "which the recipe needs")
    if len(rows) < 2:  # noqa: PLR2004 - one row to train on and one to judge by
        message = f"{what} holds {len(rows)} row{'s' * (len(rows) != 1)}; training and judging need at least two."
        raise DataError(message)
    if form_in_use() != FIRST_FORM:  # whose rows were checked when they were judged by
        _check_keys(rows[key], what)
    _check_labels(rows[label], what, task)


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
        DataError: a value is missing, or has no text of its own.
    """
    _check_share(holdout)
    judges = fingerprints(rows[key]) < int(holdout * 2**64)
    return Split(rows[~judges], rows[judges])


def _read_csv(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """By pyarrow, which refuses a row with more or fewer fields than the header; pandas shifts or fills it silently."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    file = csv_of(path, columns)
    _require(path, columns, file.header)
    text = pa.dictionary(pa.int32(), pa.string())
    types = {"number": pa.float64(), "text": text, "key": pa.string(), "time": pa.string()}
    if form_in_use() == FIRST_FORM:
        return _parse_as_once(file, columns, types)
    rows = parse(file, {name: types[kind] for name, kind in columns.items()})
    for name, kind in columns.items():
        if kind == "key":
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
        if kind == "number":
            rows[name] = _numbers(path, rows[name])
        elif kind == "text":
            rows[name] = rows[name].astype("category")
    return rows


def _require(path: Path, columns: Mapping[str, ColumnType], present: Sequence[str]) -> None:
    for name in columns:
        if name not in present:
            raise DataError(_no_column(str(path), name, present))
        require_once(name, present, str(path))


def _no_column(what: str, name: str, present: Sequence[str], why: str = "which the recipe needs") -> str:
    near = str(UnknownName("column", name, present)) if len(present) < 1000 else ""  # noqa: PLR2004
    return f"{what} has no column '{name}', {why}. {near}".strip()


def _numbers(path: Path, column: "pd.Series[Any]") -> "pd.Series[float]":

    given = column.astype(object) if column.dtype.kind in "mM" else column  # of a moment pandas takes the ticks
    numbers = _as_numbers(given)
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        row = _first(wrong)
        raise DataError(no_number(path, str(column.name), row, str(column.iloc[row - 1])))
    return numbers


def _check_keys(keys: "pd.Series[Any]", what: str) -> None:
    import pandas as pd

    texts = key_texts(keys)
    if texts.null_count:
        row = _first(texts.is_null().to_pandas())
        message = f"Column '{keys.name}' names the rows of {what} and must not be empty; row {row} is."
        raise DataError(message)
    is_unique = keys.is_unique if pd.api.types.is_integer_dtype(keys.dtype) else len(texts.unique()) == len(texts)
    if not is_unique:
        again = texts.to_pandas().duplicated()
        row = _first(again)
        message = (
            f"Column '{keys.name}' names the rows of {what}, so no two may share a value; {int(again.sum()):,} do, the "
            f"first is {texts[row - 1]} in row {row}. Remove the repeated rows."
        )
        raise DataError(message)


def _check_labels(labels: "pd.Series[Any]", what: str, task: Task) -> None:
    import pandas as pd

    numbers = _as_numbers(labels)
    if task is Task.BINARY:
        fits, expected = numbers.isin([0, 1]), "hold 0 or 1"
    elif task is Task.MULTICLASS:
        fits, expected = (numbers >= 0) & (numbers % 1 == 0), "hold a class as a whole number from 0 up"
    else:
        fits, expected = numbers.abs() < float("inf"), "hold finite numbers"
    if not fits.all():
        row = _first(~fits)
        value = labels.iloc[row - 1]
        found = "is empty" if pd.api.types.is_scalar(value) and pd.isna(value) else f"holds {value!s:.80}"
        message = f"Column '{labels.name}' of {what} must {expected}; row {row} {found}."
        raise DataError(message)
    if task is not Task.REGRESSION and labels.nunique() < 2:  # noqa: PLR2004 - two classes
        kind, needed = "one class of", "several"
        if task is Task.BINARY:
            kind, needed = ("no positive", "only positive")[int(labels.iloc[0])], "both"
        message = (
            f"{what} holds {kind} rows (column '{labels.name}' is {labels.iloc[0]:g} in all {len(labels):,} rows); "
            f"training needs {needed}."
        )
        raise DataError(message)


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


def _check_share(holdout: float) -> None:
    if not 0 < holdout < 1:
        message = f"The holdout's share must be above 0 and below 1, found {holdout}.{meant_as_share(holdout)}"
        raise DataError(message)


def _first(mask: "pd.Series[bool]") -> int:
    """Number of the first true row, counting from 1."""
    return int(mask.to_numpy().argmax()) + 1

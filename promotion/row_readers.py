"""Readers of the needed columns: of CSV and Parquet files, of several files, of tables in memory."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.data_files import Csv, csv_of, is_parquet
from promotion.data_folders import require_data
from promotion.errors import DataError, UnknownName, require_once
from promotion.number_columns import ColumnType, as_text, fields_of, numbers_of, require_held
from promotion.parquet import parquet_columns, parquet_rows, table_rows
from promotion.parsing import NotConverted, parse
from promotion.row_keys import FIRST_FORM, form_in_use
from promotion.time_columns import times_of, times_of_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def rows_of_path(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Read the columns of a file, or of all files of a folder or a pattern; see `read_rows`."""
    files = require_data(path)
    parts = [_rows_of_file(one, columns) for one in files]
    return parts[0] if len(parts) == 1 else _joined(parts, files)


def rows_in_memory(given: "pd.DataFrame | pa.Table", columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Take the columns of a frame or a table; see `read_rows`.

    Raises:
        DataError: it lacks a column, or a column holds other values.
    """
    import pandas as pd
    import pyarrow as pa

    if not isinstance(given, pd.DataFrame | pa.Table):
        kind = type(given).__name__
        raise DataError(f"Rows must be a path, a pandas DataFrame or a pyarrow Table, but are of type {kind}.")
    what = Path(f"the {type(given).__name__}")
    try:
        table = given if isinstance(given, pa.Table) else _table(what, given, columns)
        _require(what, columns, parquet_columns(table.schema))
        return _converted(what, table_rows(table, list(columns)), columns)
    except pa.ArrowException as error:
        message = f"{what} holds values that a Parquet file cannot ({str(error).splitlines()[0]}). Convert them first."
        raise DataError(message) from error
    except DataError as error:
        error.path = None
        raise


def _table(what: Path, given: "pd.DataFrame", columns: Mapping[str, ColumnType]) -> "pa.Table":
    """Convert the columns as pandas does when it writes a Parquet file; a named index may be one of them."""
    import pyarrow as pa

    index = [name for name in given.index.names if name in columns]
    _require(what, columns, [*map(str, index), *given.columns])
    return pa.Table.from_pandas(given[[name for name in columns if name not in index]], preserve_index=bool(index))


def _rows_of_file(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    if is_parquet(path):
        return _read_parquet(path, columns)
    rows = _read_csv(path, columns)
    for name in (name for name, kind in columns.items() if kind == "time"):
        rows[name] = times_of_text(rows[name], str(path)).series(rows.index)
    return rows[list(columns)]


def _joined(parts: "list[pd.DataFrame]", files: Sequence[Path]) -> "pd.DataFrame":
    """Put the rows of several files one after another, column by column, so that few are in memory twice."""
    import pandas as pd

    names = list(parts[0].columns)
    rows = pd.DataFrame({name: _column([part.pop(name) for part in parts], files) for name in names})
    return rows[names]


def _column(parts: "list[pd.Series[Any]]", files: Sequence[Path]) -> "pd.Series[Any]":
    import pandas as pd
    from pandas.api.types import union_categoricals

    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        if len({part.cat.categories.dtype for part in parts}) == 1:
            return pd.Series(union_categoricals(parts), name=parts[0].name)
        return _column([part.astype(object).infer_objects() for part in parts], files).astype("category")
    joined: pd.Series[Any] = pd.concat(parts, ignore_index=True)
    known = [(part.dtype, file) for part, file in zip(parts, files, strict=True) if part.notna().any()]
    other = next(((kind, file) for kind, file in known if kind != known[0][0]), None)
    if joined.dtype == object and other:
        name, (kind, file) = str(joined.name), known[0]
        raise DataError(
            f"Column '{name}' holds {kind} in {file}, but {other[0]} in {other[1]}. Write both with the same type.",
            path=other[1],
            column=name,
        )
    return joined


def _read_csv(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Read with pyarrow, which rejects rows with too many or too few fields; pandas shifts or fills them silently."""
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
            require_held(path, rows[name], kind, partial(fields_of, file, name))
        elif kind == "key":
            rows[name] = rows[name].mask(rows[name] == "")
        elif kind == "time":
            rows[name] = rows[name].mask(rows[name].isin(arrow_csv.ConvertOptions().null_values))
        elif kind == "text" and "" in rows[name].cat.categories:
            rows[name] = rows[name].cat.remove_categories([""])
    return rows


def _parse_as_once(file: Csv, columns: Mapping[str, ColumnType], types: Mapping[str, Any]) -> "pd.DataFrame":
    """Parse like releases with the first form of keys: pyarrow infers the type of a key column, and `NA` is missing."""
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
    return _converted(path, parquet_rows(path, list(columns)), columns)


def _converted(path: Path, rows: "pd.DataFrame", columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Convert the columns of a table to those of `read_rows`."""
    for name, kind in columns.items():
        if kind in {"number", "exact"}:
            given = rows[name]
            rows[name] = numbers_of(path, given)
            require_held(path, rows[name], kind, partial(as_text, given))
        elif kind == "text":
            rows[name] = _categories(path, rows[name])
        elif kind == "time":
            rows[name] = times_of(rows[name], str(path)).series(rows.index)
    return rows[list(columns)]


def _categories(path: Path, column: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return column.astype("category")
    except TypeError as error:
        message = f"Column '{column.name}' of {path} must hold text or numbers, but also holds other values ({error})."
        raise DataError(message, path=path, column=str(column.name)) from error


def _require(path: Path, columns: Mapping[str, ColumnType], present: Sequence[str]) -> None:
    for name in columns:
        if name not in present:
            raise DataError(no_column(str(path), name, present), path=path, column=name)
        require_once(name, present, str(path))


def no_column(what: str, name: str, present: Sequence[Any], why: str = "which the recipe needs") -> str:
    """Return the message that a column is missing, with the nearest name."""
    other = next((one for one in present if not isinstance(one, str)), None)
    if other is not None:
        near = f"Its column names must be text, but one is of type {type(other).__name__}: {other!r}. Rename them."
    else:
        near = UnknownName("column", name, present).way_out if len(present) < 1000 else ""  # noqa: PLR2004
    return f"{what} has no column '{name}', {why}. {near}".strip()

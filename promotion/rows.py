"""Reading rows from files, by needed columns, and telling in a sentence what is wrong with them.

`read_rows` for a recipe's `load`; `split_by_time` and `split_by_hash` for its `split`. Keys are those of
`promotion.row_keys`, whose `fingerprints` name rows by 64 bits.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promotion.arrow_columns import MAX_EXACT, frame
from promotion.errors import DataError, UnknownName, require_once
from promotion.iso import is_moment
from promotion.row_keys import FIRST_FORM, fingerprints, form_in_use, key_texts
from promotion.seams import Split
from promotion.time_columns import times_of, times_of_text
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

ColumnType = Literal["number", "exact", "text", "key", "time"]
_TAIL_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 23
_SHOWN = 60
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
    if not path.is_file():
        message = f"There is no data file at {path}. Put the file there, or name another with --data."
        raise DataError(message)
    parquet = path.suffix == ".parquet"
    rows = _read_parquet(path, columns) if parquet else _read_csv(path, columns)
    for name in (name for name, kind in columns.items() if kind == "time"):
        rows[name] = (times_of if parquet else times_of_text)(rows[name], str(path)).series(rows.index)
    return rows[list(columns)]


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

    header = _header(path)
    _require(path, columns, header)
    _check_end(path, len(header))
    text = pa.dictionary(pa.int32(), pa.string())
    types = {"number": pa.float64(), "exact": pa.float64(), "text": text, "key": pa.string(), "time": pa.string()}
    try:
        if form_in_use() == FIRST_FORM:
            return _parse_as_once(path, columns, types)
        rows = _parse_csv(path, {name: types[kind] for name, kind in columns.items()})
    except pa.ArrowInvalid as error:
        raise DataError(_explain(path, _column_at_fault(error, header), error)) from error
    for name, kind in columns.items():
        if kind in {"number", "exact"}:
            _require_held(path, rows[name], kind, partial(_fields, path, name))
        elif kind == "key":
            rows[name] = rows[name].mask(rows[name] == "")
        elif kind == "time":
            rows[name] = rows[name].mask(rows[name].isin(arrow_csv.ConvertOptions().null_values))
        elif kind == "text" and "" in rows[name].cat.categories:
            rows[name] = rows[name].cat.remove_categories([""])
    return rows


def _parse_as_once(path: Path, columns: Mapping[str, ColumnType], types: Mapping[str, Any]) -> "pd.DataFrame":
    """As releases before the present form of keys: a key column is what pyarrow takes it for, and `NA` is missing."""
    import pyarrow as pa

    given = {name: None if kind == "key" else types[kind] for name, kind in columns.items()}
    try:
        return _parse_csv(path, given, strings_can_be_null=True)
    except pa.ArrowInvalid as error:
        name = _column_at_fault(error, _header(path))
        if columns.get(name) != "key":
            raise
    return _parse_csv(path, {**given, name: pa.string()}, strings_can_be_null=True)  # numbers first, text later


def _parse_csv(path: Path, types: Mapping[str, Any], *, strings_can_be_null: bool = False) -> "pd.DataFrame":
    """The columns in order, of these types; of a type that pyarrow finds where None is given."""
    from pyarrow import csv as arrow_csv

    convert = arrow_csv.ConvertOptions(
        include_columns=list(types),
        column_types={name: kind for name, kind in types.items() if kind is not None},
        strings_can_be_null=strings_can_be_null,
    )
    read = arrow_csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)  # errors name their row without threads
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
        rows: pd.DataFrame = reader.read_all().to_pandas()
    return rows


def _read_parquet(path: Path, columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _require(path, columns, pq.read_schema(path).names)
        if form_in_use() == FIRST_FORM:
            rows = pd.read_parquet(path, columns=list(columns))
        else:
            rows = frame(pq.read_table(path, columns=list(columns)))
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}). Write the file again."
        raise DataError(message) from error
    for name, kind in columns.items():
        if kind in {"number", "exact"}:
            given = rows[name]
            rows[name] = _numbers(path, given)
            _require_held(path, rows[name], kind, partial(_as_text, given))
        elif kind == "text":
            rows[name] = rows[name].astype("category")
    return rows


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path} is not a CSV file in UTF-8 ({error}). Export it as CSV, or give a .parquet file."
        raise DataError(message) from error
    if not header:
        message = f"{path} is empty; its first line should name the columns."
        raise DataError(message)
    return header


def _require(path: Path, columns: Mapping[str, ColumnType], present: list[str]) -> None:
    for name in columns:
        if name not in present:
            raise DataError(_no_column(str(path), name, present))
        require_once(name, present, str(path))


def _no_column(what: str, name: str, present: list[Any], why: str = "which the recipe needs") -> str:
    other = next((one for one in present if not isinstance(one, str)), None)
    if other is not None:
        near = f"Its columns are named by {type(other).__name__}, such as {other!r}, not by text. Name them by text."
    else:
        near = UnknownName("column", name, present).way_out if len(present) < 1000 else ""  # noqa: PLR2004
    return f"{what} has no column '{name}', {why}. {near}".strip()


def _check_end(path: Path, fields: int) -> None:
    """See that the last row is whole before all is read; one cut short in its last field shows by no line end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    last = tail.rstrip(b"\r\n").rsplit(b"\n", 1)[-1].decode("utf-8", "replace")
    found = len(next(csv.reader([last]), []))
    whole = tail.endswith(b"\n")
    if found != fields or not whole:
        cut = f"its last row has {found} of {fields} fields" if found != fields else "its last row has no line end"
        message = f"{path} seems cut short: {cut}. Copy the file again (or end its last line, if it is whole)."
        raise DataError(message)


def _column_at_fault(error: Exception, header: list[str]) -> str:
    """The column that pyarrow could not convert; an empty name when it was something else."""
    found = re.search(r"In CSV column #(\d+): ", str(error))
    return header[int(found[1])] if found else ""


def _explain(path: Path, column: str, error: Exception) -> str:
    """The sentence for what pyarrow complains of; it counts the header as a row, we do not."""
    told = str(error)
    if value := re.search(r"Row #(\d+): CSV conversion error to double: invalid value '(.*)'", told, re.DOTALL):
        return _no_number(path, column, int(value[1]) - 1, value[2])
    if fields := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", told):
        return f"Row {int(fields[1]) - 1} of {path} has {fields[3]} fields, the header {fields[2]}. Mend the row."
    if "invalid UTF8" in told:
        return f"{path} is not a CSV file in UTF-8. Export it as CSV in UTF-8, or give a .parquet file."
    return f"{path} cannot be read as CSV ({told.strip().splitlines()[0][:200]}). Write the file again."


def _numbers(path: Path, column: "pd.Series[Any]") -> "pd.Series[float]":
    import pandas as pd

    given = column.astype(object) if column.dtype.kind in "mM" else column  # of a moment pandas takes the ticks
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        row = _first(wrong)
        raise DataError(_no_number(path, str(column.name), row, str(column.iloc[row - 1])))
    return numbers


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
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            message = (
                f"Column '{numbers.name}' of {path} holds {shown} in row {row + 1}, which double precision cannot "
                "hold. Scale or shorten the numbers."
            )
            raise DataError(message)


def _fields(path: Path, name: str) -> "pd.Series[Any]":
    import pyarrow as pa

    return _parse_csv(path, {name: pa.string()})[name]


def _as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype(object).map(str)


def _is_lost(text: str, number: float) -> bool:
    if abs(number) == float("inf"):
        return "inf" not in text.lower()
    return text.lstrip("+-").isdecimal() and int(text) != number


def _no_number(path: Path, column: str, row: int, value: str) -> str:
    way_out = ' Read dates and times as "time".' if is_moment(value) else ""
    return f"Column '{column}' of {path} must hold numbers; row {row} holds '{value}'.{way_out}"


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

    numbers = pd.Series(_as_judged(labels))
    if task is Task.BINARY:
        fits, expected = numbers.isin([0, 1]), "hold 0 or 1"
    elif task is Task.MULTICLASS:
        fits, expected = (numbers >= 0) & (numbers % 1 == 0), "hold a class as a whole number from 0 up"
    else:
        fits, expected = numbers.abs() < float("inf"), "hold finite numbers"
    if not fits.all():
        row = _first(~fits)
        value = labels.iloc[row - 1]
        found = "is empty" if pd.api.types.is_scalar(value) and pd.isna(value) else f"holds {str(value)[:_SHOWN]}"
        message = f"Column '{labels.name}' of {what} must {expected}; row {row} {found}."
        raise DataError(message)
    if task is not Task.REGRESSION and numbers.nunique() < 2:  # noqa: PLR2004 - two classes
        kind, needed = "one class of", "several"
        if task is Task.BINARY:
            kind, needed = ("no positive", "only positive")[int(numbers[0])], "both"
        message = (
            f"{what} holds {kind} rows (column '{labels.name}' is {numbers[0]:g} in all {len(labels):,} rows); "
            f"training needs {needed}."
        )
        raise DataError(message)


def _as_judged(labels: "pd.Series[Any]") -> "NDArray[np.float64]":
    """The labels as judging reads them, shape (n_rows,); NaN for what it refuses."""
    import numpy as np

    from promotion.evidence.containers import floats

    try:
        return floats(labels)
    except (TypeError, ValueError):
        return np.concatenate([_or_nan(value) for value in labels])


def _or_nan(value: Any) -> "NDArray[np.float64]":
    import numpy as np

    from promotion.evidence.containers import floats

    held = np.empty(1, dtype=object)
    held[0] = value
    try:
        return floats(held)
    except (TypeError, ValueError):
        return np.array([np.nan])


def _check_share(holdout: float) -> None:
    if not isinstance(holdout, Real) or not 0 < holdout < 1:
        message = f"The holdout's share must be a number above 0 and below 1, found {holdout!r}."
        raise DataError(message)


def _first(mask: "pd.Series[bool]") -> int:
    """Number of the first true row, counting from 1."""
    return int(mask.to_numpy().argmax()) + 1

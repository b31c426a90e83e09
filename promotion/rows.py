"""Reading and splitting of rows: only the needed columns, with errors that name what is wrong.

`read_rows` is for a recipe's `load`; `split_by_time` and `split_by_hash` are for its `split`. Keys are those of
`promotion.row_keys`, which identifies rows by 64-bit `fingerprints`.
"""

from collections.abc import Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from promotion.errors import DataError, require_once
from promotion.interfaces.recipe import Split
from promotion.number_columns import SHOWN, ColumnType, first_of
from promotion.number_format import meant_as_share
from promotion.row_keys import FIRST_FORM, fingerprints, form_in_use, key_texts
from promotion.row_readers import no_column, rows_in_memory, rows_of_path
from promotion.time_columns import times_of
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from promotion.data_files import StrPath


def read_rows(path: "StrPath | pd.DataFrame | pa.Table", columns: Mapping[str, ColumnType]) -> "pd.DataFrame":
    """Read the named columns of a CSV or Parquet file, in the given order.

    Also takes a folder or a pattern (`parts/*.parquet`) of such files, whose rows follow each other
    in the order of the files' names, a pandas DataFrame, or a pyarrow Table. The rows of a frame or
    a table are those that its Parquet file would give.

    A `number` becomes float64, and so does an `exact`, which must not round any integer. A `text`
    becomes a pandas category. A `key` of a CSV file is text, unchanged; that of a Parquet file has
    the file's type, except that UUIDs become text. A `time` becomes int64 or float64 if the file
    has numbers, datetime64 if it has datetimes or ISO 8601 text, in UTC if they give a zone.
    Integers with a missing one are float64; keys, texts and times are `Int64` if float64 would
    round one.

    In a CSV file, only an empty field is a missing key or text (`NA` is a text). For numbers and
    times, `NA`, `NaN`, `null` and similar texts also count as missing.

    Raises:
        DataError: the file is missing, empty or truncated, lacks a column or has two with its name,
            has a row with more or fewer fields than its header, or has a field that is not a
            number, is out of range for float64, or is not a time, as its column requires; or a
            column has different kinds of values in several files.
    """
    _check_kinds(columns)
    if isinstance(path, str) and (not path or "://" in path):
        found = "a URL, which only `data` in the configuration fetches" if path else "an empty text"
        raise DataError(f"Rows must be a path, a pandas DataFrame or a pyarrow Table, but are {found}.")
    if isinstance(path, str | Path):
        return rows_of_path(Path(path), columns)
    return rows_in_memory(path, columns)


def _check_kinds(columns: Mapping[str, ColumnType]) -> None:
    known = get_args(ColumnType)
    if not isinstance(columns, Mapping):
        kind = type(columns).__name__
        raise DataError(f'The columns must be a dict such as {{"id": "key"}}, but are of type {kind}.')
    wrong = next((name for name, kind in columns.items() if kind not in known), None)
    if wrong is not None:
        message = f"Column '{wrong}' must be read as one of {', '.join(known)}, but {columns[wrong]!r} is given."
        raise DataError(message, column=str(wrong))


def require_columns(rows: "pd.DataFrame", names: Iterable[str], what: str, why: str) -> None:
    """Check that the rows have the columns, each once.

    Raises:
        DataError: a column is missing (the message gives the nearest name), or two have its name.
    """
    present = list(rows.columns)
    for name in names:
        if name not in present:
            raise DataError(no_column(what, name, present, why), column=name)
        require_once(name, present, what)


def split_by_time(rows: "pd.DataFrame", *, time: str, holdout: float) -> Split:
    """Put the latest share of the rows into the holdout; rows with the same time stay together.

    Args:
        rows: all rows.
        time: column that orders them: numbers, dates, datetimes, or ISO 8601 text; the same times
            give the same split in each form.
        holdout: share of the rows, above 0 and below 1.

    Raises:
        DataError: there are no rows, or no such column; a time is missing or has another form (such
            as 31/12/2024); only some give a zone; or all rows have the same time.
    """
    _check_share(holdout)
    require_columns(rows, (time,), "The data", "which orders its rows in time")
    times = times_of(rows[time])
    if times.missing.any():
        message = (
            f"Column '{time}' orders the rows in time and must not be empty, but row {times.missing.argmax() + 1} is."
        )
        raise DataError(message, column=time)
    if not len(rows):
        raise DataError(f"There are no rows to split by '{time}'.", column=time)
    place = int(len(rows) * (1 - holdout))
    cut = np.partition(times.points, place)[place]
    late = times.points >= cut
    if late.all():
        message = f"The rows cannot be split by '{time}': too many of them have the same time ({times.written(cut)})."
        raise DataError(message, column=time)
    first = int(late.argmax())
    if late[first:].all():  # rows in order of time: parts of a frame share its memory
        return Split(rows.iloc[:first], rows.iloc[first:])
    return Split(rows[~late], rows[late])


def split_by_hash(rows: "pd.DataFrame", *, key: str, holdout: float) -> Split:
    """Put about this share of the rows into the holdout by their keys: a row keeps its side in every later file.

    Args:
        rows: all rows.
        key: column that identifies the rows; or their groups, such as customers, to keep those
            together.
        holdout: share of the rows, or of the groups, above 0 and below 1.

    Raises:
        DataError: there is no such column, or two with its name; a key is missing or has no text of
            its own; or the share is not between 0 and 1.
    """
    _check_share(holdout)
    require_columns(rows, (key,), "The data", "by which its rows are divided")
    judges = fingerprints(rows[key]) < int(holdout * 2**64)
    return Split(rows[~judges], rows[judges])


def _check_share(holdout: float) -> None:
    if not isinstance(holdout, Real) or not 0 < holdout < 1:
        meant = meant_as_share(holdout) if isinstance(holdout, Real) else ""
        raise DataError(f"The holdout's share must be a number above 0 and below 1, but is {holdout!r}.{meant}")


def check_rows(rows: "pd.DataFrame", *, key: str, label: str, what: str, task: Task = Task.BINARY) -> None:
    """Check that the rows can be used for training or evaluation: unique keys, and labels that fit the task.

    Labels of two classes are 0 and 1, of several 0 to K-1, and more than one class is present; a
    number is finite.

    Raises:
        DataError: they cannot be used; the message names the first row at fault, counting data rows
            from 1.
    """
    require_columns(rows, (key, label), what, "which the recipe needs")
    if len(rows) < 2:  # noqa: PLR2004 - one row to train on and one to evaluate on
        message = f"{what} holds {len(rows)} row{'s' * (len(rows) != 1)}; training and evaluation need at least two."
        raise DataError(message)
    if form_in_use() != FIRST_FORM:  # rows in the first form were checked before they were first used
        _check_keys(rows[key], what)
    _check_labels(rows[label], what, task)


def _check_keys(keys: "pd.Series[Any]", what: str) -> None:
    import pandas as pd

    texts = key_texts(keys)
    if texts.null_count:
        row = first_of(texts.is_null().to_pandas())
        message = f"Column '{keys.name}' identifies the rows of {what} and must not be empty, but row {row} is."
        raise DataError(message, column=str(keys.name))
    is_unique = keys.is_unique if pd.api.types.is_integer_dtype(keys.dtype) else len(texts.unique()) == len(texts)
    if not is_unique:
        again = texts.to_pandas().duplicated()
        row = first_of(again)
        message = (
            f"Column '{keys.name}' identifies the rows of {what} and must be unique, but {int(again.sum()):,} "
            f"of its values repeat an earlier one, first {texts[row - 1]} in row {row}. Remove the repeated rows."
        )
        raise DataError(message, column=str(keys.name))


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
        row = first_of(~fits)
        value = labels.iloc[row - 1]
        found = "is empty" if pd.api.types.is_scalar(value) and pd.isna(value) else f"holds {str(value)[:SHOWN]}"
        message = f"Column '{labels.name}' of {what} must {expected}, but row {row} {found}."
        raise DataError(message, column=str(labels.name))
    if task is not Task.REGRESSION and numbers.nunique() < 2:  # noqa: PLR2004 - two classes
        kind, needed = "one class of", "several"
        if task is Task.BINARY:
            kind, needed = ("no positive", "only positive")[int(numbers[0])], "both"
        message = (
            f"{what} holds {kind} rows (column '{labels.name}' is {numbers[0]:g} in all {len(labels):,} rows); "
            f"training needs {needed}."
        )
        raise DataError(message, column=str(labels.name))


def _as_judged(labels: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return the labels as evaluation reads them, shape (n_rows,); NaN for invalid ones."""
    from promotion.metrics.arrays import floats

    try:
        return floats(labels)
    except (OverflowError, TypeError, ValueError):
        return np.concatenate([_or_nan(value) for value in labels])


def _or_nan(value: Any) -> NDArray[np.float64]:
    from promotion.metrics.arrays import floats

    held = np.empty(1, dtype=object)
    held[0] = value
    try:
        return floats(held)
    except (OverflowError, TypeError, ValueError):
        return np.array([np.nan])

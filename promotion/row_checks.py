"""What rows must hold so that they can train and judge: a key each, labels that fit the task."""

from typing import TYPE_CHECKING, Any

from promotion.errors import DataError
from promotion.row_keys import FIRST_FORM, form_in_use, key_texts
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
from promotion.rows import SHOWN, first_of, require_columns


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


def _check_keys(keys: "pd.Series[Any]", what: str) -> None:
    import pandas as pd

    texts = key_texts(keys)
    if texts.null_count:
        row = first_of(texts.is_null().to_pandas())
        message = f"Column '{keys.name}' names the rows of {what} and must not be empty; row {row} is."
        raise DataError(message)
    is_unique = keys.is_unique if pd.api.types.is_integer_dtype(keys.dtype) else len(texts.unique()) == len(texts)
    if not is_unique:
        again = texts.to_pandas().duplicated()
        row = first_of(again)
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
        row = first_of(~fits)
        value = labels.iloc[row - 1]
        found = "is empty" if pd.api.types.is_scalar(value) and pd.isna(value) else f"holds {str(value)[:SHOWN]}"
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

    from promotion.metrics.containers import floats

    try:
        return floats(labels)
    except (OverflowError, TypeError, ValueError):
        return np.concatenate([_or_nan(value) for value in labels])


def _or_nan(value: Any) -> "NDArray[np.float64]":
    import numpy as np

    from promotion.metrics.containers import floats

    held = np.empty(1, dtype=object)
    held[0] = value
    try:
        return floats(held)
    except (OverflowError, TypeError, ValueError):
        return np.array([np.nan])

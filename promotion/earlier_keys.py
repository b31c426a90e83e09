"""Row keys in the form of releases before `KEY_FORM` 2, so that rows match the records of those releases.

Those releases let pyarrow infer the type of a whole key column, and used the text of the result: `000123` became `123`
in a column of numbers, `123.0` in a column with one fraction, and stayed `000123` in a column with one letter. The form
behind a recorded fingerprint is unknown, so a current row is looked up under each form.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from promotion.row_keys import first_fingerprints, hashes, key_texts

Taken = tuple[NDArray[np.bool_], pa.StringArray]
_INTEGER = r"^\s*(-?)0*(\d+)\s*$"
_HEXADECIMAL = r"^\s*0[xX][0-9a-fA-F]{1,16}\s*$"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_HOUR = r"^\d\d:\d\d$"
_NAIVE = r"^\d{4}-\d\d-\d\d([T ]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?)?$"
_AWARE = _NAIVE.replace("$", r"(Z|[+-]\d\d(:?\d\d)?)$")
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds per unit of the texts of a column of times: to the second if all are whole, else 3, 6 or 9 digits."""


def possible_first_fingerprints(keys: "pd.Series[Any]") -> tuple[NDArray[np.uint64], ...]:
    """Return the other fingerprints that those releases may have made of these keys, each of shape (n_rows,).

    Each array is for one type that pyarrow may have inferred for a whole column: its own, or text, integers, numbers
    with a fraction among them, times of day, or datetimes to the day, second, millisecond and so on. Where such a
    column cannot hold a row's key, the array has its current fingerprint. Types that change no key are omitted.
    """
    texts = key_texts(keys)
    today = hashes(texts)
    own = [] if _is_text(keys) else [first_fingerprints(keys)]
    others = (_changed(today, texts, *taken) for taken in _possible(_as_written(keys)))
    found = [today]
    for one in (*own, *others):
        if one is not None and not any(np.array_equal(one, each) for each in found):
            found.append(one)
    return tuple(found[1:])


def _changed(
    today: NDArray[np.uint64], texts: pa.StringArray, rows: NDArray[np.bool_], others: pa.StringArray
) -> NDArray[np.uint64] | None:
    """Return the current fingerprints, replaced where the texts differ; None if no text differs."""
    differ = pc.not_equal(others, texts.filter(pa.array(rows)))
    if not pc.any(differ).as_py():
        return None
    changed = today.copy()
    changed[_among(rows, np.asarray(differ))] = hashes(others.filter(differ))
    return changed


def _is_text(keys: "pd.Series[Any]") -> bool:
    return isinstance(keys.dtype, pd.StringDtype)


def _as_written(keys: "pd.Series[Any]") -> pa.StringArray:
    """Return text unchanged, and other values as their current key text."""
    if _is_text(keys):
        return pa.array(keys.astype(object), pa.string(), from_pandas=True)
    return key_texts(keys)


def _possible(texts: pa.StringArray) -> Iterator[Taken]:
    """Yield, for each column type, the mask of rows that it can hold, and the resulting texts."""
    yield ~np.asarray(texts.is_null().to_numpy(zero_copy_only=False)), texts.drop_null()
    yield from _integers(texts)
    yield from _fractions(texts)
    hours = _matching(texts, _HOUR)
    yield hours, pc.binary_join_element_wise(texts.filter(pa.array(hours)), ":00", "")
    yield from _moments(texts, _NAIVE, "")
    yield from _moments(texts, _AWARE, "+00:00")


def _integers(texts: pa.StringArray) -> Iterator[Taken]:
    rows = _matching(texts, _INTEGER)
    digits = pc.replace_substring_regex(texts.filter(pa.array(rows)), _INTEGER, r"\1\2")
    yield rows, pc.if_else(pc.equal(digits, "-0"), "0", digits)
    rows = _matching(texts, _HEXADECIMAL)
    yield rows, pa.array([str(_signed(int(one, 16))) for one in texts.filter(pa.array(rows)).to_pylist()], pa.string())


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _fractions(texts: pa.StringArray) -> Iterator[Taken]:
    """Yield the numbers as in a column of integers only, and as in a column with a fraction."""
    rows = _matching(texts, _NUMBER)
    values = np.asarray(pc.cast(pc.utf8_trim_whitespace(texts.filter(pa.array(rows))), pa.float64()))
    whole = values % 1 == 0
    with np.errstate(invalid="ignore"):  # numbers out of range became the lowest 64-bit integer
        yield _among(rows, whole), pa.array(values[whole].astype(np.int64)).cast(pa.string())
    yield rows, pa.array(list(map(str, values.tolist())), pa.string())


def _moments(texts: pa.StringArray, pattern: str, zone: str) -> Iterator[Taken]:
    rows = _matching(texts, pattern)
    given = texts.filter(pa.array(rows)).to_pylist()
    moments = pd.to_datetime(pd.Series(given, dtype=object), format="ISO8601", errors="coerce", utc=True)
    nanoseconds = moments.dt.tz_localize(None).astype("datetime64[ns]").to_numpy()
    valid = ~np.isnat(nanoseconds)
    days = valid & (nanoseconds == nanoseconds.astype("datetime64[D]"))
    if not zone:
        yield _among(rows, days), pa.array(nanoseconds[days].astype("datetime64[D]")).cast(pa.string())
    for unit, step in _UNITS.items():
        held = valid & (nanoseconds.astype(np.int64) % step == 0)
        written = pa.array(nanoseconds[held].astype(f"datetime64[{unit}]")).cast(pa.string())
        yield _among(rows, held), pc.binary_join_element_wise(written, zone, "")


def _matching(texts: pa.StringArray, pattern: str) -> NDArray[np.bool_]:
    """Return the mask of the texts that match, shape (n_rows,)."""
    found: NDArray[np.bool_] = pc.fill_null(pc.match_substring_regex(texts, pattern), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return found


def _among(rows: NDArray[np.bool_], some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask of all rows for a mask of those that `rows` selects."""
    found = rows.copy()
    found[rows] = some
    return found

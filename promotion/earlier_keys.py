"""Row keys as releases before `KEY_FORM` 2 took them, so that what they recorded still finds its rows.

They let pyarrow guess the type of a whole key column, and took the text of what came out: `000123` became `123` in a
column of numbers, `123.0` in a column with one fraction, and stayed `000123` in a column with one letter. Nobody can
know today which of these a recorded fingerprint was made of, so a row of today is looked up under each.
"""

from typing import TYPE_CHECKING, Any

from promotion.row_keys import first_fingerprints, hashes, key_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    Taken = tuple["NDArray[np.bool_]", "pa.StringArray"]

_INTEGER = r"^\s*(-?)0*(\d+)\s*$"
_HEXADECIMAL = r"^\s*0[xX][0-9a-fA-F]{1,16}\s*$"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_HOUR = r"^\d\d:\d\d$"
_NAIVE = r"^\d{4}-\d\d-\d\d([T ]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?)?$"
_AWARE = _NAIVE.replace("$", r"(Z|[+-]\d\d(:?\d\d)?)$")
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""How a whole column of moments was written: to the second where all have whole ones, else to 3, 6 or 9 digits."""


def possible_first_fingerprints(keys: "pd.Series[Any]") -> "tuple[NDArray[np.uint64], ...]":
    """What those releases can have made of these keys beside today's fingerprints, each of shape (n_rows,).

    Each is for one type that a whole column can have been taken for: its own, or text, whole numbers, numbers with a
    fraction among them, times, or moments written to the day, second, millisecond and so on. A row whose key no such
    column can hold has its fingerprint of today there. A type that changes no key is left out.
    """
    import numpy as np

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
    today: "NDArray[np.uint64]", texts: "pa.StringArray", rows: "NDArray[np.bool_]", others: "pa.StringArray"
) -> "NDArray[np.uint64] | None":
    """Today's fingerprints with those of other texts in their rows; None where the texts are today's."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    differ = pc.not_equal(others, texts.filter(pa.array(rows)))
    if not pc.any(differ).as_py():
        return None
    changed = today.copy()
    changed[_among(rows, np.asarray(differ))] = hashes(others.filter(differ))
    return changed


def _is_text(keys: "pd.Series[Any]") -> bool:
    import pandas as pd

    return isinstance(keys.dtype, pd.StringDtype)


def _as_written(keys: "pd.Series[Any]") -> "pa.StringArray":
    """Text letter by letter; what is no text, by its text of today."""
    import pyarrow as pa

    if _is_text(keys):
        return pa.array(keys.astype(object), pa.string(), from_pandas=True)
    return key_texts(keys)


def _possible(texts: "pa.StringArray") -> "Iterator[Taken]":
    """For each type of column, the rows that it can hold, a mask, and the texts that these came to."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    yield ~np.asarray(texts.is_null().to_numpy(zero_copy_only=False)), texts.drop_null()
    yield from _integers(texts)
    yield from _fractions(texts)
    hours = _matching(texts, _HOUR)
    yield hours, pc.binary_join_element_wise(texts.filter(pa.array(hours)), ":00", "")
    yield from _moments(texts, _NAIVE, "")
    yield from _moments(texts, _AWARE, "+00:00")


def _integers(texts: "pa.StringArray") -> "Iterator[Taken]":
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = _matching(texts, _INTEGER)
    digits = pc.replace_substring_regex(texts.filter(pa.array(rows)), _INTEGER, r"\1\2")
    yield rows, pc.if_else(pc.equal(digits, "-0"), "0", digits)
    rows = _matching(texts, _HEXADECIMAL)
    yield rows, pa.array([str(_signed(int(one, 16))) for one in texts.filter(pa.array(rows)).to_pylist()], pa.string())


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _fractions(texts: "pa.StringArray") -> "Iterator[Taken]":
    """Numbers in a column that holds whole ones alone, and in one that holds a fraction."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = _matching(texts, _NUMBER)
    values = np.asarray(pc.cast(pc.utf8_trim_whitespace(texts.filter(pa.array(rows))), pa.float64()))
    whole = values % 1 == 0
    with np.errstate(invalid="ignore"):  # too large a number became the lowest that 64 bits hold
        yield _among(rows, whole), pa.array(values[whole].astype(np.int64)).cast(pa.string())
    yield rows, pa.array(list(map(str, values.tolist())), pa.string())


def _moments(texts: "pa.StringArray", pattern: str, zone: str) -> "Iterator[Taken]":
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

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


def _matching(texts: "pa.StringArray", pattern: str) -> "NDArray[np.bool_]":
    """Which texts match, shape (n_rows,)."""
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.fill_null(pc.match_substring_regex(texts, pattern), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return found


def _among(rows: "NDArray[np.bool_]", some: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Of the rows of a mask, some."""
    found = rows.copy()
    found[rows] = some
    return found

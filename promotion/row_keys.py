"""Row keys: the canonical text of a key, and the fingerprint of that text.

    key column of any type -> key_texts (one text per row) -> fingerprints (64 bits per row)

A row's text depends only on its own key, never on other rows of the column, so a row has the same fingerprint in every
file that contains it. docs/adr/0019 explains why, and what an earlier release did.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from promotion.arrow_columns import without_extension_types
from promotion.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

FIRST_FORM = 1
"""Used by releases in which pyarrow inferred the type of a whole key column, and assumed if a record names no form."""

KEY_FORM = 2
"""The current form, in which the text of a key does not depend on other keys."""

_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_ZONE = r"Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?"
MOMENT = rf"^({_DATE})[T ]({_CLOCK})(?:(:[0-5]\d)(\.\d{{1,9}})?)?({_ZONE})?$"
"""ISO 8601 date and time; groups: date, hour and minute, `:seconds`, `.fraction`, zone."""
_MOMENT = re.compile(MOMENT)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # except tabs and line ends


@dataclass(frozen=True)
class KnownRows:
    """Fingerprints of the training rows: sorted, shape (n_training_rows,), made of keys in this form.

    If groups are requested, also fingerprints of their groups: sorted, shape (n_groups,).
    """

    fingerprints: "NDArray[np.uint64]"
    form: int = KEY_FORM
    groups: "NDArray[np.uint64] | None" = None


_HASHED_AT_ONCE = 50_000  # texts, each of which becomes an object of Python
_form: ContextVar[int] = ContextVar("key form", default=KEY_FORM)


def form_in_use() -> int:
    """Return the current form for reading rows and making fingerprints: `KEY_FORM`, unless within `keys_in`."""
    return _form.get()


@contextmanager
def keys_in(form: int) -> Iterator[None]:
    """Read rows and make fingerprints in this form, to recompute decisions of earlier releases."""
    token = _form.set(form)
    try:
        yield
    finally:
        _form.reset(token)


def fingerprints(keys: "pd.Series[Any]") -> "NDArray[np.uint64]":
    """Return 64-bit fingerprints of row keys, shape (n_rows,), from their texts; see `key_texts`.

    Two different keys among a million share a fingerprint with probability 3e-8.

    Raises:
        DataError: a key is missing, or has no text of its own.
    """
    if form_in_use() == FIRST_FORM:
        return first_fingerprints(keys)
    texts = key_texts(keys)
    if texts.null_count:
        row = int(texts.is_null().to_numpy(zero_copy_only=False).argmax()) + 1
        message = f"Column '{keys.name}' identifies the rows and must not be empty, but row {row} is."
        raise DataError(message, column=str(keys.name))
    return hashes(texts)


def first_fingerprints(keys: "pd.Series[Any]") -> "NDArray[np.uint64]":
    """Return the fingerprints that releases with the first form made of a column, shape (n_rows,)."""
    import pandas as pd

    if pd.api.types.is_float_dtype(keys) and (keys % 1 == 0).all():
        keys = keys.astype("int64")
    return pd.util.hash_array(keys.astype(str).to_numpy(dtype=object), categorize=False)


def hashes(texts: "pa.StringArray") -> "NDArray[np.uint64]":
    """Return 64-bit hashes of texts, shape (n_rows,); the same on every machine and in every release."""
    import numpy as np
    import pandas as pd

    parts = (texts.slice(start, _HASHED_AT_ONCE) for start in range(0, max(len(texts), 1), _HASHED_AT_ONCE))
    return np.concatenate([pd.util.hash_array(part.to_numpy(zero_copy_only=False), categorize=False) for part in parts])


def key_texts(keys: "pd.Series[Any]") -> "pa.StringArray":
    """Return the text of each key, shape (n_rows,); null if missing (None, NaN, NaT, NA, an empty text).

    - Text is unchanged, except for ISO 8601 dates with times: `T` becomes a space, seconds are written, trailing zeros
      of a fraction are removed, a time with a zone is in UTC (`+00:00`), and midnight without a
      zone is the date alone.
    - Integers of any width, and whole floating-point numbers, are their digits. Other floating-point numbers are the
      shortest decimal that reads back as the same number.
    - A `Decimal` is written with all its digits, a boolean as `True` or `False`.
    - Dates and datetimes are ISO 8601, as above.
    - Bytes are the UTF-8 text they contain; if invalid or with control characters, their hexadecimal digits.
    - A UUID is its hyphenated text, also in Arrow's type for it; anything else is its `str`.

    Raises:
        DataError: a floating-point number is infinite or so large that it represents several
            integers; a text is not valid Unicode; a value has no text of its own.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(keys.dtype, pd.CategoricalDtype):
        try:
            names = key_texts(keys.cat.categories.to_series(name=keys.name))
        except DataError:  # an unused category, which is not a row
            return key_texts(keys.astype(keys.cat.categories.dtype))
        codes = keys.cat.codes.to_numpy()
        return names.take(pa.array(codes, mask=codes < 0))
    texts = _texts(keys)
    if pd.api.types.is_integer_dtype(keys.dtype):
        return texts
    if pc.any(pc.equal(texts, "")).as_py():
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if not pc.any(pc.match_substring(texts, ":")).as_py():  # many times faster than the pattern, which requires a colon
        return texts
    moments = pc.fill_null(pc.match_substring_regex(texts, MOMENT), fill_value=False)
    forms = [_moment(one) for one in texts.filter(moments).to_pylist()]
    return pc.replace_with_mask(texts, moments, pa.array(forms, pa.string()))


def _texts(keys: "pd.Series[Any]") -> "pa.StringArray":
    """Return the texts of the values, with datetimes not yet in canonical form."""
    import pandas as pd
    import pyarrow as pa

    if pd.api.types.is_float_dtype(keys.dtype):
        return _float_texts(keys)
    try:
        if pd.api.types.is_object_dtype(keys.dtype):
            return _joined(pa.array(keys, pa.string(), from_pandas=True))
        column = without_extension_types(_joined(pa.array(keys, from_pandas=True)))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _each(keys.name, keys.astype(object))
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        texts = column.cast(pa.timestamp(kind.unit)).cast(pa.string())
        return _with_zone(texts) if kind.tz else texts
    return _each(keys.name, column.to_pylist() if pa.types.is_boolean(kind) else keys.astype(object))


def _joined(column: "pa.Array | pa.ChunkedArray") -> "pa.Array":
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _with_zone(texts: "pa.StringArray") -> "pa.StringArray":
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(texts, "Z", "")


def _float_texts(keys: "pd.Series[Any]", first: int = 1) -> "pa.StringArray":
    """Return the texts of a floating-point column; `first` is the number of its first row."""
    import numpy as np
    import pyarrow as pa

    missing = keys.isna().to_numpy(dtype=bool)
    values = keys.to_numpy(dtype=getattr(keys.dtype, "numpy_dtype", None), na_value=np.nan)
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    whole = np.mod(values, 1, where=np.isfinite(values), out=np.ones_like(values)) == 0
    limit = 2 ** (np.finfo(values.dtype).nmant + 1)
    vague = ~missing & (~np.isfinite(values) | (np.abs(values) >= limit))
    if vague.any():
        row = int(vague.argmax())
        message = (
            f"Column '{keys.name}' identifies the rows, but holds {values[row]!s} in row {row + first}, a "
            f"floating-point number ({values.dtype}). From {limit:,} up, such a number can stand for several ids. "
            "Store the ids as whole numbers or as text."
        )
        raise DataError(message, column=str(keys.name))
    integers = np.where(whole, values, 0).astype(np.int64)
    texts = pa.array(integers, mask=missing).cast(pa.string())
    broken = ~whole & ~missing
    if not broken.any():
        return texts
    import pyarrow.compute as pc

    return pc.replace_with_mask(texts, pa.array(broken), pa.array([str(one) for one in values[broken]]))


def _each(name: object, values: Iterable[Any]) -> "pa.StringArray":
    import pyarrow as pa

    texts = [_text(name, value, row) for row, value in enumerate(values, start=1)]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError as error:
        held = f"{error.object!r:.60}"
        message = f"Column '{name}' identifies the rows, but holds {held}, which is not valid Unicode. Correct the ids."
        raise DataError(message, column=str(name)) from error


def _text(name: object, value: Any, row: int) -> str | None:
    """Return one value's text; it is the same in a float column and among values of other types."""
    import numpy as np
    import pandas as pd

    text: str | None
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, float | np.floating):
        column = pd.Series([value], name=name, dtype=getattr(value, "dtype", np.float64))
        text = _float_texts(column, row)[0].as_py()
        return text
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        return text_of_bytes(bytes(value))
    if str(value) == object.__repr__(value):
        message = f"Column '{name}' identifies the rows, but holds {value!r:.60}, which is not text. Store ids as text."
        raise DataError(message, column=str(name))
    return str(value)


def text_of_bytes(value: bytes) -> str:
    """Return the UTF-8 text of bytes; their hexadecimal digits if invalid or with control characters."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return value.hex() if _CONTROL.search(text) else text


def _moment(text: str) -> str:
    """Return the canonical form of an ISO 8601 date with a time."""
    found = _MOMENT.fullmatch(text)
    assert found is not None  # noqa: S101 - the caller has matched it
    date, clock, seconds, fraction, zone = found.groups()
    seconds, fraction = seconds or ":00", (fraction or "").rstrip("0").rstrip(".")
    if zone is None:
        time = f"{clock}{seconds}{fraction}"
        return date if time == "00:00:00" else f"{date} {time}"
    try:
        moment = datetime.fromisoformat(f"{date} {clock}{seconds}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):  # February 30, or before the year 1
        return text
    return f"{moment.replace(tzinfo=None).isoformat(' ')}{fraction}+00:00"

"""Canonical JSON of values, and digests: one text per value, so that equal values have equal hashes.

Keys are sorted, separators have no spaces, floats use Python's shortest form that reads back exactly, and NaN is
an error: the ledger stores only values with an exact text.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainSerializer, TypeAdapter

T = TypeVar("T")

NumberOrText = Annotated[float | str, PlainSerializer(lambda value: value if isinstance(value, str) else float(value))]
"""A number or text; numbers are serialised like a field of type `float`: 1000 as 1000.0."""

LATER: Any = Field(exclude_if=lambda value: value is None)
"""Marks a field that earlier releases did not have, `Annotated[float | None, LATER] = None`. It is omitted if None,
so values written by earlier releases keep their text and their digest.
"""


def plain(value: object) -> Any:
    """Convert a value (frozen dataclasses, enums, tuples, numbers) to dicts, lists, strings, numbers and None."""
    return _adapter(type(value)).dump_python(value, mode="json")


def restore(kind: type[T], data: object) -> T:
    """Restore a value of the given kind from the data that `plain` returned.

    Raises:
        pydantic.ValidationError: the data does not describe such a value.
    """
    restored: T = _adapter(kind).validate_python(data)
    return restored


def canonical_json(data: object) -> str:
    """Return the canonical JSON text of plain data.

    Raises:
        ValueError: the data contains NaN or infinity.
    """
    return _ENCODER.encode(data)


def digest(data: object) -> str:
    """Return SHA-256 of the canonical JSON of plain data, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)

"""Values to canonical JSON and back, and their digests: one text per value, so that equal values hash equally.

Keys are sorted, separators have no spaces, floats are Python's shortest form that reads back exactly, and NaN is
refused: what cannot be written down exactly does not enter the ledger.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainSerializer, TypeAdapter

T = TypeVar("T")

NumberOrText = Annotated[float | str, PlainSerializer(lambda value: value if isinstance(value, str) else float(value))]
"""Written as a field of `float` alone is: 1000 as 1000.0."""

LATER: Any = Field(exclude_if=lambda value: value is None)
"""Marks a field that earlier releases did not have, `Annotated[float | None, LATER] = None`: at None it is left out, so
that what they wrote keeps its text and its digest.
"""


def plain(value: object) -> Any:
    """The value (frozen dataclasses, enums, tuples, numbers) as dicts, lists, strings, numbers and None."""
    return _adapter(type(value)).dump_python(value, mode="json")


def restore(kind: type[T], data: object) -> T:
    """The value of the given kind that `plain` turned into this data.

    Raises:
        pydantic.ValidationError: the data does not describe such a value.
    """
    restored: T = _adapter(kind).validate_python(data)
    return restored


def canonical_json(data: object) -> str:
    """The one JSON text of plain data.

    Raises:
        ValueError: the data holds NaN or an infinity.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(data: object) -> str:
    """SHA-256 of the canonical JSON of plain data, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)

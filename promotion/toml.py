"""Reading of TOML, with errors that name the key at fault."""

import dataclasses
import tomllib
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from promotion.canonical import NumberOrText
from promotion.durations import span_of
from promotion.errors import ConfigError
from promotion.secrets import without_password


class EnvironmentText(str):
    """A value of an environment variable, in which numbers are always text."""

    __slots__ = ()


def _unquoted(value: object) -> object:
    """Check that a number is not a boolean or text from a file."""
    if isinstance(value, bool) or (isinstance(value, str) and not isinstance(value, EnvironmentText)):
        raise ValueError("Input should be a number, without quotes")  # noqa: TRY004 - pydantic reports a ValueError
    return value


Number = Annotated[float, BeforeValidator(_unquoted)]
"""A number, which a file must give without quotes."""
WholeNumber = Annotated[int, BeforeValidator(_unquoted)]
"""An integer, which a file must give without quotes."""
Span = Annotated[NumberOrText, BeforeValidator(span_of)]
"""A number in a column's own unit, or a duration; see `span_of`."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read the file's tables.

    Raises:
        ConfigError: it cannot be read, is not TOML, or contains a NUL character, which is invalid
            in paths and names.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        texts = set(_texts(tables))
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, not UTF-8, or a number too long
        raise ConfigError(f"{path} is not valid TOML: {error}.", path=path) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}).", path=path) from error
    if any("\0" in text for text in texts):
        message = f"{path} contains a NUL character (\\u0000), which paths, URLs and names cannot contain. Remove it."
        raise ConfigError(message, path=path)
    return tables


def sentences(error: ValidationError, root: type[Any], where: str) -> str:
    """Describe each error in a sentence that names the key, and for an unknown key the nearest known one.

    A key that is missing because it is misspelt is reported once.
    """
    faults = error.errors()
    misspelt = {(*fault["loc"][:-1], _nearest(fault, root)) for fault in faults if fault["type"] in _UNKNOWN}
    sentence = (fault for fault in faults if not (fault["type"] in _MISSING and fault["loc"] in misspelt))
    return " ".join(_sentence(fault, root, where) for fault in sentence)


def key_at_fault(error: ValidationError) -> str | None:
    """Return the only key at fault, with those of its tables: `models.toy.policy`; None if several are."""
    places = {".".join(map(str, fault["loc"])) for fault in error.errors()}
    return places.pop() or None if len(places) == 1 else None


_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING = {"missing", "missing_argument"}
_TABLE = "Input should be a table, { key = value }"
_EXPECTED = {
    "tuple_type": "Input should be a list, [ … ]",
    "dataclass_type": _TABLE,
    "dict_type": _TABLE,
    "model_type": _TABLE,
}
"""TOML's terms for pydantic's Python terms."""


def _sentence(fault: Any, root: type[Any], where: str) -> str:
    place = fault["loc"]
    key, inside = str(place[-1]) if place else "", _inside(place[:-1])
    if fault["type"] in _UNKNOWN:
        near = _nearest(fault, root)
        hint = f"did you mean '{near}'?" if near else f"known are {', '.join(_known_keys(root, place[:-1]))}."
        return f"{where} has an unknown key '{key}'{inside}; {hint}"
    if fault["type"] in _MISSING:
        return f"{where} is missing the key '{key}'{inside}."
    expected = _EXPECTED.get(fault["type"], fault["msg"]).removeprefix("Value error, ")
    given = fault["input"]
    is_secret = "signing_key" in place or (isinstance(given, dict) and "url" in given)
    found = "a value that is not shown" if is_secret else without_password(repr(given))
    named = f", '{key}'{inside}" if place else ""
    return f"{where}{named}: {expected}, found {found}."


def _texts(value: object) -> Iterator[str]:
    """Yield every key and every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _inside(place: tuple[int | str, ...]) -> str:
    """Describe where a key is: ` in [models.toy.policy]`, or in a list ` in policy.slices[0]`, counted from 0."""
    if not place:
        return ""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return f" in {path}" if any(isinstance(part, int) for part in place) else f" in [{path}]"


def _nearest(fault: Any, root: type[Any]) -> str:
    """Return the most similar known key; empty if none is similar."""
    *table, key = fault["loc"]
    return next(iter(get_close_matches(str(key), _known_keys(root, tuple(table)), n=1, cutoff=0.5)), "")


def _known_keys(kind: Any, place: tuple[int | str, ...]) -> list[str]:
    """Return the valid keys of the table at `place`, found through the types of the settings."""
    for part in place:
        kind = _inner(_fields(kind).get(str(part), kind))
    return [name for name in _fields(kind) if name != "root"]


def _fields(kind: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return {name: field.annotation for name, field in getattr(kind, "model_fields", {}).items()}


def _inner(kind: Any) -> Any:
    """Return the value type of a dict, tuple or optional; otherwise the type itself."""
    arguments = [argument for argument in typing.get_args(kind) if argument not in {type(None), Ellipsis, str}]
    return arguments[0] if arguments else kind

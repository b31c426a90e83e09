"""Reading TOML, and telling in sentences what is wrong with its keys and values."""

import dataclasses
import tomllib
import typing
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from promotion.errors import ConfigError
from promotion.secrets import without_password


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not valid TOML: {error}."
        raise ConfigError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})."
        raise ConfigError(message) from error


def sentences(error: ValidationError, root: type[Any], where: str) -> str:
    """Each fault as a sentence that names the key, and the nearest known one where it is unknown."""
    return " ".join(_sentence(fault, root, where) for fault in error.errors())


def _sentence(fault: Any, root: type[Any], where: str) -> str:
    place = fault["loc"]
    table, key = ".".join(str(part) for part in place[:-1]), str(place[-1]) if place else ""
    inside = f" in [{table}]" if table else ""
    if fault["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        near = get_close_matches(key, _known_keys(root, place[:-1]), n=1, cutoff=0.5)
        known = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(_known_keys(root, place[:-1]))}."
        return f"{where} has an unknown key '{key}'{inside}; {known}"
    if fault["type"] in {"missing", "missing_argument"}:
        return f"{where} lacks the key '{key}'{inside}."
    return f"{where}, '{key}'{inside}: {fault['msg']}, found {without_password(repr(fault['input']))}."


def _known_keys(kind: Any, place: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at `place` takes, found along the types of the settings."""
    for part in place:
        kind = _inner(_fields(kind).get(str(part), kind))
    return [name for name in _fields(kind) if name != "root"]


def _fields(kind: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return {name: field.annotation for name, field in getattr(kind, "model_fields", {}).items()}


def _inner(kind: Any) -> Any:
    """The value type of a dict, tuple or optional; the type itself otherwise."""
    arguments = [argument for argument in typing.get_args(kind) if argument not in {type(None), Ellipsis, str}]
    return arguments[0] if arguments else kind

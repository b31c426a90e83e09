"""Settings in environment variables. This module, and with it pydantic-settings, is imported only if one is set."""

from typing import TYPE_CHECKING, Any, cast

from pydantic_settings import EnvSettingsSource

from promotion.toml import EnvironmentText

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_settings import BaseSettings


def with_environment(given: dict[str, Any], settings: "type[BaseModel]", prefix: str) -> dict[str, Any]:
    """Return the given settings, overridden by the environment: `PREFIX` and the keys, joined by two underscores.

    Environment variables give numbers as text; in a file, a number in quotes is an error.

    Raises:
        ValueError: the value of a table is not JSON.
        RecursionError: it nests too deeply.
    """
    source = EnvSettingsSource(cast("type[BaseSettings]", settings), env_prefix=prefix, env_nested_delimiter="__")
    merged: dict[str, Any] = _merged(given, _marked(source()))
    return merged


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in value]
    return EnvironmentText(value) if isinstance(value, str) else value


def _merged(given: Any, over: Any) -> Any:
    """Return tables merged key by key; of other values, the overriding one."""
    if not (isinstance(given, dict) and isinstance(over, dict)):
        return over
    return {**given, **{key: _merged(given[key], value) if key in given else value for key, value in over.items()}}

"""A model's rows as the result of a Prefect task: stored by reference, read back from the cache in `caching`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promotion.canonical import digest
from promotion.interfaces import Recipe
from promotion.registry.loaded import Data
from registry_flows.under_prefect.caching import KeptRows
from registry_flows.under_prefect.session import registry


class NotKept(Exception):
    """Prefect still has the result, but the rows that it refers to are gone: the task runs again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A recipe and its rows. Its pickle holds the request and the key of the rows, not the rows.

    Attributes:
        recipe: as configured, with the options of this training.
        data: the rows.
        asked: model, file and options.
        key: key of the rows; None if they cannot be cached.
    """

    recipe: Recipe
    data: Data
    asked: tuple[str, str | None, dict[str, Any]]
    key: str | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Return a function and its arguments, as pickle requires."""
        return (recalled, (*self.asked, self.key))


def read(model: str, data_path: str | None, options: Mapping[str, Any]) -> Loaded:
    """Read or recall the model's recipe and rows.

    Raises:
        ConfigError: the recipe is not valid, or the policy cannot judge its models.
        DataError: the rows cannot be read or used.
    """
    registry().reader.fits(model, options)
    recipe, data = registry().reader.load(model, data_path, options=options)
    key = registry().reader.key(model, data_path, options=options)
    return Loaded(recipe=recipe, data=data, asked=(model, data_path, dict(options)), key=key)


def recalled(model: str, data_path: str | None, options: dict[str, Any], key: str | None) -> Loaded:
    """Return what was loaded before, without reading the data file's rows.

    Raises:
        NotKept: the rows are not cached, or file, recipe or code have changed.
    """
    kept = registry().reader.recall
    if key is None or not isinstance(kept, KeptRows) or not kept.holds(key):
        raise NotKept(key)
    if registry().reader.key(model, data_path, options=options) != key:
        raise NotKept(key)
    return read(model, data_path, options)


def rows_key(_context: Any, asked: dict[str, Any]) -> str | None:
    """Return Prefect's cache key of `load_data`; None if it must read each time.

    Also None if the data cannot be read: the task then runs and reports the reason.
    """
    model, data_path, options = asked["model"], asked["data_path"], asked["options"] or {}
    key = registry().reader.key(model, data_path, options=options)
    return digest([key, model, data_path]) if key else None

"""The rows of a model as the value of a Prefect task: kept by reference, read back from where `caching` keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promotion.canonical import digest
from promotion.registry.reading import Data
from promotion.seams import Recipe
from registry_flows.under_prefect.caching import KeptRows
from registry_flows.under_prefect.session import registry


class NotKept(Exception):
    """Prefect still has the result, and the rows that it names are gone: the task runs again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A recipe and its rows. Pickled, it is what they were asked for with and the key of the rows, not the rows.

    Attributes:
        recipe: as configured, with the options of this training.
        data: the rows.
        asked: model, file and options.
        key: of the rows; None where they cannot be kept.
    """

    recipe: Recipe
    data: Data
    asked: tuple[str, str | None, dict[str, Any]]
    key: str | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Python's pickle asks for a function and its arguments."""
        return (recalled, (*self.asked, self.key))


def read(model: str, data_path: str | None, options: Mapping[str, Any]) -> Loaded:
    """The model's recipe and rows, read or recalled.

    Raises:
        DataError: the rows cannot be read or used.
    """
    recipe, data = registry().load(model, data_path, options=options)
    key = registry().rows_key(model, data_path, options=options)
    return Loaded(recipe=recipe, data=data, asked=(model, data_path, dict(options)), key=key)


def recalled(model: str, data_path: str | None, options: dict[str, Any], key: str | None) -> Loaded:
    """What was loaded before, without reading the data file's rows.

    Raises:
        NotKept: the rows are not there, or file, recipe or code are others now.
    """
    kept = registry().recall
    if key is None or not isinstance(kept, KeptRows) or not kept.holds(key):
        raise NotKept(key)
    if registry().rows_key(model, data_path, options=options) != key:
        raise NotKept(key)
    return read(model, data_path, options)


def rows_key(_context: Any, asked: dict[str, Any]) -> str | None:
    """Prefect's cache key of `load_data`; None where it must read each time.

    What cannot be read has none either: the task then runs and says why.
    """
    model, data_path, options = asked["model"], asked["data_path"], asked["options"] or {}
    key = registry().rows_key(model, data_path, options=options)
    return digest([key, model, data_path]) if key else None

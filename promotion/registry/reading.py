"""The recipe that the configuration names, and the rows that it reads."""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.config import ModelConfig
from promotion.errors import ConfigError, DataError, as_data_error
from promotion.rows import check_rows, file_digest
from promotion.seams import Recipe

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Data:
    """A file's rows and the digest of its bytes; `name` is the path as it is recorded."""

    rows: "pd.DataFrame"
    name: str
    digest: str


def load_rows(recipe: Recipe, path: Path, name: str) -> Data:
    """Read a recipe's rows and see that they can train and judge.

    Raises:
        DataError: they cannot, or the recipe failed to read them.
    """
    with as_data_error(f"The recipe could not load {path}"):
        rows = recipe.load(path)
    check_rows(rows, key=recipe.key, label=recipe.label, what=str(path))
    return Data(rows=rows, name=name, digest=file_digest(path))


class Reader:
    """Reads the rows of a recipe; the last ones are kept, so that training and judging read their file once.

    Args:
        root: the folder that relative paths count from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: tuple[object, Data] | None = None

    def read(
        self, model: str, settings: ModelConfig, data: str | Path | None, options: Mapping[str, Any]
    ) -> tuple[Recipe, Data]:
        """The recipe, made with these options over the configured ones, and its rows of the file."""
        recipe = load_recipe(settings, options)
        path = self._path(model, settings, data)
        stamp = path.stat() if path.is_file() else None
        made_with = repr({**settings.options, **options})
        key = (settings.recipe, made_with, path, stamp and (stamp.st_mtime_ns, stamp.st_size))
        if self._kept is None or self._kept[0] != key:
            inside = path.is_relative_to(self._root)
            self._kept = (key, load_rows(recipe, path, str(path.relative_to(self._root) if inside else path)))
        return recipe, self._kept[1]

    def _path(self, model: str, settings: ModelConfig, data: str | Path | None) -> Path:
        named = settings.data if data is None else data
        if named is None:
            message = f"No data is named for '{model}'. Set `data` in [models.{model}], or name a file with --data."
            raise DataError(message)
        return (self._root / Path(named).expanduser()).resolve()


def load_recipe(settings: ModelConfig, options: Mapping[str, Any]) -> Recipe:
    """Make the recipe `package.module:Class` with its configured options and these over them.

    Modules in the working folder are found too.

    Raises:
        ConfigError: there is no such module or class, it does not take the options, or it is no recipe.
    """
    module_name, colon, class_name = settings.recipe.partition(":")
    if not colon:
        message = f"A recipe is named as package.module:Class, found '{settings.recipe}'."
        raise ConfigError(message)
    _find_beside(Path.cwd())
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
        recipe = kind(**{**settings.options, **options})
    except ModuleNotFoundError as error:
        message = f"The recipe '{settings.recipe}' cannot be imported: there is no module '{error.name}' here."
        raise ConfigError(message) from error
    except (AttributeError, TypeError) as error:
        message = f"The recipe '{settings.recipe}' cannot be made: {error}."
        raise ConfigError(message) from error
    if not isinstance(recipe, Recipe):
        missing = [
            name for name in ("key", "label", "time", "load", "split", "train", "score") if not hasattr(recipe, name)
        ]
        message = f"'{settings.recipe}' is no recipe: it lacks {', '.join(missing)}."
        raise ConfigError(message)
    return recipe


def _find_beside(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

"""Load a model's rows with the recipe that the configuration names, and split them into training and holdout."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.canonical import digest
from promotion.config import Config, ModelConfig
from promotion.data_files import StrPath, require_named
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError, as_data_error
from promotion.interfaces import Recall, Recipe, Split, is_repeatable, read_anew, task_of_recipe
from promotion.ledger.entries import Registration
from promotion.registry.file_digests import FileDigests, Stamp, stamp_of
from promotion.registry.recipes import code_digest, draws_by, load_recipe, require_found
from promotion.row_keys import form_in_use
from promotion.visible import visible

if TYPE_CHECKING:
    import pandas as pd


_READERS = ("registry-flows", "numpy", "pandas", "pyarrow")
"""Packages whose releases may read a file differently."""
_UNASKED: Mapping[str, Any] = {"group": None, "dependence": "independent", "clean_by": "row"}
"""Settings that do not affect which rows are read."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """The rows of one file.

    Attributes:
        rows: the rows old enough for their labels to be trusted.
        name: the path as recorded.
        digest: digest of the file's bytes.
        immature: number of rows left out because they are too recent.
        whole: whether the file is a holdout file, so that all of its rows judge.
        draws: what counts as an independent draw among the rows that judge.
        path: the file.
    """

    rows: "pd.DataFrame"
    name: str
    digest: str
    immature: int = 0
    whole: bool = False
    draws: Draws = UNSAID
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """The source that rows are read from.

    Attributes:
        recipe: the recipe that reads the rows.
        made_with: the options that the recipe was created with.
        path: the file.
        digest: digest of the file's bytes.
        stamp: stamp of the file before its digest was taken.
    """

    recipe: Recipe
    made_with: Mapping[str, Any]
    path: Path
    digest: str
    stamp: Stamp

    @property
    def key(self) -> str | None:
        """Digest of everything that the rows depend on; None if the recipe does not declare repeatable reads."""
        code = code_digest(type(self.recipe))
        if not is_repeatable(self.recipe.load) or code is None:
            return None
        return digest(
            {
                "file": [self.digest, self.path.suffix],
                "recipe": f"{type(self.recipe).__module__}:{type(self.recipe).__qualname__}",
                "code": code,
                "options": repr(sorted(self.made_with.items())),
                "versions": [installed(name) for name in _READERS],
                "keys": form_in_use(),
            }
        )


def load_rows(source: Source, name: str, settings: ModelConfig, recall: Recall = read_anew) -> Data:
    """Read a recipe's rows, check that they can train and judge, and leave out rows that are too recent.

    Raises:
        DataError: the rows cannot be used, the recipe failed to read them, or the file changed
            during the read.
    """
    from pyarrow import default_memory_pool

    from promotion.holdout import mature
    from promotion.rows import check_rows, require_columns

    recipe, path = source.recipe, source.path
    rows = recall(source.key, lambda: _load(source)) if source.key else _load(source)
    check_rows(rows, key=recipe.key, label=recipe.label, what=str(path), task=task_of_recipe(recipe))
    require_columns(rows, settings.policy.columns, str(path), "which the policy names")
    default_memory_pool().release_unused()  # pyarrow keeps several times the size of the rows
    kept = rows if settings.mature_after is None else mature(rows, recipe, settings.mature_after, settings.time_unit)
    return Data(rows=kept, name=name, digest=source.digest, immature=len(rows) - len(kept), path=path)


def _load(source: Source) -> "pd.DataFrame":
    """Read the rows with the recipe, without a cache."""
    with as_data_error(f"The recipe could not load {source.path}"):
        rows = source.recipe.load(source.path)
    if not hasattr(rows, "columns"):
        raise DataError(f"The recipe's `load` must return a pandas DataFrame, but returned {type(rows).__name__}.")
    if stamp_of(source.path) != source.stamp:
        message = (
            f"{source.path} changed while it was read. Wait until it is completely written, and run the command again."
        )
        raise DataError(message)
    return rows


def split(recipe: Recipe, data: Data) -> Split:
    """Split the rows with the recipe into training and holdout. A holdout file has no training rows."""
    if data.whole:
        return Split(data.rows.iloc[:0], data.rows)
    with as_data_error("The recipe could not split the rows"):
        return recipe.split(data.rows)


class Reader:
    """Reads the rows of recipes, and keeps the last rows read so that training and judging read their file once.

    Args:
        config: the models with their recipes and files.
        recall: caches rows across processes.
    """

    def __init__(self, config: Config, recall: Recall = read_anew) -> None:
        self._config, self.recall, self.digests = config, recall, FileDigests()
        self._kept: tuple[object, Data] | None = None

    def load(
        self, model: str, data: StrPath | None = None, *, options: Mapping[str, Any] | None = None
    ) -> tuple[Recipe, Data]:
        """Load the model's recipe and rows, from the given file or the configured one. An unchanged file is read once.

        `data` is a CSV or Parquet file, relative to the configuration's folder. `options` override
        the configured ones.

        Raises:
            DataError: there is no such file, or its rows cannot be used.
        """
        settings = self._config.model(model)
        return self._read(settings, _first(model, data, settings.data), options or {})

    def key(self, model: str, data: StrPath | None = None, *, options: Mapping[str, Any] | None = None) -> str | None:
        """Return a digest of all inputs of `load`: file, recipe, recipe code, options and reading libraries.

        None if the recipe does not declare, with `repeatable`, that reading again gives the same rows.
        """
        settings = self._config.model(model)
        return self._source(settings, _first(model, data, settings.data), options or {}).key

    def foresee(
        self,
        model: str,
        trained: Registration | None = None,
        data: StrPath | None = None,
        holdout: StrPath | None = None,
    ) -> None:
        """Check that the recipe and the files exist, before importing anything for them.

        Begins to digest the data file of a version about to be trained.

        `trained` is the version to judge; None if one is about to be trained. All rows of `holdout`
        judge.

        Raises:
            ConfigError: the recipe cannot be found.
            DataError: a file does not exist.
        """
        settings = self._config.model(model)
        for recipe in filter(None, (settings.recipe, trained.recipe if trained else None)):
            require_found(recipe)
        whole = holdout or (None if data else settings.holdout)
        named = data or (trained.data if trained else None) or settings.data
        require_named(self._path(whole or _first(model, named)))
        if trained is None and named:
            require_named(self._path(named))
            self.digests.begin(self._path(named))

    def judging(self, model: str, trained: Registration, data: StrPath | None, holdout: StrPath | None) -> Data:
        """Load the rows whose holdout judges a version, or the holdout file whose rows all judge."""
        settings = self._config.model(model)
        whole = holdout or (None if data else settings.holdout)
        file = whole or _first(model, data, trained.data, settings.data)
        return self._read(settings, file, trained.options, whole=whole is not None)[1]

    def recipe_of(self, model: str, trained: Registration) -> Recipe:
        """Create the recipe with the options that the version's registration records."""
        return load_recipe(self._as_recorded(model, trained), trained.options)

    def recorded(self, model: str, trained: Registration, name: str) -> Data:
        """Load the rows of a file by its recorded name, with the settings that the version was trained with."""
        return self._read(self._as_recorded(model, trained), name, trained.options)[1]

    def _as_recorded(self, model: str, trained: Registration) -> ModelConfig:
        """Return the settings that reading needs. Each decision records for itself how rows depend on each other."""
        recorded = {"recipe": trained.recipe} if trained.recipe else {}
        return self._config.model(model).model_copy(update={**recorded, **_UNASKED})

    def chosen(self, model: str, trained: Registration) -> str:
        """Return the file that judges a version if the user names none, as a recorded path."""
        settings = self._config.model(model)
        return self._name(self._path(settings.holdout or _first(model, trained.data, settings.data)))

    def draws(self, model: str, recipe: Recipe) -> Draws:
        """Return what counts as an independent draw among the model's rows."""
        return draws_by(self._config.model(model), recipe)

    def split(self, model: str, recipe: Recipe, data: Data, *, options: Mapping[str, Any] | None = None) -> Split:
        """Split the rows into training and holdout, with the recipe or with the model's holdout file.

        Raises:
            DataError: the holdout file contains every row, so no row is left for training.
        """
        from promotion.holdout import without

        settings = self._config.model(model)
        if settings.holdout is None:
            return split(recipe, data)
        holdout = self._read(settings, settings.holdout, options or {})[1].rows
        training = without(data.rows, holdout, recipe)
        if len(training) == 0:
            raise DataError(
                f"Every row of {data.name} is also in the holdout file {settings.holdout}, so no row is left to train "
                "on. Name other rows to train on."
            )
        return Split(training, holdout)

    def _read(
        self, settings: ModelConfig, file: StrPath, options: Mapping[str, Any], *, whole: bool = False
    ) -> tuple[Recipe, Data]:
        source = self._source(settings, file, options)
        draws = draws_by(settings, source.recipe)
        key = (settings.model_copy(update=_UNASKED), repr(source.made_with), source.path, source.stamp, form_in_use())
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, load_rows(source, self._name(source.path), settings, self.recall))
        data = self._kept[1]
        draws.check(data.rows, str(source.path))
        return source.recipe, replace(data, whole=whole, draws=draws)

    def _source(self, settings: ModelConfig, file: StrPath, options: Mapping[str, Any]) -> Source:
        path = self._path(file)
        recipe = load_recipe(settings, options)
        with as_data_error(f"The recipe could not load {path}"):
            taken, stamp = self.digests.take(path)
        return Source(recipe=recipe, made_with={**settings.options, **options}, path=path, digest=taken, stamp=stamp)

    def _path(self, file: StrPath) -> Path:
        """Return the resolved path of the file."""
        path = (self._config.root / Path(file).expanduser()).resolve()
        name = self._name(path)
        if os.fsencode(name).decode(errors="ignore") != name:
            raise DataError(f"The name of {visible(name)} is not UTF-8, so it cannot be recorded. Rename the file.")
        return path

    def _name(self, path: Path) -> str:
        inside = path.is_relative_to(self._config.root)
        return str(path.relative_to(self._config.root) if inside else path)


def _first(model: str, *files: StrPath | None) -> StrPath:
    """Return the first file that is not None."""
    named = [file for file in files if file is not None]
    if not named:
        raise DataError(f"No data is named for '{model}'. Set `data` in [models.{model}], or name a file with --data.")
    return named[0]

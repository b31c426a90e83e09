"""Load a model's rows with the recipe that the configuration names, and split them into training and holdout."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.config import Config, ModelConfig
from promotion.data_folders import as_it_was, is_several, require_named
from promotion.data_sources import Where, is_elsewhere, shown_source
from promotion.draws import Draws
from promotion.errors import DataError, as_data_error
from promotion.interfaces import Recall, Recipe, Split, read_anew
from promotion.ledger.entries import Registration
from promotion.progress import Progress, silent
from promotion.registry.file_digests import FileDigests
from promotion.registry.loaded import Data, Source, load_rows
from promotion.registry.recipes import draws_by, load_recipe, require_fit, require_found, require_stated_fit
from promotion.registry.sample import last_rows
from promotion.row_keys import form_in_use
from promotion.visible import visible

if TYPE_CHECKING:
    import pandas as pd

    from promotion.adapters.sources import Snapshots


_UNASKED: Mapping[str, Any] = {"group": None, "dependence": "independent", "clean_by": "row"}
"""Settings that do not affect which rows are read."""


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
        progress: called when rows are fetched or read.
    """

    def __init__(self, config: Config, recall: Recall = read_anew, progress: Progress = silent) -> None:
        self._progress = progress
        self._config, self.recall, self.digests = config, recall, FileDigests()
        self._kept: tuple[object, Data] | None = None
        self._fetched: dict[Where, Path] = {}
        self._runs = 0

    @contextmanager
    def one_run(self) -> Iterator[None]:
        """Fetch each URL and query at most once inside the block: all parts of a run see the same rows."""
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1
            if not self._runs:
                self._fetched.clear()

    @property
    def snapshots(self) -> "Snapshots":
        """The snapshots of what URLs and queries gave."""
        from promotion.adapters.sources import Snapshots

        return Snapshots(self._config.path(self._config.snapshots), self._config.root)

    def load(
        self, model: str, data: Where | None = None, *, options: Mapping[str, Any] | None = None
    ) -> tuple[Recipe, Data]:
        """Load the model's recipe and rows, from the given file or the configured one. An unchanged file is read once.

        `data` is a file, a folder or a pattern, relative to the configuration's folder, or a URL or
        a query. `options` override the configured ones.

        Raises:
            DataError: there is no such file, or its rows cannot be used.
        """
        settings = self._config.model(model)
        return self._read(settings, _first(model, data, settings.data), options or {})

    def fits(self, model: str, options: Mapping[str, Any] | None = None) -> None:
        """Check, before any row is read, that the model's recipe can be created and that the policy can judge it.

        Raises:
            ConfigError: the recipe is not valid, or the policy's metrics do not apply to its task.
        """
        settings = self._config.model(model)
        require_fit(settings, load_recipe(settings, options or {}))

    def key(self, model: str, data: Where | None = None, *, options: Mapping[str, Any] | None = None) -> str | None:
        """Return a digest of all inputs of `load`: file, recipe, recipe code, options and reading libraries.

        None if the recipe does not declare, with `repeatable`, that reading again gives the same rows.
        """
        settings = self._config.model(model)
        return self._source(settings, _first(model, data, settings.data), options or {}).key

    def foresee(
        self,
        model: str,
        trained: Registration | None = None,
        data: Where | None = None,
        holdout: Where | None = None,
    ) -> None:
        """Check that recipe and files exist and that the policy fits the recipe, before importing anything for them.

        Begins to digest the data file of a version about to be trained.

        `trained` is the version to judge; None if one is about to be trained. All rows of `holdout`
        judge.

        Raises:
            ConfigError: the recipe cannot be found, or the policy's metrics apply to other tasks.
            DataError: a file does not exist.
        """
        settings = self._config.model(model)
        for recipe in filter(None, (settings.recipe, trained.recipe if trained else None)):
            require_found(recipe)
        require_stated_fit(settings)
        whole = holdout or (None if data else settings.holdout)
        named = data or (trained.data if trained else None) or settings.data
        for where in (whole or _first(model, named), *((named,) if trained is None and named else ())):
            if is_elsewhere(where):
                self.snapshots.foresee(where)
            else:
                require_named(self._path(where))
        if trained is None and named and not is_elsewhere(named):
            self.digests.begin(self._path(named))

    def judging(self, model: str, trained: Registration, data: Where | None, holdout: Where | None) -> Data:
        """Load the rows whose holdout judges a version, or the holdout file whose rows all judge."""
        settings = self._config.model(model)
        whole = holdout or (None if data else settings.holdout)
        file = whole or _first(model, data, trained.data, settings.data)
        origin = trained.source if file == trained.data else None
        return self._read(settings, file, trained.options, whole=whole is not None, origin=origin)[1]

    def recipe_of(self, model: str, trained: Registration) -> Recipe:
        """Create the recipe with the options that the version's registration records."""
        return load_recipe(self._as_recorded(model, trained), trained.options)

    def recorded(self, model: str, trained: Registration, name: str, digest: str | None) -> Data:
        """Load the rows of a file by its recorded name, with the settings that the version was trained with.

        Of a folder or a pattern, these are the files with the digest, even if others came after them.
        """
        settings, path = self._as_recorded(model, trained), self._path(name)
        if not is_several(path) or digest is None or self.digests.take(path)[0] == digest:
            return self._read(settings, path, trained.options)[1]
        with as_it_was(path, digest) as earlier:
            return replace(self._read(settings, earlier, trained.options)[1], name=name)

    def last_rows(self, model: str, trained: Registration) -> "tuple[Recipe, pd.DataFrame] | None":
        """Load a version's recipe, and the last rows of its file, without the others; None if it cannot."""
        settings = self._config.model(model)
        path, _ = self._located(_first(model, trained.data, settings.data))
        recipe = load_recipe(settings, trained.options)
        rows: pd.DataFrame | None = last_rows(path, recipe)
        return None if rows is None or len(rows) == 0 else (recipe, rows)

    def _as_recorded(self, model: str, trained: Registration) -> ModelConfig:
        """Return the settings that reading needs. Each decision records for itself how rows depend on each other."""
        recorded = {"recipe": trained.recipe} if trained.recipe else {}
        return self._config.model(model).model_copy(update={**recorded, **_UNASKED})

    def chosen(self, model: str, trained: Registration) -> str:
        """Return the file that judges a version if the user names none, as a recorded path."""
        settings = self._config.model(model)
        where = settings.holdout or _first(model, trained.data, settings.data)
        return shown_source(where) if is_elsewhere(where) else self._name(self._path(where))

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
                f"Every row of {data.source or data.name} is also in the holdout {shown_source(settings.holdout)}, so "
                "no row is left to train on. Name other rows to train on."
            )
        return Split(training, holdout)

    def _read(
        self,
        settings: ModelConfig,
        file: Where,
        options: Mapping[str, Any],
        *,
        whole: bool = False,
        origin: str | None = None,
    ) -> tuple[Recipe, Data]:
        source = self._source(settings, file, options, origin)
        draws = draws_by(settings, source.recipe)
        key = (settings.model_copy(update=_UNASKED), repr(source.made_with), source.path, source.stamp, form_in_use())
        if self._kept is None or self._kept[0] != key:
            self._progress(f"Reading {self._name(source.path)}")
            self._kept = (key, load_rows(source, self._name(source.path), settings, self.recall))
        data = self._kept[1]
        draws.check(data.rows, source.what)
        return source.recipe, replace(data, source=source.origin, whole=whole, draws=draws)

    def _source(
        self, settings: ModelConfig, file: Where, options: Mapping[str, Any], origin: str | None = None
    ) -> Source:
        recipe = load_recipe(settings, options)
        path, fetched = self._located(file)
        with as_data_error(f"The recipe could not load {path}"):
            taken, stamp = self.digests.take(path)
        made_with = {**settings.options, **options}
        return Source(
            recipe=recipe, made_with=made_with, path=path, digest=taken, stamp=stamp, origin=fetched or origin
        )

    def _located(self, where: Where) -> tuple[Path, str | None]:
        """Return the path of the data, and what it is a snapshot of."""
        if not is_elsewhere(where):
            return self._path(where), None
        path = self._fetched.get(where)
        if path is None:
            self._progress(f"Fetching {shown_source(where)}")
            path = self.snapshots.take(where)
            if self._runs:
                self._fetched[where] = path
        return path.resolve(), shown_source(where)

    def _path(self, file: Where) -> Path:
        """Return the resolved path of the file."""
        path = (self._config.root / Path(str(file)).expanduser()).resolve()
        name = self._name(path)
        if os.fsencode(name).decode(errors="ignore") != name:
            raise DataError(f"The name of {visible(name)} is not UTF-8, so it cannot be recorded. Rename the file.")
        return path

    def _name(self, path: Path) -> str:
        inside = path.is_relative_to(self._config.root)
        return str(path.relative_to(self._config.root) if inside else path)


def _first(model: str, *files: Where | None) -> Where:
    """Return the first one that is not None."""
    named = [file for file in files if file is not None]
    if not named:
        raise DataError(f"No data is named for '{model}'. Set `data` in [models.{model}], or name a file with --data.")
    return named[0]

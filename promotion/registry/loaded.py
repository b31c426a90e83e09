"""The rows of one source, read with a recipe and checked, and the source that they are read from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.canonical import digest
from promotion.config import ModelConfig
from promotion.draws import UNSAID, Draws
from promotion.errors import DataError, as_data_error
from promotion.interfaces import Recall, Recipe, is_repeatable, read_anew, task_of_recipe
from promotion.registry.file_digests import Stamp, require_unchanged
from promotion.registry.recipes import code_digest
from promotion.row_keys import form_in_use

if TYPE_CHECKING:
    import pandas as pd

_READERS = ("registry-flows", "numpy", "pandas", "pyarrow")
"""Packages whose releases may read a file differently."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """The rows of one file, or of the files of a folder or a pattern.

    Attributes:
        rows: the rows old enough for their labels to be trusted.
        name: the path as recorded.
        digest: digest of the file's bytes, or over names and digests of the files.
        source: the URL or query that the file is a snapshot of, without passwords; None for any
            other file.
        immature: number of rows left out because they are too recent.
        whole: whether the file is a holdout file, so that all of its rows judge.
        draws: what counts as an independent draw among the rows that judge.
        path: the file, folder or pattern.
    """

    rows: "pd.DataFrame"
    name: str
    digest: str
    source: str | None = None
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
        path: the file, folder or pattern.
        digest: digest of the data there.
        stamp: stamp of the data before its digest was taken.
        origin: the URL or query that it is a snapshot of; None for any other file.
    """

    recipe: Recipe
    made_with: Mapping[str, Any]
    path: Path
    digest: str
    stamp: Stamp
    origin: str | None = None

    @property
    def what(self) -> str:
        """The data, for messages."""
        return f"{self.path} (a snapshot of {self.origin})" if self.origin else str(self.path)

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
    from pyarrow import default_memory_pool, system_memory_pool

    from promotion.holdout import mature
    from promotion.rows import check_rows, require_columns

    recipe = source.recipe
    rows = recall(source.key, lambda: _load(source)) if source.key else _load(source)
    check_rows(rows, key=recipe.key, label=recipe.label, what=source.what, task=task_of_recipe(recipe))
    require_columns(rows, settings.policy.columns, source.what, "which the policy names")
    for pool in (default_memory_pool(), system_memory_pool()):  # they keep several times the size of the rows
        pool.release_unused()
    kept = rows if settings.mature_after is None else mature(rows, recipe, settings.mature_after, settings.time_unit)
    immature = len(rows) - len(kept)
    return Data(rows=kept, name=name, digest=source.digest, source=source.origin, immature=immature, path=source.path)


@contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Add the source of a snapshot to an error, because users do not know the path of the snapshot."""
    try:
        yield
    except DataError as error:
        if source.what not in str(error):
            error.args = (str(error).replace(str(source.path), source.what),)
        raise


def _load(source: Source) -> "pd.DataFrame":
    """Read the rows with the recipe, without a cache."""
    try:
        with as_data_error(f"The recipe could not load {source.what}"), _naming(source):
            rows = source.recipe.load(source.path)
    except DataError:
        require_unchanged(source.path, source.stamp)  # that is why, if a file was removed or is half written
        raise
    require_unchanged(source.path, source.stamp)
    if not hasattr(rows, "columns"):
        raise DataError(f"The recipe's `load` must return a pandas DataFrame, but returned {type(rows).__name__}.")
    return rows

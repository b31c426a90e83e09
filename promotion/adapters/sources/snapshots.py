"""Snapshots: what a URL or a query gave, kept in a folder under names made of the digest of its bytes.

A snapshot is a Parquet or CSV file, or a folder of such files, and is read, digested and audited as any local file. It
is never changed. The same bytes are kept once.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from promotion.adapters.files import share, sync_folder, sync_tree
from promotion.adapters.sources.queries import require_driver, write_query
from promotion.adapters.sources.urls import download, require_package
from promotion.data_folders import data_digest
from promotion.data_sources import Query, Where
from promotion.errors import DataError

_DIGITS = 32
_NAME = re.compile(rf"[0-9a-f]{{{_DIGITS}}}(\..+)?")
_UNFINISHED = ".unfinished-"
_RUN_SECONDS = 86_400
"""Longest time between the fetch of rows and the record that names them."""


class Snapshots:
    """The snapshots of a project.

    Args:
        folder: where they lie; made when first needed.
        root: folder that relative paths in queries start from.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self._root = folder, root

    def foresee(self, where: Where) -> None:
        """Check, without asking the network, that the package for a source is installed.

        Raises:
            DataError: it is not.
        """
        require_driver(where) if isinstance(where, Query) else require_package(str(where))

    def take(self, where: Where) -> Path:
        """Fetch rows, and return the path of their snapshot.

        Raises:
            DataError: they cannot be fetched, or the snapshot cannot be written; nothing is kept.
        """
        try:
            with self._private() as folder:
                return self._keep(self._fetched(where, folder), folder)
        except OSError as error:
            message = (
                f"A snapshot of the data cannot be written to {self.folder} ({error.strerror}), so nothing was kept. "
                "Make the folder writable, or free some space."
            )
            raise DataError(message) from error

    def _fetched(self, where: Where, folder: Path) -> Path:
        if isinstance(where, Query):
            target = folder / "rows.parquet"
            write_query(where, self._root, target)
            return target
        return download(str(where), folder)

    def _keep(self, found: Path, folder: Path) -> Path:
        """Move a file, or the folder of several, to its name. A damaged snapshot that is there is replaced."""
        digest = data_digest(found)
        kept = self.folder / f"{digest[:_DIGITS]}{'' if found == folder else ''.join(found.suffixes)}"
        if not kept.exists() or data_digest(kept) != digest:
            share(folder, self.folder)
            sync_tree(folder)
            if kept.is_dir():  # damaged, since its files have another digest
                shutil.rmtree(kept)
            os.replace(found, kept)  # noqa: PTH105 - it may be a folder
        with suppress(PermissionError):  # another user's, in a shared folder
            os.utime(kept)
        sync_folder(self.folder)
        return kept

    @contextmanager
    def _private(self) -> Iterator[Path]:
        """Make a folder that is gone afterwards, whatever happens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=_UNFINISHED))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def unneeded(self, needed: Collection[Path], before: float | None = None) -> tuple[Path, ...]:
        """Return the snapshots that are not needed, and what a kill left, if older than a day and than `before`.

        `needed` are resolved paths of snapshots. A younger one may be in use by a training that is not recorded yet.
        """
        if not self.folder.is_dir():
            return ()
        limit = min(time.time() - _RUN_SECONDS, before or float("inf"))
        ours = (
            one
            for one in sorted(self.folder.iterdir())
            if _NAME.fullmatch(one.name) or one.name.startswith(_UNFINISHED)
        )
        return tuple(one for one in ours if one.resolve() not in needed and one.stat().st_mtime < limit)

    def delete(self, paths: Collection[Path]) -> None:
        """Delete these snapshots.

        Raises:
            OSError: one cannot be deleted.
        """
        for one in paths:
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)

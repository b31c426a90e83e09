"""Digests of data, each taken once as long as the files do not change, and ahead of its use if there is time."""

from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeAlias

from promotion.data_folders import data_digest, files_of, is_several
from promotion.errors import DataError
from promotion.visible import visible

Stamp: TypeAlias = tuple[tuple[str, int, int], ...]
"""Name, modification time in nanoseconds and size in bytes of each file; empty if there is no file."""


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of the files of a path now."""
    stamps = []
    for one in files_of(path):
        with suppress(FileNotFoundError):  # removed since the folder was listed
            state = one.stat()
            stamps.append((str(one), state.st_mtime_ns, state.st_size))
    return tuple(stamps)


def require_unchanged(path: Path, stamp: Stamp) -> None:
    """Check that the files of a path are still those of the stamp.

    Raises:
        DataError: one was added, removed or changed.
    """
    now = stamp_of(path)
    if now == stamp:
        return
    names = ", ".join(sorted({Path(name).name for name, *_ in {*now} ^ {*stamp}})) if is_several(path) else ""
    raise DataError(
        f"{path} changed while it was read{f' ({visible(names)})' if names else ''}. Wait until it is completely "
        "written, and run the command again."
    )


class FileDigests:
    """The digests of files by path and stamp."""

    def __init__(self) -> None:
        self._taken: dict[tuple[Path, Stamp], Future[str]] = {}

    def begin(self, path: Path) -> None:
        """Begin to digest a file or a folder in a thread, while the caller imports or waits."""
        self._future(path, stamp_of(path))

    def take(self, path: Path) -> tuple[str, Stamp]:
        """Return the digest of a path's data, empty if there is no file, and the stamp that it had before.

        Raises:
            OSError: the file cannot be read.
            DataError: it changed meanwhile.
        """
        stamp = stamp_of(path)
        if not stamp:
            return "", stamp
        try:
            return self._future(path, stamp).result(), stamp
        except OSError:
            del self._taken[path, stamp]  # reading may succeed the next time
            require_unchanged(path, stamp)
            raise

    def _future(self, path: Path, stamp: Stamp) -> Future[str]:
        if (path, stamp) not in self._taken:
            self._taken[path, stamp] = future = Future[str]()
            Thread(target=_fulfil, args=(future, path), daemon=True).start()
        return self._taken[path, stamp]


def _fulfil(future: Future[str], path: Path) -> None:
    try:
        future.set_result(data_digest(path))
    except OSError as error:
        future.set_exception(error)

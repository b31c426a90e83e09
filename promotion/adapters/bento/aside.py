"""Folders to work in: on the store's own disk, outside `models/`, where BentoML's list would fail; or private ones."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from promotion.seams import Stray

FOLDER = "tmp"
_OWNED = ".owned"
_PRIVATE = "promotion-"
_OLD_SECONDS = 24 * 60 * 60


@contextmanager
def aside(home: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; of a killed process it stays, and is known by a lock that nobody holds."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    with _owned(home / FOLDER, "saving-") as folder:
        yield folder


@contextmanager
def private() -> Iterator[Path]:
    """The same among the system's temporary files, for this user only; what their killed processes left is deleted."""
    parent = Path(tempfile.gettempdir())
    for left in (*parent.glob(f"{_PRIVATE}*"), *parent.glob(f".{_PRIVATE}*")):
        with suppress(OSError):
            if _is_left_by_us(left):
                shutil.rmtree(left, ignore_errors=True)
    with _owned(parent, _PRIVATE) as folder:
        yield folder


def _is_left_by_us(folder: Path) -> bool:
    """Whether it is a private folder of a process of this user that ended; one that had just begun, after a day."""
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        return False
    if folder.name.startswith("."):
        return _is_old(folder) and {path.name for path in folder.iterdir()} <= {_OWNED}
    return (folder / _OWNED).is_file() and _abandoned(folder)


@contextmanager
def _owned(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder whose name is the prefix's only once it is locked, so that it never looks as if nobody held it."""
    begun = Path(tempfile.mkdtemp(dir=parent, prefix=f".{prefix}"))
    folder = parent / begun.name[1:]
    try:
        with FileLock(begun / _OWNED):
            begun.rename(folder)
            yield folder
    finally:
        shutil.rmtree(begun, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def leftovers(home: Path) -> Iterator[Stray]:
    """What killed saves and deletions left behind.

    Raises:
        OSError: they cannot be looked at.
    """
    if (home / FOLDER).is_dir():
        for path in sorted((home / FOLDER).iterdir()):
            if _abandoned(path):
                yield Stray(path=path, why="was left by a save or a deletion that was killed")


def remove(leftover: Path) -> None:
    """Delete it; what is gone or in use again is left alone.

    Raises:
        OSError: it cannot be deleted.
    """
    if _abandoned(leftover):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _OLD_SECONDS


def _abandoned(path: Path) -> bool:
    """Whether its owner is dead; where that cannot be told, whether it is older than a day."""
    owned = path / _OWNED
    if not owned.exists():
        return path.exists() and _is_old(path)
    try:
        with FileLock(owned, timeout=0):
            return True
    except Timeout:
        return False

"""Folders that belong to a process: known by a lock, so that the next command deletes what a killed one left."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_OWNED = ".owned"
_PRIVATE = "promotion-"
_OLD_SECONDS = 24 * 60 * 60


@contextmanager
def private() -> Iterator[Path]:
    """A folder among the system's temporary files, for this user only, that is gone afterwards."""
    with owned(Path(tempfile.gettempdir()), _PRIVATE) as folder:
        yield folder


def sweep() -> None:
    """Delete the private folders of this user's processes that were killed."""
    parent = Path(tempfile.gettempdir())
    for left in (*parent.glob(f"{_PRIVATE}*"), *parent.glob(f".{_PRIVATE}*")):
        with suppress(OSError):
            if _is_left_by_us(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_left_by_us(folder: Path) -> bool:
    """Whether it is a private folder of a process of this user that ended; one that had just begun, after a day."""
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        return False
    if folder.name.startswith("."):
        return _is_old(folder) and {path.name for path in folder.iterdir()} <= {_OWNED}
    return (folder / _OWNED).is_file() and abandoned(folder)


@contextmanager
def owned(parent: Path, prefix: str) -> Iterator[Path]:
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


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _OLD_SECONDS


def abandoned(path: Path) -> bool:
    """Whether its owner is dead; where that cannot be told, whether it is older than a day."""
    owned = path / _OWNED
    if not owned.exists():
        return path.exists() and _is_old(path)
    try:
        with FileLock(owned, timeout=0):
            return True
    except Timeout:
        return False

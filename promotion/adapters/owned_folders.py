"""Folders owned by a process through a lock, so that the next command can delete those of killed processes."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNED = ".owned"
_PRIVATE = "promotion-"
_OLD_SECONDS = 24 * 60 * 60


@contextmanager
def private() -> Iterator[Path]:
    """Create a temporary folder that only this user can access."""
    with owned(Path(tempfile.gettempdir()), _PRIVATE) as folder:
        yield folder


def sweep() -> None:
    """Delete the private folders of this user's killed processes."""
    parent = Path(tempfile.gettempdir())
    for left in (*parent.glob(f"{_PRIVATE}*"), *parent.glob(f".{_PRIVATE}*")):
        with suppress(OSError):
            if _is_left_by_us(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_left_by_us(folder: Path) -> bool:
    """Return whether an ended process of this user left the private folder; one never finished counts after a day."""
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        return False
    if folder.name.startswith("."):
        return _is_old(folder) and {path.name for path in folder.iterdir()} <= {_OWNED}
    return (folder / _OWNED).is_file() and abandoned(folder)


@contextmanager
def owned(parent: Path, prefix: str) -> Iterator[Path]:
    """Create a folder that gets its final name only once it is locked, so that it never looks abandoned."""
    from filelock import FileLock

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
    """Return whether its owner has ended; if that cannot be determined, whether it is older than a day."""
    from filelock import FileLock, Timeout

    owned = path / _OWNED
    if not owned.exists():
        return path.exists() and _is_old(path)
    try:
        with FileLock(owned, timeout=0):
            return True
    except Timeout:
        return False

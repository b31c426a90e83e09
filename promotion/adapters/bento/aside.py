"""A folder on the store's own disk to work in, outside `models/`, where foreign folders make BentoML's list fail."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from promotion.seams import Stray

FOLDER = "tmp"
_OWNED = ".owned"
_OLD_SECONDS = 24 * 60 * 60


@contextmanager
def aside(home: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; of a killed process it stays, and is known by a lock that nobody holds."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home / FOLDER, prefix="saving-"))
    try:
        with FileLock(folder / _OWNED):
            yield folder
    finally:
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


def _abandoned(path: Path) -> bool:
    """Whether its owner is dead; where that cannot be told, whether it is older than a day."""
    owned = path / _OWNED
    if not owned.exists():
        return path.exists() and time.time() - path.stat().st_mtime > _OLD_SECONDS
    try:
        with FileLock(owned, timeout=0):
            return True
    except Timeout:
        return False

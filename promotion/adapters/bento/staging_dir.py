"""Folders to work in on the store's own disk, outside `models/`, where BentoML's list would fail."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.adapters.owned_folders import abandoned, owned
from promotion.interfaces import Stray

FOLDER = "tmp"


@contextmanager
def opened(home: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; of a killed process it stays, and is known by a lock that nobody holds."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    with owned(home / FOLDER, "saving-") as folder:
        yield folder


def leftovers(home: Path) -> Iterator[Stray]:
    """What killed saves and deletions left behind.

    Raises:
        OSError: they cannot be looked at.
    """
    if (home / FOLDER).is_dir():
        for path in sorted((home / FOLDER).iterdir()):
            if abandoned(path):
                yield Stray(path=path, why="was left by a save or a deletion that was killed")


def remove(leftover: Path) -> None:
    """Delete it; what is gone or in use again is left alone.

    Raises:
        OSError: it cannot be deleted.
    """
    if abandoned(leftover):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()

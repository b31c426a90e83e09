"""Folders in which a version is made or verified: outside `models/`, where BentoML's list would fail."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from promotion.adapters.bento.foreign_files import LATEST
from promotion.adapters.files import replace_text, share, sync_tree
from promotion.adapters.owned_folders import abandoned, owned, private
from promotion.errors import StoreError
from promotion.interfaces import Stray
from promotion.vocabulary import Tag

FOLDER = "tmp"


@contextmanager
def opened(home: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; of a killed process it stays, and is known by a lock that nobody holds."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    with owned(home / FOLDER, "saving-") as folder:
        yield folder


@contextmanager
def private_home() -> Iterator[Path]:
    """A home of a store that only this user can look into, on the disk for temporary files; gone afterwards.

    Raises:
        StoreError: none can be made.
    """
    with ExitStack() as opened:
        try:
            home = opened.enter_context(private())
        except OSError as error:
            message = (
                "Cannot create a temporary folder in which to verify and load model files "
                f"({error.strerror or error}). Set TMPDIR to another folder."
            )
            raise StoreError(message) from error
        yield home


def move_in(folder: Path, target: Path, tag: Tag) -> None:
    """Move a version into the store, all of it or nothing: where it cannot be made durable, it is taken out again.

    Raises:
        StoreError: it is there already.
        OSError: it cannot be moved.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    share(folder, target.parent)
    sync_tree(folder)
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
            message = f"{tag} is already in the Bento store and was not changed. Save under another version name."
            raise StoreError(message, tag=tag) from error
        raise
    try:
        replace_text(target.parent / LATEST, tag.version)  # and makes the folder durable
    except BaseException:
        with suppress(OSError):
            target.rename(folder)
        raise


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

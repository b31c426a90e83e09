"""Folders for building and verifying versions: outside `models/`, where they would break BentoML's list."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from promotion.adapters.bento.foreign_files import LATEST
from promotion.adapters.files import replace_text, share, sync_tree
from promotion.adapters.owned_folders import abandoned, owned, private
from promotion.errors import StoreError
from promotion.interfaces import ForeignFile
from promotion.vocabulary import Tag

FOLDER = "tmp"


@contextmanager
def made(home: Path) -> Iterator[Path]:
    """Create a temporary folder; that of a killed process stays, and is recognised by its released lock."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    with owned(home / FOLDER, "saving-") as folder:
        yield folder


@contextmanager
def private_home() -> Iterator[Path]:
    """Create a temporary store home that only this user can access, on the disk for temporary files.

    Raises:
        StoreError: it cannot be created.
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
    """Move a version into the store, atomically: if it cannot be made durable, it is removed again.

    Raises:
        StoreError: it already exists.
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
        replace_text(target.parent / LATEST, tag.version)  # also makes the folder durable
    except BaseException:
        with suppress(OSError):
            target.rename(folder)
        raise


def leftovers(home: Path) -> Iterator[ForeignFile]:
    """Yield the leftovers of killed saves and deletions.

    Raises:
        OSError: they cannot be inspected.
    """
    if (home / FOLDER).is_dir():
        for path in sorted((home / FOLDER).iterdir()):
            if abandoned(path):
                yield ForeignFile(path=path, why="was left by a save or a deletion that was killed")


def remove(leftover: Path) -> None:
    """Delete a leftover, unless it is already gone or in use again.

    Raises:
        OSError: it cannot be deleted.
    """
    if abandoned(leftover):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()

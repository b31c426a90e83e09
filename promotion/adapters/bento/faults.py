"""What the operating system refuses, as sentences."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.errors import StoreError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say what cannot be read.

    Raises:
        StoreError: the system refused.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or path
        message = (
            f"The Bento store cannot be read at {place} ({error.strerror or error}{whose(place)}). "
            "See that this user may read it."
        )
        raise StoreError(message) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what cannot be written.

    Raises:
        StoreError: the system refused; whoever writes has left things as they were.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(_unwritable(path, error)) from error


def whose(place: object) -> str:
    """Owner, group and mode of what this user may not read, or of the nearest folder above that it can look at."""
    for path in (Path(str(place)), *Path(str(place)).parents):
        try:
            found = path.stat()
        except OSError:
            continue
        if os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            return ""
        owner, group = _named(path.owner, found.st_uid), _named(path.group, found.st_gid)
        return f"; {path} belongs to {owner}:{group}, mode {stat.S_IMODE(found.st_mode):04o}"
    return ""


def _named(name: Callable[[], str], number: int) -> str:
    try:
        return name()
    except KeyError:  # a number that the machine has no name for
        return str(number)


def _unwritable(path: Path, error: OSError) -> str:
    why = error.strerror or os.strerror(error.errno or 0)
    said = f"The Bento store cannot be written at {path} ({why}); nothing was changed there."
    if error.errno != errno.EXDEV:
        return said
    return (
        f"{said} Its folders 'models', 'tmp' and 'quarantine' must lie on one file system, since a version is moved in "
        "and out by one rename."
    )

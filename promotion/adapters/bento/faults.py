"""What the operating system refuses, as sentences."""

import errno
import os
from collections.abc import Iterator
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
        message = (
            f"The Bento store cannot be read at {error.filename or path} ({error.strerror or error}). "
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


def _unwritable(path: Path, error: OSError) -> str:
    why = error.strerror or os.strerror(error.errno or 0)
    said = f"The Bento store cannot be written at {path} ({why}); nothing was changed there."
    if error.errno != errno.EXDEV:
        return said
    return (
        f"{said} Its folders 'models', 'tmp' and 'quarantine' must lie on one file system, since a version is moved in "
        "and out by one rename."
    )

"""Errors of the operating system as sentences."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.adapters.files import whose
from promotion.errors import StoreError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert errors on reading to a sentence."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        message = (
            f"The model store cannot be read at {place} ({error.strerror or error}{whose(place)}). "
            "Check that this user can read it."
        )
        raise StoreError(message, path=path) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert errors on writing to a sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(_unwritable(path, error), path=path) from error


def _unwritable(path: Path, error: OSError) -> str:
    why = error.strerror or os.strerror(error.errno or 0)
    owner = whose(error.filename or path, os.W_OK) if error.errno == errno.EACCES else ""
    said = f"The model store cannot be written at {path} ({why}{owner}); nothing was changed there."
    if error.errno != errno.EXDEV:
        return said
    return (
        f"{said} Its folders 'models', 'tmp' and 'quarantine' must be on one file system, because versions are "
        "moved by a rename."
    )

"""Digests of a version's files."""

import os
from pathlib import Path

from promotion.adapters.bento.description import DESCRIPTION
from promotion.adapters.files import temporary_prefix
from promotion.data_files import file_digest
from promotion.errors import StoreError

_UNFINISHED = temporary_prefix(Path(DESCRIPTION))


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below, by path, except for the description.

    Raises:
        StoreError: a file is a link or a pipe, or its name cannot be stored.
        OSError: a file cannot be read.
    """
    found = {}
    for path in _files(folder):
        name = str(path.relative_to(folder))
        if path.parent == folder and (name == DESCRIPTION or name.startswith(_UNFINISHED)):
            continue  # unfinished label writes of killed processes are never read
        if path.is_symlink() or not path.is_file() or not _is_text(name):
            message = (
                f"{folder} holds {name!r}, which is not a regular file with a readable name, so its content "
                "cannot be verified. Replace it with the file itself, or save the model again."
            )
            raise StoreError(message, path=path)
        found[name] = file_digest(path)
    return found


def _files(folder: Path) -> list[Path]:
    """Return everything below that is not a folder, including links to folders, in order."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    nested = (_files(Path(one)) if one.is_dir(follow_symlinks=False) else [Path(one)] for one in found)
    return [path for paths in nested for path in paths]


def _is_text(name: str) -> bool:
    return "\0" not in name and name.encode("utf-8", "replace").decode() == name

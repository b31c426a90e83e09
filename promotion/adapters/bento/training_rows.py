"""Fingerprints of a version's training rows and of their groups, in files of its folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.adapters.bento.faults import reading
from promotion.canonical import digest
from promotion.errors import StoreError
from promotion.row_keys import FIRST_FORM, KEY_FORM, KnownRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

FILES = {KEY_FORM: "training_rows.2.npy", FIRST_FORM: "training_rows.npy"}
"""File names by the form of the keys, so that no release misreads fingerprints of another form."""
GROUPS = "training_groups."
"""Prefix of the names of group files."""


def write_rows(folder: Path, rows: "NDArray[np.uint64]", groups: "Mapping[str, NDArray[np.uint64]]") -> None:
    """Write the fingerprints of rows, and of each kind of groups."""
    import numpy as np

    np.save(folder / FILES[KEY_FORM], np.sort(rows))
    for by, found in groups.items():
        np.save(folder / _groups_file(by), np.unique(found))


def read_training_rows(folder: Path, by: str | None) -> KnownRows | None:
    """Read the fingerprints, with those of the groups `by`; None if the version has none."""
    for form, name in FILES.items():
        found = _load(folder / name)
        if found is not None:
            return KnownRows(found, form, _load(folder / _groups_file(by)) if by else None)
    return None


def _groups_file(by: str) -> str:
    return f"{GROUPS}{digest(by)[:16]}.npy"


def _load(path: Path) -> "NDArray[np.uint64] | None":
    """Load the fingerprints in a file; None if there is no file."""
    with reading(path):
        if not path.exists() and not path.is_symlink():
            return None
        import numpy as np

        with open(path, "rb", opener=_at_once) as file:
            try:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False), dtype=np.uint64)
            except OSError:
                raise
            except Exception as error:  # a damaged file can make NumPy raise anything
                message = f"{path} cannot be read ({error}); restore the version from a backup, or retrain."
                raise StoreError(message, path=path) from error


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for a pipe's writer."""
    return os.open(path, flags | os.O_NONBLOCK)

"""The fingerprints of the rows that trained a version, and of their groups, in files of its folder."""

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
"""Names of the file by the form of the keys, so that no release takes fingerprints of another form for its own."""
GROUPS = "training_groups."
"""What the names of the files of groups begin with."""


def write_rows(folder: Path, rows: "NDArray[np.uint64]", groups: "Mapping[str, NDArray[np.uint64]]") -> None:
    """Write the fingerprints of rows, and of each kind of groups.

    Raises:
        OSError: they cannot be written.
    """
    import numpy as np

    np.save(folder / FILES[KEY_FORM], np.sort(rows))
    for by, found in groups.items():
        np.save(folder / _groups_file(by), np.unique(found))


def read_rows(folder: Path, by: str | None) -> KnownRows | None:
    """The fingerprints, with those of the groups `by`; None when the version does not say.

    Raises:
        StoreError: a file is damaged, or cannot be read.
    """
    for form, name in FILES.items():
        found = _load(folder / name)
        if found is not None:
            return KnownRows(found, form, _load(folder / _groups_file(by)) if by else None)
    return None


def _groups_file(by: str) -> str:
    return f"{GROUPS}{digest(by)[:16]}.npy"


def _load(path: Path) -> "NDArray[np.uint64] | None":
    """The fingerprints in a file; None where there is none.

    Raises:
        StoreError: it is damaged, or cannot be read.
    """
    import numpy as np

    with reading(path):
        if not path.exists() and not path.is_symlink():
            return None
        with open(path, "rb", opener=_at_once) as file:
            try:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False), dtype=np.uint64)
            except OSError:
                raise
            except Exception as error:  # whatever a damaged file makes NumPy raise
                message = f"{path} cannot be read ({error}); restore the version from a backup, or retrain."
                raise StoreError(message, path=path) from error


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever writes into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)

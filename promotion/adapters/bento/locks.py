"""Who may write a model's labels: one process at a time, known to those who wait."""

import contextlib
import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from promotion.adapters.bento.faults import writing
from promotion.errors import StoreError


@contextmanager
def held(folder: Path, model: str, patience: float) -> Iterator[None]:
    """Keep every other process from writing this model's labels meanwhile; ends with the process.

    Args:
        folder: of the locks.
        model: its name.
        patience: for how many seconds another writer is waited for.

    Raises:
        StoreError: another one has held it for too long.
    """
    lock, holder = FileLock(folder / f"{model}.lock", patience), folder / f"{model}.holder"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                f"Another command{_holding(holder)} has been writing the labels of '{model}' for "
                f"{patience:g} seconds. Run this one again; what is recorded stands."
            ) from error
        with contextlib.suppress(OSError, KeyError):  # it only names us to those who wait
            holder.write_text(f"process {os.getpid()} of {getpass.getuser()} on {platform.node()}")
    try:
        yield
    finally:
        lock.release()


def _holding(holder: Path) -> str:
    """The process that holds a lock, as it wrote itself down, for a sentence; empty where it did not."""
    try:
        return f" ({holder.read_text()})"
    except (OSError, ValueError):
        return ""

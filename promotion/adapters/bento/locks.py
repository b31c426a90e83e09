"""Locks on a model's labels: one process writes at a time, and waiting processes can report which one."""

import contextlib
import getpass
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.adapters.bento.faults import writing
from promotion.errors import StoreError


@contextmanager
def held(folder: Path, model: str, patience: float) -> Iterator[None]:
    """Lock this model's labels against other processes within the context; released when the process ends.

    Waits `patience` seconds for another writer.
    """
    from filelock import FileLock, Timeout

    lock, holder = FileLock(folder / f"{model}.lock", patience), folder / f"{model}.holder"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                f"Another command{_holding(holder)} has been writing the labels of '{model}' for "
                f"{patience:g} seconds. Run this command again when it has finished. What is recorded stands."
            ) from error
        with contextlib.suppress(OSError, KeyError):  # it only identifies this process to waiting ones
            holder.write_text(f"process {os.getpid()} of {getpass.getuser()} on {platform.node()}")
    try:
        yield
    finally:
        lock.release()


def _holding(holder: Path) -> str:
    """Describe the process that holds a lock, as it recorded itself, for a message; empty if it did not."""
    try:
        return f" ({holder.read_text()})"
    except (OSError, ValueError):
        return ""

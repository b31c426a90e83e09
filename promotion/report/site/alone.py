"""One run at a time writes to the folder of a site."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promotion.progress import Progress


@contextmanager
def alone_in(folder: Path, progress: Progress) -> Iterator[None]:
    """Wait until no other process writes a site to this folder, and keep others waiting.

    Of two runs at once, the one that read the ledger first could write a report just before the other writes the page
    of the model, which vouches for the reports that are older. Where folders cannot be locked, nothing waits.
    """
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(ImportError, OSError):  # on Windows; on some network drives
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            opened.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress(f"Waiting for another process that writes to {folder}")
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield

"""A second process that looks at all versions of a model, while an audit reads the ledger in the first."""

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from promotion.errors import PromotionError
from promotion.interfaces import Digests, Stored
from promotion.vocabulary import Tag

FEWEST = 2_000
"""With fewer versions, starting the process costs more than it gains."""


class Seen(NamedTuple):
    """A version, and its digests; None if it is torn or a file cannot be read."""

    stored: Stored
    digests: Digests | None


class Ahead:
    """Looks at the versions of a model in a second process.

    Args:
        home: folder of the store.
        cache: folder of the audit's cache, which that process uses, too.
        full: whether to hash every file.
    """

    def __init__(self, home: Path, cache: Path, model: str, *, full: bool) -> None:
        self.model, self._home, self._asked = model, home, False
        given = [str(home), str(cache), model, "full" if full else ""]
        command = [sys.executable, "-P", "-c", f"from {__name__} import main; main()", *given]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - ours

    def result(self) -> Sequence[Seen] | None:
        """Wait for the process, and return all versions by name, once; None if it failed, so the caller looks."""
        if self._asked:
            return None
        self._asked = True
        out, _ = self._process.communicate()
        if self._process.returncode:
            return None
        rows = pickle.loads(out)  # from a process of our own
        folder = self._home / "models" / self.model
        return tuple(_restored(folder, self.model, pickle.loads(row)) for row in rows)

    def close(self) -> None:
        """End the process, if nobody waited for it."""
        if not self._asked:
            self._process.kill()
            self._process.communicate()


def pays(versions: int) -> bool:
    """Whether a second process is faster."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return versions >= FEWEST and cores > 1 and bool(sys.executable)


def main() -> None:
    """Look at the versions, and write them to standard output."""
    from promotion.adapters.bento.digest_cache import digest_cached

    home, cache, model, full = sys.argv[1:]
    rows = []  # as bytes, which need a tenth of the memory
    with digest_cached(Path(home), Path(cache), full=bool(full)) as store:
        for one in store.each(model):
            digests = None
            with contextlib.suppress(PromotionError, OSError):
                digests = store.digests(one.tag) if one.torn is None else None
            rows.append(pickle.dumps(_row(one, digests), protocol=pickle.HIGHEST_PROTOCOL))
    pickle.dump(rows, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)


def _row(one: Stored, digests: Digests | None) -> tuple[Any, ...]:
    whole, files = (digests.whole, digests.files) if digests else (None, None)
    return one.tag.version, one.stage, dict(one.labels), dict(one.metadata), one.torn, whole, files


def _restored(folder: Path, model: str, row: Sequence[Any]) -> Seen:
    version, stage, labels, metadata, torn, whole, files = row
    stored = Stored(
        tag=Tag(model, version), path=folder / version, stage=stage, labels=labels, metadata=metadata, torn=torn
    )
    return Seen(stored, Digests(whole=whole, files=files) if whole else None)

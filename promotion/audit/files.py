"""Check the data files that trained and judged the serving and waiting versions against the ledger."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.data_folders import data_digest, digests_so_far, files_of, is_several
from promotion.findings import Code, Finding, finding
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Body, Judgement, Registration
from promotion.ledger.state import State
from promotion.vocabulary import Stage

if TYPE_CHECKING:
    from promotion.policy import HoldoutUsed

_Uses = dict[str, dict[str, int]]
"""Maps a file to the digests of its bytes, and each digest to the `seq` of the last entry that used it."""

_NEWER = "Retrain to use the new rows. Nothing is wrong."


class Files:
    """Collects the files that trained and judged each version, with the digests of their bytes at that time."""

    def __init__(self) -> None:
        self._recorded: _Uses = {}
        self._of: dict[str, list[tuple[int, str, str]]] = {}
        self._earlier: Iterable[Entry] = ()

    def begin_after(self, earlier: Iterable[Entry]) -> None:
        """Read these entries, which are not taken in, if a file does not have the bytes of those that are."""
        self._earlier = earlier

    def take(self, entry: Entry, body: Body) -> None:
        """Take in the next entry."""
        used: Registration | HoldoutUsed | None = body if isinstance(body, Registration) else None
        if isinstance(body, Judgement):
            used = body.decision.holdout
        if isinstance(body, Registration | Judgement) and used and used.data and used.data_digest:
            recorded = self._recorded.setdefault(used.data, {})
            recorded[used.data_digest] = max(entry.seq, recorded.get(used.data_digest, 0))
            self._of.setdefault(body.tag, []).append((entry.seq, used.data, used.data_digest))

    def check(self, state: State, root: Path, only: Collection[str] | None = None) -> Iterator[Finding]:
        """Check that each file of a serving or waiting version has its recorded bytes, or those of a later entry.

        Relative paths start from `root`. `only` names the versions that are checked; None for all.
        """
        wanted: _Uses = {}
        standing = (*state.in_stage(Stage.PROD), *state.in_stage(Stage.STAGING))
        uses = (use for tag in standing if only is None or tag in only for use in self._of.get(tag, ()))
        for seq, file, digest in sorted(uses):
            wanted.setdefault(file, {})[digest] = seq
        for file, digests in wanted.items():
            found = tuple(_check(root / file, file, digests, self._recorded[file]))
            if found and self._earlier:
                for entry in self._earlier:
                    self.take(entry, entry.content())
                self._earlier = ()
                found = tuple(_check(root / file, file, digests, self._recorded[file]))
            yield from found


def _check(path: Path, file: str, wanted: Mapping[str, int], recorded: Mapping[str, int]) -> Iterator[Finding]:
    newest = max(wanted, key=lambda digest: wanted[digest])
    expected = f"a file with digest {newest[:12]}, as used in entry {wanted[newest]}"
    again = "Put the file back, or judge on new rows with `promotion gate TAG --data FILE`."
    try:
        digest = data_digest(path)
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"a file that cannot be read ({error})"
        yield finding(Code.DATA_GONE, file, expected, found, again)
        return
    if recorded.get(digest, 0) >= wanted[newest]:
        return
    if is_several(path) and not wanted.keys().isdisjoint(digests_so_far(path, files_of(path))):
        yield finding(Code.DATA_NEWER, file, expected, "the same files and new ones after them", _NEWER)
    elif path.suffix != ".parquet" and path.is_file() and _begins_with(path, wanted):
        yield finding(Code.DATA_NEWER, file, expected, "the same file with new rows at its end", _NEWER)
    else:
        yield finding(Code.DATA_CHANGED, file, expected, f"digest {digest[:12]}", again)


def _begins_with(path: Path, digests: Mapping[str, int]) -> bool:
    """Whether the file starts, up to the end of a line, with bytes that have one of the digests."""
    so_far = hashlib.sha256()
    with path.open("rb") as lines:
        for line in lines:
            so_far.update(line)
            if so_far.hexdigest() in digests:
                return True
    return False

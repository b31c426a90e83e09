"""The data files held against the ledger: those that trained and judged the versions which serve or wait."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from promotion.registry.audit.findings import Code, Finding, finding
from promotion.registry.entries import Entry
from promotion.registry.state import State
from promotion.rows import file_digest
from promotion.vocabulary import Stage

_Uses = Mapping[str, Mapping[str, int]]
"""File to digest of its bytes to `seq` of the last entry that used it so."""


def check_files(state: State, entries: Sequence[Entry], root: Path) -> Iterator[Finding]:
    """Each file once: it is there, and holds the bytes that it held, or those that a later entry used.

    Args:
        state: of the ledger.
        entries: of the ledger.
        root: the folder that relative paths count from.
    """
    standing = {one.tag for one in state.versions.values() if one.stage in {Stage.PROD, Stage.STAGING}}
    uses = [use for entry in entries if entry.kind in {"registration", "decision"} for use in _uses(entry)]
    recorded = _by_file((file, digest, seq) for file, digest, seq, _ in uses)
    wanted = _by_file((file, digest, seq) for file, digest, seq, tag in uses if tag in standing)
    for file, digests in wanted.items():
        yield from _check(root / file, file, digests, recorded[file])


def _uses(entry: Entry) -> Iterator[tuple[str, str, int, str]]:
    """Of a registration or decision, read as it stands: thousands are looked at for a few files."""
    body = entry.body
    used = (body["decision"].get("holdout") or {}) if entry.kind == "decision" else body
    if used.get("data") and used.get("data_digest"):
        yield used["data"], used["data_digest"], entry.seq, body["tag"]


def _by_file(uses: Iterator[tuple[str, str, int]]) -> _Uses:
    found: dict[str, dict[str, int]] = {}
    for file, digest, seq in uses:
        found.setdefault(file, {})[digest] = seq
    return found


def _check(path: Path, file: str, wanted: Mapping[str, int], recorded: Mapping[str, int]) -> Iterator[Finding]:
    newest = max(wanted, key=lambda digest: wanted[digest])
    expected = f"bytes with digest {newest[:12]}, as used in entry {wanted[newest]}"
    again = "Put the file back, or judge by fresh rows: `promotion gate TAG --data FILE`."
    try:
        digest = file_digest(path)
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"a file that cannot be read ({error})"
        yield finding(Code.DATA_GONE, file, expected, found, again)
        return
    if recorded.get(digest, 0) >= wanted[newest]:
        return
    if path.suffix != ".parquet" and _begins_with(path, wanted):
        mend = "Nothing is wrong: retrain, so that a version is judged by them."
        yield finding(Code.DATA_NEWER, file, expected, "these bytes, and newer rows after them", mend)
    else:
        yield finding(Code.DATA_CHANGED, file, expected, f"digest {digest[:12]}", again)


def _begins_with(path: Path, digests: Mapping[str, int]) -> bool:
    """Whether the file begins, up to the end of a line, with bytes of one of the digests."""
    so_far = hashlib.sha256()
    with path.open("rb") as lines:
        for line in lines:
            so_far.update(line)
            if so_far.hexdigest() in digests:
                return True
    return False

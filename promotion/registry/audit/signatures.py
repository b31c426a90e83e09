"""Signatures held against the public keys of the configuration.

A hash covers all entries before it, so that a signature vouches for them too: entries from before keys came into use
need none. After the first signed entry every one must be signed.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from promotion.registry.audit.findings import Code, Finding, finding
from promotion.registry.entries import Entry
from promotion.seams import Keyring


def check_signatures(entries: Sequence[Entry], keys: Keyring) -> Iterator[Finding]:
    """Every signature is of its entry and by a known key, and from the first one on none is missing."""
    first = next((index for index, entry in enumerate(entries) if entry.signature is not None), len(entries))
    if first == len(entries):
        if entries:
            yield _never_signed(entries)
        return
    for signed, group in groupby(entries[first:], key=lambda entry: entry.signature is not None):
        run = tuple(group)
        if not signed:
            yield _unsigned(run)
            continue
        for entry in run:
            yield from _check(entry, keys)


def _check(entry: Entry, keys: Keyring) -> Iterator[Finding]:
    assert entry.signature is not None  # noqa: S101 - the caller has filtered
    name = keys.claimed(entry.signature)
    subject = f"entry {entry.seq}"
    if name is None:
        yield finding(
            Code.UNKNOWN_KEY,
            subject,
            "a signature by a key of [public_keys]",
            f"{entry.signature[:32]}…, as it says by {entry.actor}",
            "Add the key to [public_keys] if it is one of yours; if not, someone else wrote to the ledger: restore it "
            "from a backup.",
        )
    elif not keys.vouches(entry.hash, entry.signature):
        yield finding(
            Code.FALSE_SIGNATURE,
            subject,
            f"a signature of hash {entry.hash[:12]} by key '{name}'",
            "a signature that does not verify",
            "The entry or its signature was changed from outside. Restore the ledger from a backup.",
        )


def _unsigned(run: Sequence[Entry]) -> Finding:
    actors = ", ".join(dict.fromkeys(entry.actor for entry in run))
    return finding(
        Code.UNSIGNED,
        _named(run),
        "signatures, since an earlier entry is signed",
        f"none; recorded as by {actors}",
        "Ask them. If they did this, give them a signing key: what is unsigned stays so. If not, the ledger was "
        "changed from outside: restore it from a backup.",
    )


def _never_signed(entries: Sequence[Entry]) -> Finding:
    return finding(
        Code.NEVER_SIGNED,
        _named(entries),
        "a signature by a key of [public_keys]",
        "none in the whole ledger",
        "If keys have only just come into use, the next change that is recorded vouches for all before it. If not, "
        "this is another ledger: restore yours from a backup.",
    )


def _named(run: Sequence[Entry]) -> str:
    return f"entry {run[0].seq}" if len(run) == 1 else f"entries {run[0].seq} to {run[-1].seq}"

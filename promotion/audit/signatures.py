"""Check signatures against the public keys in the configuration.

A hash covers all entries before it, so a signature vouches for them too: entries from before the first signature need
none. After the first signed entry, every entry must be signed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from promotion.findings import Code, Finding, finding
from promotion.interfaces import Keyring
from promotion.ledger.chain import Entry


@dataclass
class _Unsigned:
    """Consecutive entries without a signature: the first, the last, and their authors."""

    first: int
    last: int
    actors: dict[str, None] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"


class Signatures:
    """Checks that every signature verifies with a known key, and that none is missing after the first signed entry.

    Args:
        keys: the public keys in the configuration.
    """

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._any_signed = False
        self._run: _Unsigned | None = None
        self._found: list[Finding] = []

    def take(self, entry: Entry) -> None:
        """Take in the next entry."""
        if entry.signature is None:
            self._run = self._run or _Unsigned(entry.seq, entry.seq)
            self._run.last = entry.seq
            self._run.actors[entry.actor] = None
            return
        if self._run and self._any_signed:
            self._found.append(_unsigned(self._run))
        self._run, self._any_signed = None, True
        self._found += _check(entry, entry.signature, self._keys)

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the entries taken in."""
        yield from self._found
        if self._run:
            yield _unsigned(self._run) if self._any_signed else _never_signed(self._run)


def _check(entry: Entry, signature: str, keys: Keyring) -> Iterator[Finding]:
    name = keys.claimed(signature)
    subject = f"entry {entry.seq}"
    if name is None:
        yield finding(
            Code.UNKNOWN_KEY,
            subject,
            "a signature by a key of [public_keys]",
            f"{signature[:32]}…, recorded as by {entry.actor}",
            "Add the key to [public_keys] if it is yours. If not, restore the ledger from a backup, because someone "
            "else wrote to it.",
        )
    elif not keys.vouches(entry.hash, signature):
        yield finding(
            Code.FALSE_SIGNATURE,
            subject,
            f"a signature of hash {entry.hash[:12]} by key '{name}'",
            "a signature that does not verify",
            "Restore the ledger from a backup. Something other than `promotion` changed the entry or its signature.",
        )


def _unsigned(run: _Unsigned) -> Finding:
    return finding(
        Code.UNSIGNED,
        str(run),
        "signatures, because an earlier entry is signed",
        f"no signatures; recorded as by {', '.join(run.actors)}",
        "Ask them. If they made these changes, give them a signing key; these entries stay unsigned. If not, restore "
        "the ledger from a backup.",
    )


def _never_signed(run: _Unsigned) -> Finding:
    return finding(
        Code.NEVER_SIGNED,
        str(run),
        "a signature by a key of [public_keys]",
        "no signature in the whole ledger" if run.first == 1 else f"no signature from entry {run.first} on",
        "Record the next change with a key, which vouches for all earlier entries. If keys have been in use before, "
        "this is a different ledger: restore yours from a backup.",
    )

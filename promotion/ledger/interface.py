"""Protocols of the ledger: the store of entries, and the keys that verify their signatures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.ledger.chain import Entry, Head
    from promotion.ledger.checkpoint import Checkpoint

Names = Mapping[str, str | None]
"""Alias to version; None for an alias without a version."""


class LedgerStore(Protocol):
    """Append-only entries per model, ordered by `seq`, and a small head for each model."""

    @property
    def place(self) -> str:
        """Readable location, never with a password."""

    def make(self) -> None:
        """Create the store if it does not exist; read-only callers never call this."""

    def is_made(self) -> bool:
        """Return whether the store exists. One that does not exist reads like an empty one."""

    def models(self) -> tuple[str, ...]:
        """Return the names of all models with entries."""

    def head(self, model: str) -> "Head | None":
        """Return the position of the last entry and the champion; None if nothing is recorded."""

    def entries(
        self, model: str, *, after: int = 0, limit: int | None = None, last: int | None = None, since: str | None = None
    ) -> "Sequence[Entry]":
        """Return entries in order, reading no others.

        Args:
            model: its name.
            after: only those with a higher `seq`.
            limit: at most the first of them.
            last: at most the last of them; not together with `limit`.
            since: only those recorded at this time or later, by their own times: ISO 8601 in UTC,
                as in `Entry.at`.
        """

    def checkpoint(self, model: str) -> "Checkpoint | None":
        """Return the checkpoint that was kept last; None if there is none."""

    def keep(self, checkpoint: "Checkpoint") -> None:
        """Keep a checkpoint in place of an earlier one. It is derived: if it cannot be kept, nothing is lost."""

    def append(self, entries: "Sequence[Entry]", head: "Head") -> None:
        """Append all entries and move the head, atomically.

        Raises:
            Conflict: the first entry's `seq` is taken.
        """

    def mirrored(self, model: str) -> int:
        """Return the `seq` up to which the mirror is up to date; 0 initially."""

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is up to date up to `seq`."""

    def foreign(self, model: str) -> "Names":
        """Return the mirror's aliases that someone else had moved at the last check, even without entries."""

    def mark_foreign(self, model: str, aliases: "Names") -> None:
        """Record these aliases for `status`, which does not query the mirror. No decision uses them."""


class Keyring(Protocol):
    """The public keys that entry signatures are verified with."""

    def claimed(self, signature: str) -> str | None:
        """Return the name of the key that a signature claims; None if it is not one of these keys."""

    def vouches(self, entry_hash: str, signature: str) -> bool:
        """Return whether the signature is of this hash and by the key that it claims."""

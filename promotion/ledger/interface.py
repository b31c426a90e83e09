"""The doors of the record: the store of entries, and the keys that vouch for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promotion.ledger.chain import Entry, Head
Names = Mapping[str, str | None]
"""Of aliases: the version that each names, None where it names none."""


class LedgerStore(Protocol):
    """Append-only entries per model, in order of `seq`, and a small head for each."""

    @property
    def place(self) -> str:
        """Where it is, as a person would recognise it; never with a password."""

    def make(self) -> None:
        """Make it where it is not there yet; whoever only reads never does."""

    def models(self) -> tuple[str, ...]:
        """Names of all models with entries."""

    def head(self, model: str) -> "Head | None":
        """The last entry's place and the champion; None when nothing is recorded."""

    def entries(self, model: str, *, after: int = 0, limit: int | None = None) -> "Sequence[Entry]":
        """The entries with `seq > after`, in order; the first `limit` of them."""

    def append(self, entries: "Sequence[Entry]", head: "Head") -> None:
        """Append all entries and move the head, or nothing.

        Raises:
            Conflict: the first entry's `seq` is taken.
        """

    def mirrored(self, model: str) -> int:
        """The `seq` up to which the mirror is done; 0 at first."""

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is done up to `seq`."""

    def foreign(self, model: str) -> "Names":
        """The mirror's aliases that somebody else moved, when last looked at; also of a model without entries."""

    def mark_foreign(self, model: str, aliases: "Names") -> None:
        """Record them: a note for `status`, which asks no mirror. Nothing is decided by it."""


class Keyring(Protocol):
    """The public keys that signatures of entries are held against."""

    def claimed(self, signature: str) -> str | None:
        """Name of the key that a signature says it is by; None where that is none of these keys."""

    def vouches(self, entry_hash: str, signature: str) -> bool:
        """Whether the signature is of this hash, and by the key that it says."""

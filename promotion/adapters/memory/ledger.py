"""The `LedgerStore` in memory."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from promotion.errors import Conflict
from promotion.interfaces import Names
from promotion.ledger.chain import Entry, Head


class MemoryLedger:
    """A `LedgerStore` that forgets; threads may share it."""

    place = "memory"

    def __init__(self) -> None:
        # One record of all models, replaced as a whole: readers need no lock, and see an append whole or not at all.
        self._records: Mapping[str, _Record] = {}
        self._foreign: dict[str, Names] = {}
        self._writing = Lock()

    def make(self) -> None:
        """There is nothing to make."""

    def models(self) -> tuple[str, ...]:
        """Names of all models with entries."""
        return tuple(sorted(self._records))

    def head(self, model: str) -> Head | None:
        """The last entry's place and the champion; None when nothing is recorded."""
        return self._records.get(model, _Record()).head

    def entries(self, model: str, *, after: int = 0, limit: int | None = None) -> Sequence[Entry]:
        """The entries with `seq > after`, in order; the first `limit` of them."""
        return self._records.get(model, _Record()).entries[after:][:limit]

    def append(self, entries: Sequence[Entry], head: Head) -> None:
        """Append all entries and move the head, or nothing."""
        self.append_all([(entries, head)])

    def append_all(self, chains: Sequence[tuple[Sequence[Entry], Head]]) -> None:
        """Append to several models and move their heads: all of it or nothing."""
        with self._writing:
            records = dict(self._records)
            for entries, head in chains:
                record = records.get(head.model, _Record())
                _check_places(record.entries, entries)
                records[head.model] = record._replace(entries=(*record.entries, *entries), head=head)
            self._records = records

    def foreign(self, model: str) -> Names:
        """The mirror's aliases that somebody else moved, when they were last looked at."""
        return self._foreign.get(model, {})

    def mark_foreign(self, model: str, aliases: Names) -> None:
        """Record them."""
        self._foreign[model] = dict(aliases)

    def mirrored(self, model: str) -> int:
        """The `seq` up to which the mirror is done; 0 at first."""
        return self._records.get(model, _Record()).mirrored

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is done up to `seq`; never moves back."""
        with self._writing:
            record = self._records.get(model)
            if record and record.mirrored < seq:
                self._records = {**self._records, model: record._replace(mirrored=seq)}


class _Record(NamedTuple):
    entries: tuple[Entry, ...] = ()
    head: Head | None = None
    mirrored: int = 0


def _check_places(present: Sequence[Entry], new: Sequence[Entry]) -> None:
    """Each new entry has the next place, as the key of a table would have it."""
    for place, entry in enumerate(new, start=len(present) + 1):
        if entry.seq != place:
            taken = present[new[0].seq - 1 : new[0].seq]
            raise Conflict(new[0].model, new[0].seq, taken[0].actor if taken else "")

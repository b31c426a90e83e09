"""The `LedgerStore` in memory."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from promotion.errors import Conflict
from promotion.interfaces import Names
from promotion.ledger.chain import Entry, Head
from promotion.ledger.checkpoint import Checkpoint


class MemoryLedger:
    """A `LedgerStore` without persistence; threads may share it."""

    place = "memory"

    def __init__(self) -> None:
        # One record of all models, replaced as a whole: readers need no lock and never see part of an append.
        self._records: Mapping[str, _Record] = {}
        self._foreign: dict[str, Names] = {}
        self._checkpoints: dict[str, Checkpoint] = {}
        self._writing = Lock()

    def make(self) -> None:
        """Do nothing: there is nothing to create."""

    def is_made(self) -> bool:
        """Return True; it exists as long as this object."""
        return True

    def models(self) -> tuple[str, ...]:
        """Return the names of all models with entries."""
        return tuple(sorted(self._records))

    def head(self, model: str) -> Head | None:
        """Return the position of the last entry and the champion; None if nothing is recorded."""
        return self._records.get(model, _Record()).head

    def entries(
        self, model: str, *, after: int = 0, limit: int | None = None, last: int | None = None, since: str | None = None
    ) -> Sequence[Entry]:
        """Return the entries with `seq > after`, in order; at most the first `limit`, or the `last`."""
        found = self._records.get(model, _Record()).entries
        found = found[max(after, 0) : None if limit is None or since else max(after, 0) + limit]
        if since is not None:
            found = tuple(entry for entry in found if entry.at >= since)[:limit]
        return found if last is None else found[-last:]

    def append(self, entries: Sequence[Entry], head: Head) -> None:
        """Append all entries and move the head, atomically."""
        self.append_all([(entries, head)])

    def append_all(self, chains: Sequence[tuple[Sequence[Entry], Head]]) -> None:
        """Append to several models and move their heads, atomically."""
        with self._writing:
            records = dict(self._records)
            for entries, head in chains:
                record = records.get(head.model, _Record())
                _check_places(record.entries, entries)
                records[head.model] = record._replace(entries=(*record.entries, *entries), head=head)
            self._records = records

    def checkpoint(self, model: str) -> Checkpoint | None:
        """Return the checkpoint that was kept last."""
        return self._checkpoints.get(model)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint in place of an earlier one."""
        self._checkpoints[checkpoint.model] = checkpoint

    def foreign(self, model: str) -> Names:
        """Return the mirror's aliases that someone else had moved at the last check."""
        return self._foreign.get(model, {})

    def mark_foreign(self, model: str, aliases: Names) -> None:
        """Record these aliases."""
        self._foreign[model] = dict(aliases)

    def mirrored(self, model: str) -> int:
        """Return the `seq` up to which the mirror is up to date; 0 initially."""
        return self._records.get(model, _Record()).mirrored

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is up to date up to `seq`; never moves back."""
        with self._writing:
            record = self._records.get(model)
            if record and record.mirrored < seq:
                self._records = {**self._records, model: record._replace(mirrored=seq)}


class _Record(NamedTuple):
    entries: tuple[Entry, ...] = ()
    head: Head | None = None
    mirrored: int = 0


def _check_places(present: Sequence[Entry], new: Sequence[Entry]) -> None:
    """Check that each new entry has the next position, as a table's primary key would."""
    for place, entry in enumerate(new, start=len(present) + 1):
        if entry.seq != place:
            taken = present[new[0].seq - 1 : new[0].seq]
            raise Conflict(new[0].model, new[0].seq, taken[0].actor if taken else "")

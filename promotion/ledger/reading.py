"""The entries of a model, read from the ledger when they are used, so that a command reads only what it shows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import overload

from promotion.displayed import Displayed
from promotion.errors import LedgerError
from promotion.iso import in_utc
from promotion.ledger.chain import Entry
from promotion.ledger.interface import LedgerStore

Entries = Callable[..., Sequence[Entry]]
"""Reads entries of the model: `entries(after=0, limit=None)`."""

_PAGE = 500


class HistoryPart(Displayed, tuple[Entry, ...]):
    """Some entries of a model, oldest first."""

    __slots__ = ()


class History(Displayed, Sequence[Entry]):
    """The entries of a model, oldest first: entry `seq` is at index `seq - 1`. Reads them on access.

    Args:
        model: its name.
        read: reads entries of the model.
        length: number of entries.
    """

    def __init__(self, model: str, read: Entries, length: int) -> None:
        self._model, self._read, self._length = model, read, length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, place: int | slice) -> Entry | tuple[Entry, ...]:
        places = range(self._length)[place]
        if isinstance(places, int):
            return read_entry(self._read, self._model, places + 1)
        return HistoryPart(self.at(one + 1 for one in places) if len(places) else ())

    def __iter__(self) -> Iterator[Entry]:
        after = 0
        while after < self._length and (page := self._read(after=after, limit=min(_PAGE, self._length - after))):
            yield from page
            after = page[-1].seq

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def at(self, seqs: Iterable[int]) -> tuple[Entry, ...]:
        """Return the entries with these `seq`, in this order; reads neighbours together."""
        return tuple(entry for run in _runs(seqs) for entry in self._run(run))

    def _run(self, run: Sequence[int]) -> Sequence[Entry]:
        return self._read(after=run[0] - 1, limit=len(run))


def recorded(
    ledger: LedgerStore, model: str, *, last: int | None = None, since: datetime | None = None
) -> Sequence[Entry]:
    """Return the entries of a model: the last ones, those since a moment by their own times, or all, read on access."""
    if last is None and since is None:
        head = ledger.head(model)
        return History(model, partial(ledger.entries, model), head.seq if head else 0)
    begin = in_utc(since).astimezone(UTC).isoformat() if since else None
    return HistoryPart(ledger.entries(model, last=last, since=begin))


def read_entry(read: Entries, model: str, seq: int, digest: str | None = None) -> Entry:
    """Read one entry.

    Args:
        read: reads entries of the model.
        model: its name.
        seq: the entry.
        digest: the hash that it must have; None if that is not known.

    Raises:
        LedgerError: the entry is missing, or is not the one that was written.
    """
    found = read(after=seq - 1, limit=1)
    if not found or found[0].seq != seq or found[0].hash != found[0].expected_hash():
        raise changed(model, seq)
    if digest is not None and found[0].hash != digest:
        raise changed(model, seq)
    return found[0]


def changed(model: str, seq: int | None) -> LedgerError:
    """Return the error for an entry that is not the one that was written."""
    return LedgerError(
        f"Entry {seq} of '{model}' is not the one that was written: the ledger was changed from outside. "
        f"`promotion audit {model}` shows where. Restore it from a backup.",
        model=model,
        seq=seq,
    )


def _runs(seqs: Iterable[int]) -> Iterator[list[int]]:
    """Yield the numbers in runs that follow each other."""
    for _, run in groupby(enumerate(seqs), key=lambda one: one[1] - one[0]):
        yield [seq for _, seq in run]


def entries_at(history: Sequence[Entry], seqs: Iterable[int]) -> tuple[Entry, ...]:
    """Return the entries with these `seq` among all entries of a model."""
    return history.at(seqs) if isinstance(history, History) else tuple(history[seq - 1] for seq in seqs)

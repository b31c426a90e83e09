"""Export and import of the ledger as JSON lines; an import accepts a file only if every entry is valid."""

import hashlib
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, TypeVar, overload

from pydantic_core import from_json

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.chain import GENESIS, Entry, Head
from promotion.ledger.checkpoint import condensed
from promotion.ledger.folding import StateBuilder
from promotion.ledger.state import State
from promotion.vocabulary import is_name

_FORMAT, _VERSION = "promotion-ledger", 1
EXPORT_BEGINS = f'{{"format":"{_FORMAT}",'
"""The beginning of the first line of every export."""
T = TypeVar("T")
_PAGE, _BYTES = 500, 32


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line of an export.

    Attributes:
        format: `promotion-ledger`.
        version: version of the format.
        release: release of registry-flows that wrote it, e.g. `0.1.0`.
        models: `seq` and hash of each model's last entry, which reveal a truncated export.
    """

    format: str = _FORMAT
    version: int = _VERSION
    release: str
    models: dict[str, tuple[int, str]] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One model in an export: its entries, each checked, and the resulting head."""

    entries: Sequence[Entry]
    head: Head


def export_lines(chains: Mapping[str, Sequence[Entry]], *, release: str) -> Iterator[str]:
    """Yield the lines of an export without line ends: a header, then every entry, model by model, by `seq`."""
    ends = {model: (last.seq, last.hash) for model, entries in chains.items() for last in entries[-1:]}
    yield canonical_json(plain(Header(release=release, models=ends)))
    for entries in chains.values():
        yield from (canonical_json(plain(entry)) for entry in entries)


def lost_with(header: str, chains: Mapping[str, Sequence[Entry]]) -> tuple[str, ...]:
    """Return the models in an export's header that have entries missing from these chains."""
    try:
        models = {name: (int(seq), digest) for name, (seq, digest) in json.loads(header)["models"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return ("?",)
    return tuple(
        name
        for name, (seq, digest) in models.items()
        if digest not in {one.hash for one in chains.get(name, ())[seq - 1 : seq]}
    )


def read_export(lines: Iterable[bytes], *, name: str, file: BinaryIO | None = None) -> Mapping[str, Chain]:
    """Read the chains of an export, by model.

    Args:
        lines: all its lines.
        name: its name in messages.
        file: the file of these lines, if it can be read again; its entries are then not kept in
            memory, but read on access.

    Raises:
        LedgerError: a line is not as an export writes it, or is out of place; the message gives the
            line number.
    """
    reading = _Import(name, file)
    for line in lines:
        reading.take(line)
    return reading.chains()


def entries_to_append(chain: Chain, held: Sequence[Entry]) -> Sequence[Entry]:
    """Return the entries of the chain that a ledger with some entries of the model lacks.

    Raises:
        LedgerError: the ledger's entries are not the beginning of the chain.
    """
    model, n_held = chain.head.model, len(held)
    pairs = zip(held, chain.entries, strict=False)
    same = next((place for place, (ours, theirs) in enumerate(pairs) if ours != theirs), None)
    if same is None and n_held <= len(chain.entries):
        return chain.entries[n_held:]
    same = len(chain.entries) if same is None else same
    message = (
        f"The ledger has {n_held} entries of '{model}' and the export has {chain.head.seq}, but they differ after "
        f"entry {same}, so nothing was imported. An import can only continue a ledger at its end, or fill an empty one."
    )
    raise LedgerError(message, model=model, seq=same)


class EntriesOfFile(Sequence[Entry]):
    """Entries of an export that are read on access, and must not have changed since they were checked.

    Args:
        file: the export.
        name: its name in messages.
        offsets: where the line of each entry begins.
        digests: the digest of each line.
    """

    def __init__(
        self, file: BinaryIO, name: str, offsets: Iterable[int] = (), digests: bytes | bytearray = b""
    ) -> None:
        self._file, self._name = file, name
        self._offsets, self._digests = array("Q", offsets), bytearray(digests)

    def add(self, offset: int, line: bytes) -> None:
        """Add the entry of a line."""
        self._offsets.append(offset)
        self._digests += _digest(line)

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> "EntriesOfFile": ...
    def __getitem__(self, place: "int | slice") -> "Entry | EntriesOfFile":
        if isinstance(place, slice):
            start, stop, _ = place.indices(len(self))
            digests = self._digests[start * _BYTES : max(start, stop) * _BYTES]
            return EntriesOfFile(self._file, self._name, self._offsets[start:stop], digests)
        number = range(len(self))[place]
        self._file.seek(self._offsets[number])
        line = self._file.readline()
        if _digest(line) != self._digests[number * _BYTES : (number + 1) * _BYTES]:
            raise LedgerError(f"{self._name} changed while it was read. Nothing was imported.")
        return restore(Entry, from_json(line))


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()


class _Import:
    """An export while it is being read."""

    def __init__(self, name: str, file: BinaryIO | None) -> None:
        self._name, self._file, self._number, self._offset = name, file, 0, 0
        self._header: Header | None = None
        self._entries: dict[str, list[Entry] | EntriesOfFile] = {}
        self._last: dict[str, tuple[int, str]] = {}
        self._numbers: dict[str, array[int]] = {}

    def take(self, line: bytes) -> None:
        """Process the next line."""
        self._number += 1
        self._take(line)
        self._offset += len(line)

    def _take(self, line: bytes) -> None:
        data = self._data(line)
        if self._header is None:
            self._header = self._read_header(data, line)
            for model in self._header.models:
                self._entries[model] = [] if self._file is None else EntriesOfFile(self._file, self._name)
                self._numbers[model] = array("Q")
        else:
            entry = self._exactly(Entry, data, line)
            self._check(entry, self._header)
            entries = self._entries[entry.model]
            entries.append(entry) if isinstance(entries, list) else entries.add(self._offset, line)
            self._last[entry.model] = entry.seq, entry.hash
            self._numbers[entry.model].append(self._number)

    def chains(self) -> Mapping[str, Chain]:
        """Return the chains after all lines."""
        if self._header is None:
            raise self._refusal("is empty, but must begin with the header that `promotion ledger export` writes")
        for model, (seq, last) in self._header.models.items():
            end = self._last.get(model)
            if end != (seq, last):
                found = f"ends at entry {end[0]}" if end else "has no entry"
                raise self._refusal(f"is cut off: '{model}' must end at entry {seq}, as its header says, but {found}")
        return {model: self._chain(model, entries) for model, entries in self._entries.items()}

    def _data(self, line: bytes) -> Any:
        try:
            return json.loads(line.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            raise self._bad_line("is not a JSON value in UTF-8") from None

    def _read_header(self, data: Any, line: bytes) -> Header:
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise self._bad_line("is not the header of a ledger export")
        if data.get("version") != _VERSION:
            version = str(data.get("version"))[:20]
            raise self._bad_line(
                f"has format {version}, but this release reads format {_VERSION}. Install a newer release"
            )
        header = self._exactly(Header, data, line)
        for model in header.models:
            if not is_name(model):
                raise self._bad_line(f"names {ascii(model)[:80]}, which is not a model name")
        return header

    def _exactly(self, kind: type[T], data: Any, line: bytes) -> T:
        """Parse the line strictly: the value's only valid text is the line itself, so nothing in it is ignored."""
        try:
            value = restore(kind, data)
            written = canonical_json(plain(value)).encode()
        except (ValueError, RecursionError):
            written = b""
        if written != line.rstrip(b"\r\n"):
            raise self._bad_line(
                "is not in the form that an export writes: it was changed, or written by a different release"
            )
        return value

    def _check(self, entry: Entry, header: Header) -> None:
        """Check that the entry is unchanged and follows the previous one."""
        if entry.model not in header.models:
            raise self._bad_line(f"belongs to {ascii(entry.model)[:80]}, which the header does not name")
        seq, last = self._last.get(entry.model, (0, GENESIS))
        if entry.seq != seq + 1:
            raise self._bad_line(f"has entry {entry.seq} of '{entry.model}', but entry {seq + 1} must come next")
        if entry.prev_hash != last:
            raise self._bad_line(
                f"has entry {entry.seq} of '{entry.model}', whose previous hash is not the hash of entry {seq}"
            )
        if entry.hash != entry.expected_hash():
            raise self._bad_line(
                f"has entry {entry.seq} of '{entry.model}', which was changed: its hash does not match its content"
            )
        if not _is_moment(entry.at):
            raise self._bad_line(
                f"has entry {entry.seq} of '{entry.model}' dated {ascii(entry.at)[:60]}, which is not a time"
            )

    def _chain(self, model: str, entries: Sequence[Entry]) -> Chain:
        """Fold the entries, as the ledger does on reading."""
        builder, read = StateBuilder(State(model=model)), partial(_page, entries)
        for number, entry in zip(self._numbers[model], entries, strict=True):
            self._number = number
            self._fold(builder, entry)
            if entry.seq % _PAGE == 0:
                builder = StateBuilder(condensed(builder.state(), read))
        head = builder.state().head
        assert head is not None  # noqa: S101 - a model in a header has entries
        return Chain(entries=tuple(entries) if isinstance(entries, list) else entries, head=head)

    def _fold(self, builder: StateBuilder, entry: Entry) -> None:
        try:
            builder.take(entry)
        except Exception as error:  # anyone who computes valid hashes can write any content
            why = re.split(r"[.;] |\n", str(error))[0].rstrip(".")
            raise self._bad_line(f"cannot be imported ({why or type(error).__name__})") from error

    def _bad_line(self, what: str) -> LedgerError:
        return LedgerError(f"Line {self._number} of {self._name} {what}. Nothing was imported.")

    def _refusal(self, what: str) -> LedgerError:
        return LedgerError(f"{self._name} {what}. Nothing was imported.")


def _page(entries: Sequence[Entry], after: int = 0, limit: int | None = None) -> Sequence[Entry]:
    return entries[after : None if limit is None else after + limit]


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.isoformat() == text and moment.utcoffset() is not None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is never written")

"""Export and import of the ledger as JSON lines; an import accepts a file only if every entry is valid."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import LedgerError
from promotion.ledger.chain import GENESIS, Champion, Entry, Head
from promotion.ledger.folding import champions
from promotion.vocabulary import is_name

_FORMAT, _VERSION = "promotion-ledger", 1
EXPORT_BEGINS = f'{{"format":"{_FORMAT}",'
"""The beginning of the first line of every export."""
T = TypeVar("T")


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

    entries: tuple[Entry, ...]
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


def read_export(lines: Iterable[bytes], *, name: str) -> Mapping[str, Chain]:
    """Read the chains of an export, by model. `name` is the file's name in messages.

    Raises:
        LedgerError: a line is not as an export writes it, or is out of place; the message gives the
            line number.
    """
    reading = _Import(name)
    for line in lines:
        reading.take(line)
    return reading.chains()


def entries_to_append(chain: Chain, held: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries of the chain that a ledger with some entries of the model lacks.

    Raises:
        LedgerError: the ledger's entries are not the beginning of the chain.
    """
    model, n_held = chain.head.model, len(held)
    if tuple(held) == chain.entries[:n_held]:
        return chain.entries[n_held:]
    pairs = zip(held, chain.entries, strict=False)
    same = next((place for place, (ours, theirs) in enumerate(pairs) if ours != theirs), len(chain.entries))
    message = (
        f"The ledger has {n_held} entries of '{model}' and the export has {chain.head.seq}, but they differ after "
        f"entry {same}, so nothing was imported. An import can only continue a ledger at its end, or fill an empty one."
    )
    raise LedgerError(message, model=model, seq=same)


class _Import:
    """An export while it is being read."""

    def __init__(self, name: str) -> None:
        self._name, self._number = name, 0
        self._header: Header | None = None
        self._entries: dict[str, list[Entry]] = {}
        self._numbers: dict[str, list[int]] = {}

    def take(self, line: bytes) -> None:
        """Process the next line."""
        self._number += 1
        data = self._data(line)
        if self._header is None:
            self._header = self._read_header(data, line)
            self._entries = {model: [] for model in self._header.models}
            self._numbers = {model: [] for model in self._header.models}
        else:
            entry = self._exactly(Entry, data, line)
            self._check(entry, self._header)
            self._entries[entry.model].append(entry)
            self._numbers[entry.model].append(self._number)

    def chains(self) -> Mapping[str, Chain]:
        """Return the chains after all lines."""
        if self._header is None:
            raise self._refusal("is empty, but must begin with the header that `promotion ledger export` writes")
        for model, (seq, last) in self._header.models.items():
            entries = self._entries[model]
            if not entries or (entries[-1].seq, entries[-1].hash) != (seq, last):
                found = f"ends at entry {entries[-1].seq}" if entries else "has no entry"
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
        before = self._entries[entry.model]
        seq, last = (before[-1].seq, before[-1].hash) if before else (0, GENESIS)
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
        folding, champion = champions(model, entries), None
        for number in self._numbers[model]:
            self._number = number
            champion = self._folded(folding)
        head = Head(model=model, seq=entries[-1].seq, hash=entries[-1].hash, champion=champion)
        return Chain(entries=tuple(entries), head=head)

    def _folded(self, folding: Iterator[tuple[Entry, Champion | None]]) -> Champion | None:
        try:
            return next(folding)[1]
        except Exception as error:  # anyone who computes valid hashes can write any content
            why = re.split(r"[.;] |\n", str(error))[0].rstrip(".")
            raise self._bad_line(f"cannot be imported ({why or type(error).__name__})") from error

    def _bad_line(self, what: str) -> LedgerError:
        return LedgerError(f"Line {self._number} of {self._name} {what}. Nothing was imported.")

    def _refusal(self, what: str) -> LedgerError:
        return LedgerError(f"{self._name} {what}. Nothing was imported.")


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.isoformat() == text and moment.utcoffset() is not None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is never written")

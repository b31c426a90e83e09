"""The `LedgerStore` in a SQL database.

`(model, seq)` is the primary key of the entries, which makes an append a compare-and-set: of two writers that read the
same head, one inserts and the other gets a Conflict.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

from promotion.adapters.sql.connection import Connection
from promotion.adapters.sql.database import NOTHING, Database, Taken
from promotion.adapters.sql.schema import is_made, prepare
from promotion.adapters.sql.tables import BESIDE, entry_of, head_of, head_values, row_of
from promotion.canonical import canonical_json
from promotion.errors import Conflict, LedgerError
from promotion.interfaces import Names
from promotion.ledger.chain import Entry, Head
from promotion.ledger.checkpoint import Checkpoint
from promotion.ledger.recorded import note_recorded

_PAGE = 100
"""Number of rows that are inserted at once."""
_HEAD = "SELECT seq, hash, champion FROM heads WHERE model = ?"
_ENTRIES = """
    SELECT model, seq, kind, at, actor, body, prev_hash, hash, signature FROM entries
    WHERE model = ? AND seq > ? AND at{by_bytes} >= ? ORDER BY seq {order} LIMIT ?
"""
_APPEND = """
    INSERT INTO entries (model, seq, kind, at, actor, body, prev_hash, hash, signature)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_COLUMNS = ("model", "seq", "hash", "text", "digest")
_CHECKPOINT = "SELECT model, seq, hash, text, digest FROM checkpoints WHERE model = ?"


class SqlLedger:
    """A `LedgerStore` in the database at a URL.

    It creates its tables, and the SQLite file, on the first write.

    Raises:
        ConfigError: the URL cannot be used.
        LedgerError: the database cannot be used, or holds the ledger of another release.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._prepared, self._beside = False, set[str]()
        self.is_made()

    @property
    def place(self) -> str:
        """The URL without passwords."""
        return self._database.place

    def make(self) -> None:
        """Create the file and its tables if they are missing: before a long judgement rather than after."""
        if not self._prepared:
            prepare(self._database)
            self._prepared = True

    def is_made(self) -> bool:
        """Return whether the tables exist; another process may have created them since the last check."""
        self._prepared = self._prepared or is_made(self._database)
        return self._prepared

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Open a read-only transaction, which creates neither file nor tables."""
        with self._database.reading() if self.is_made() else self._database.nothing() as connection:
            yield connection

    def _has(self, connection: Connection, table: str) -> bool:
        """Return whether an optional table exists; once it does, that is not asked again."""
        if table not in self._beside and connection.has_table(table):
            self._beside.add(table)
        return table in self._beside

    def models(self) -> tuple[str, ...]:
        """Return the names of all models with entries."""
        with self._reading() as connection:
            return tuple(model for (model,) in connection.execute("SELECT model FROM heads ORDER BY model"))

    def head(self, model: str) -> Head | None:
        """Return the position of the last entry and the champion; None if nothing is recorded."""
        with self._reading() as connection:
            row = connection.execute(_HEAD, model).fetchone()
        return None if row is None else head_of(model, row)

    def entries(
        self, model: str, *, after: int = 0, limit: int | None = None, last: int | None = None, since: str | None = None
    ) -> Sequence[Entry]:
        """Return the entries with `seq > after`, in order; at most the first `limit`, or the `last`."""
        with self._reading() as connection:
            order, most = ("", limit) if last is None else ("DESC", last)
            wanted = _ENTRIES.format(by_bytes=connection.dialect.by_bytes, order=order)
            values = (model, after, since or "", sys.maxsize if most is None else most)
            rows = connection.execute(wanted, *values).fetchall()
            return tuple(entry_of(row) for row in (rows if last is None else reversed(rows)))

    def append(self, entries: Sequence[Entry], head: Head) -> None:
        """Append all entries and move the head, atomically."""
        self.append_all([(entries, head)])

    def append_all(self, chains: Sequence[tuple[Sequence[Entry], Head]]) -> None:
        """Append to several models and move their heads, atomically."""
        self.make()
        committing = False
        try:
            with self._database.writing() as connection:
                for entries, head in chains:
                    _append(connection, entries, head)
                committing = True
        except Taken as error:
            raise self._conflict([entries[0] for entries, _ in chains]) from error
        except LedgerError as error:
            if not committing:
                raise
            self._settle(error, chains[0][0][0])
        for entries, _ in chains:
            note_recorded(entries)

    def checkpoint(self, model: str) -> Checkpoint | None:
        """Return the checkpoint that was kept last."""
        with self._reading() as connection:
            if not self._has(connection, "checkpoints"):
                return None
            row = connection.execute(_CHECKPOINT, model).fetchone()
        return None if row is None else Checkpoint(**dict(zip(_COLUMNS, row, strict=True)))

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint in place of an earlier one; does nothing if the database takes none."""
        with suppress(LedgerError, Taken), self._database.alone() as connection:
            connection.execute(BESIDE["checkpoints"])
            connection.execute("DELETE FROM checkpoints WHERE model = ?", checkpoint.model)
            values = (getattr(checkpoint, name) for name in _COLUMNS)
            connection.execute(
                "INSERT INTO checkpoints (model, seq, hash, text, digest) VALUES (?, ?, ?, ?, ?)", *values
            )

    def mirrored(self, model: str) -> int:
        """Return the `seq` up to which the mirror is up to date; 0 initially."""
        with self._reading() as connection:
            return connection.value("SELECT mirrored FROM heads WHERE model = ?", model) or 0

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is up to date up to `seq`; never moves back."""
        self.make()
        with self._database.writing() as connection:
            connection.execute("UPDATE heads SET mirrored = ? WHERE model = ? AND mirrored < ?", seq, model, seq)

    def foreign(self, model: str) -> Names:
        """Return the mirror's aliases that someone else had moved at the last check."""
        with self._reading() as connection:
            if not self._has(connection, "foreign_aliases"):
                return {}
            text = connection.value("SELECT aliases FROM foreign_aliases WHERE model = ?", model)
        found: Names = json.loads(text) if text else {}
        return found

    def mark_foreign(self, model: str, aliases: Names) -> None:
        """Record these aliases if they changed."""
        if dict(self.foreign(model)) == dict(aliases):
            return
        self.make()
        with self._database.alone() as connection:
            connection.execute(BESIDE["foreign_aliases"])
            connection.execute("DELETE FROM foreign_aliases WHERE model = ?", model)
            if aliases:
                text = canonical_json(dict(aliases))
                connection.execute("INSERT INTO foreign_aliases (model, aliases) VALUES (?, ?)", model, text)

    def _conflict(self, firsts: Sequence[Entry]) -> Conflict:
        """Return the error that names the first writer, at the first position that is taken."""
        for first in firsts:
            taken = self.entries(first.model, after=first.seq - 1)
            if taken:
                return Conflict(first.model, first.seq, taken[0].actor)
        return Conflict(firsts[0].model, firsts[0].seq)

    def _settle(self, error: LedgerError, first: Entry) -> None:
        """See what became of an unanswered commit: it is atomic, so the first entry shows whether it took effect."""
        try:
            taken = self.entries(first.model, after=first.seq - 1)
        except LedgerError:
            message = (
                f"{str(error).removesuffix(NOTHING)}It is not known whether entry {first.seq} of '{first.model}' was "
                f"recorded. Check `promotion history {first.model}` before you run the command again."
            )
            raise LedgerError(message, model=first.model, seq=first.seq) from error
        if not taken or taken[0].hash != first.hash:
            raise error


def _append(connection: Connection, entries: Sequence[Entry], head: Head) -> None:
    rows = map(row_of, entries)
    while page := list(islice(rows, _PAGE)):
        connection.execute_many(_APPEND, page)
    first = entries[0]
    if first.seq == 1:
        made = "INSERT INTO heads (seq, hash, champion, model, mirrored) VALUES (?, ?, ?, ?, 0)"
        connection.execute(made, *head_values(head), head.model)
        return
    moved = "UPDATE heads SET seq = ?, hash = ?, champion = ? WHERE model = ? AND seq = ?"
    if connection.execute(moved, *head_values(head), head.model, first.seq - 1).rowcount != 1:
        raise Conflict(head.model, first.seq)

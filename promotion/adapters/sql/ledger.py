"""The `LedgerStore` in a SQL database.

`(model, seq)` is the primary key of the entries, which makes an append a compare-and-set: of two writers that read the
same head, one inserts and the other gets a Conflict.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

from sqlalchemy import Connection, Table, delete, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from promotion.adapters.sql.database import NOTHING, Database
from promotion.adapters.sql.schema import is_made, prepare
from promotion.adapters.sql.tables import by_bytes, checkpoints, entry_of, foreign, head_of, head_values, heads, row_of
from promotion.adapters.sql.tables import entries as entries_table
from promotion.canonical import canonical_json
from promotion.errors import Conflict, LedgerError
from promotion.interfaces import Names
from promotion.ledger.chain import Entry, Head
from promotion.ledger.checkpoint import Checkpoint
from promotion.ledger.recorded import note_recorded

_PAGE = 100
"""Number of rows that are inserted at once."""


class SqlLedger:
    """A `LedgerStore` in the database at a SQLAlchemy URL.

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

    def _has(self, connection: Connection, table: Table) -> bool:
        """Return whether an optional table exists; once it does, that is not asked again."""
        if table.name not in self._beside and inspect(connection).has_table(table.name):
            self._beside.add(table.name)
        return table.name in self._beside

    def models(self) -> tuple[str, ...]:
        """Return the names of all models with entries."""
        with self._reading() as connection:
            return tuple(connection.scalars(select(heads.c.model).order_by(heads.c.model)))

    def head(self, model: str) -> Head | None:
        """Return the position of the last entry and the champion; None if nothing is recorded."""
        with self._reading() as connection:
            row = connection.execute(select(heads).where(heads.c.model == model)).one_or_none()
        return None if row is None else head_of(row)

    def entries(
        self, model: str, *, after: int = 0, limit: int | None = None, last: int | None = None, since: str | None = None
    ) -> Sequence[Entry]:
        """Return the entries with `seq > after`, in order; at most the first `limit`, or the `last`."""
        columns = entries_table.c
        wanted = select(entries_table).where(columns.model == model, columns.seq > after)
        with self._reading() as connection:
            if since is not None:
                wanted = wanted.where(by_bytes(columns.at, connection.dialect.name) >= since)
            if last is None:
                rows = connection.execute(wanted.order_by(columns.seq).limit(limit)).all()
            else:
                rows = connection.execute(wanted.order_by(columns.seq.desc()).limit(last)).all()[::-1]
            return tuple(entry_of(row) for row in rows)

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
        except IntegrityError as error:
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
            if not self._has(connection, checkpoints):
                return None
            row = connection.execute(select(checkpoints).where(checkpoints.c.model == model)).one_or_none()
        return None if row is None else Checkpoint(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint in place of an earlier one; does nothing if the database takes none."""
        with suppress(LedgerError, IntegrityError), self._database.alone() as connection:
            checkpoints.create(connection, checkfirst=True)
            connection.execute(delete(checkpoints).where(checkpoints.c.model == checkpoint.model))
            connection.execute(insert(checkpoints).values(**vars(checkpoint)))

    def mirrored(self, model: str) -> int:
        """Return the `seq` up to which the mirror is up to date; 0 initially."""
        with self._reading() as connection:
            return connection.scalar(select(heads.c.mirrored).where(heads.c.model == model)) or 0

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is up to date up to `seq`; never moves back."""
        self.make()
        behind = (heads.c.model == model) & (heads.c.mirrored < seq)
        with self._database.writing() as connection:
            connection.execute(update(heads).where(behind).values(mirrored=seq))

    def foreign(self, model: str) -> Names:
        """Return the mirror's aliases that someone else had moved at the last check."""
        with self._reading() as connection:
            if not self._has(connection, foreign):
                return {}
            text = connection.scalar(select(foreign.c.aliases).where(foreign.c.model == model))
        found: Names = json.loads(text) if text else {}
        return found

    def mark_foreign(self, model: str, aliases: Names) -> None:
        """Record these aliases if they changed."""
        if dict(self.foreign(model)) == dict(aliases):
            return
        self.make()
        with self._database.alone() as connection:
            foreign.create(connection, checkfirst=True)
            connection.execute(delete(foreign).where(foreign.c.model == model))
            if aliases:
                connection.execute(insert(foreign).values(model=model, aliases=canonical_json(dict(aliases))))

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
        connection.execute(insert(entries_table), page)
    first = entries[0]
    if first.seq == 1:
        connection.execute(insert(heads).values(model=head.model, mirrored=0, **head_values(head)))
        return
    ours = (heads.c.model == head.model) & (heads.c.seq == first.seq - 1)
    if connection.execute(update(heads).where(ours).values(**head_values(head))).rowcount != 1:
        raise Conflict(head.model, first.seq)

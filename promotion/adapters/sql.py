"""The ledger in a SQL database: SQLite by default.

`(model, seq)` is the primary key of the entries, so that appending is a compare-and-set: of two writers that read the
same head one inserts, the other gets a Conflict.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from promotion.canonical import canonical_json, plain, restore
from promotion.errors import ConfigError, Conflict, LedgerError
from promotion.registry.entries import Champion, Entry, Head
from promotion.secrets import without_password

_BUSY_SECONDS = 30
_metadata = MetaData()
_entries = Table(
    "entries",
    _metadata,
    Column("model", String(63), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", Text),
)
_heads = Table(
    "heads",
    _metadata,
    Column("model", String(63), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("champion", Text),
    Column("mirrored", Integer, nullable=False, default=0),
)


class SqlLedger:
    """A `LedgerStore` in the database at a SQLAlchemy URL; its tables are created on first use."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        with self._errors():
            _metadata.create_all(self._engine)

    def models(self) -> tuple[str, ...]:
        """Names of all models with entries."""
        with self._connection() as connection:
            return tuple(connection.scalars(select(_heads.c.model).order_by(_heads.c.model)))

    def head(self, model: str) -> Head | None:
        """The last entry's place and the champion; None when nothing is recorded."""
        with self._connection() as connection:
            row = connection.execute(select(_heads).where(_heads.c.model == model)).one_or_none()
        return None if row is None else _head(row)

    def entries(self, model: str, *, after: int = 0) -> Sequence[Entry]:
        """The entries with `seq > after`, in order."""
        wanted = select(_entries).where(_entries.c.model == model, _entries.c.seq > after).order_by(_entries.c.seq)
        with self._connection() as connection:
            return tuple(_entry(row) for row in connection.execute(wanted))

    def append(self, entries: Sequence[Entry], head: Head) -> None:
        """Append all entries and move the head, or nothing.

        Raises:
            Conflict: the first entry's `seq` is taken.
        """
        first = entries[0]
        try:
            with self._connection() as connection:
                connection.execute(insert(_entries), [_row(entry) for entry in entries])
                _move_head(connection, head, first)
        except IntegrityError as error:
            raise Conflict(first.model, first.seq, self._actor_of(first)) from error

    def mirrored(self, model: str) -> int:
        """The `seq` up to which the mirror is done; 0 at first."""
        with self._connection() as connection:
            return connection.scalar(select(_heads.c.mirrored).where(_heads.c.model == model)) or 0

    def mark_mirrored(self, model: str, seq: int) -> None:
        """Record that the mirror is done up to `seq`; never moves back."""
        behind = (_heads.c.model == model) & (_heads.c.mirrored < seq)
        with self._connection() as connection:
            connection.execute(update(_heads).where(behind).values(mirrored=seq))

    def _actor_of(self, entry: Entry) -> str:
        taken = self.entries(entry.model, after=entry.seq - 1)
        return taken[0].actor if taken else ""

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            place = without_password(self._engine.url.render_as_string(hide_password=True))
            why = without_password(str(error.orig).strip())
            message = f"The ledger at {place} cannot be used ({why}). Nothing was recorded."
            raise LedgerError(message) from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed)
        _make_folder(parsed.database)
        engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:  # ValueError: a port that is none
        message = (
            "The ledger's URL cannot be used: expected something like sqlite:///ledger.db or "
            f"postgresql+psycopg://user@host/db ({type(error).__name__})."
        )
        raise ConfigError(message) from None  # the cause may quote the URL, password and all
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"The ledger's folder {Path(database).parent} cannot be made ({error.strerror})."
            raise LedgerError(message) from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN itself: the driver would wait until the first write
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _move_head(connection: Connection, head: Head, first: Entry) -> None:
    champion = canonical_json(plain(head.champion)) if head.champion else None
    values = {"seq": head.seq, "hash": head.hash, "champion": champion}
    if first.seq == 1:
        connection.execute(insert(_heads).values(model=head.model, mirrored=0, **values))
        return
    ours = (_heads.c.model == head.model) & (_heads.c.seq == first.seq - 1)
    if connection.execute(update(_heads).where(ours).values(**values)).rowcount != 1:
        raise Conflict(head.model, first.seq)


def _row(entry: Entry) -> dict[str, Any]:
    return {**{name: getattr(entry, name) for name in Entry.__dataclass_fields__}, "body": canonical_json(entry.body)}


def _entry(row: Any) -> Entry:
    with _damage(f"Entry {row.seq} of '{row.model}'"):
        body = json.loads(row.body, parse_constant=_refuse)
    return Entry(**{**row._mapping, "body": body})  # noqa: SLF001 - SQLAlchemy's documented name


def _head(row: Any) -> Head:
    with _damage(f"The head of '{row.model}'"):
        champion = restore(Champion, json.loads(row.champion)) if row.champion else None
    return Head(model=row.model, seq=row.seq, hash=row.hash, champion=champion)


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Tell a row that someone else wrote over; pydantic's ValidationError and JSON's errors are ValueErrors."""
    try:
        yield
    except ValueError as error:
        message = f"{what} in the ledger is damaged: it does not hold what was written. Restore the ledger."
        raise LedgerError(message) from error


def _refuse(constant: str) -> None:
    message = f"{constant} is never written"
    raise ValueError(message)

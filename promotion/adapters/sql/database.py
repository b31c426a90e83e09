"""Transactions from a URL: per-database settings for durable commits, limited waits and readable errors.

Both drivers have the interface of Python's DB-API. The ledger's few statements are the same for both, with `?` for each
value.
"""

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from promotion.adapters.sql.connection import SQLITE, Connection, Dialect
from promotion.adapters.sql.sqlite import Sqlite
from promotion.adapters.sql.tables import TABLES
from promotion.adapters.sql.url import LedgerUrl, parsed
from promotion.errors import ConfigError, LedgerError
from promotion.secrets import without_password

NOTHING = "Nothing was recorded."


class Taken(Exception):
    """A key that a statement inserts is taken."""


class Driver(Protocol):
    """What differs between the databases."""

    dialect: Dialect

    @property
    def keeps(self) -> bool:
        """Whether a connection can be used again."""

    def connect(self) -> Any:
        """Return a new connection."""

    def begin(self, connection: Connection, *, writing: bool) -> None:
        """Begin a transaction."""

    def alone(self, connection: Connection) -> None:
        """Wait until no other transaction changes tables."""

    def is_alive(self, connection: Any) -> bool:
        """Return whether a connection that was idle can still be used."""

    def why(self, error: Exception) -> str:
        """Return what the driver's message lacks, to follow it; empty if nothing."""


class Database:
    """A database that reports errors as sentences.

    Attributes:
        place: its URL without passwords.
    """

    def __init__(self, url: str) -> None:
        named = parsed(url)
        self._secrets, self.place = named.secrets, named.place
        self._file = Sqlite.file_of(named) if named.on_sqlite else None
        self.driver: Driver = Sqlite(named) if named.on_sqlite else _postgresql(named)
        self._idle: dict[int, list[Any]] = {}
        # At the latest when the process ends: the last connection to an SQLite file merges the write-ahead log into it.
        weakref.finalize(self, _close, self._idle)

    @property
    def is_yet_to_be_made(self) -> bool:
        """Whether it is a file that is missing or empty."""
        try:
            return self._file is not None and not (self._file.exists() and self._file.stat().st_size)
        except OSError:  # no access to the folder; opening the file reports it
            return False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read-only transaction."""
        with self._transaction(writing=False) as connection:
            yield connection

    @contextmanager
    def nothing(self) -> Iterator[Connection]:
        """Open a transaction on empty tables in memory: for read-only callers, if the database does not exist yet."""
        with closing(sqlite3.connect(":memory:")) as empty:
            for table in TABLES.values():
                empty.execute(table)
            yield Connection(empty, SQLITE)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes. On SQLite, writers take turns, so what it reads stays current until it ends.

        Creates the file's folder if missing.
        """
        if self._file is not None:
            _make_folder(self._file)
        with self._transaction(writing=True) as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Open a transaction that changes tables, exclusive of others that do."""
        with self.writing() as connection:
            self.driver.alone(connection)
            yield connection

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Connection]:
        """Begin a transaction on a connection that nobody uses, or on a new one, and commit it."""
        with self._sentences():
            connection = Connection(self._connected(), self.driver.dialect)
            try:
                self.driver.begin(connection, writing=writing)
                yield connection
                connection.commit()
            except BaseException:
                with suppress(Exception):
                    connection.dbapi.rollback()
                connection.dbapi.close()
                raise
            self._idle_here().append(connection.dbapi) if self.driver.keeps else connection.dbapi.close()

    def _connected(self) -> Any:
        idle = self._idle_here()
        while idle:
            with suppress(IndexError):  # another thread took it
                connection = idle.pop()
                if self.driver.is_alive(connection):
                    return connection
                connection.close()
        return self.driver.connect()

    def _idle_here(self) -> list[Any]:
        """Return the idle connections of this process; those of a process that forked it are that process's own."""
        return self._idle.setdefault(os.getpid(), [])

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except self.driver.dialect.taken as error:
            raise Taken from error
        except self.driver.dialect.errors as error:
            message = f"The ledger at {self.place} cannot be used ({self._reason(error)}). {NOTHING}"
            raise LedgerError(message) from error

    def _reason(self, error: Exception) -> str:
        """Return the driver's message on one line, without passwords; for a rejected file, with the reason."""
        said = getattr(getattr(error, "diag", None), "message_primary", None) or error  # without the statement
        words = " ".join(str(said).split()).rstrip(".") + self.driver.why(error)
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return without_password(words)


def _close(idle: dict[int, list[Any]]) -> None:
    for connection in idle.pop(os.getpid(), []):
        connection.close()


def _make_folder(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The ledger's folder {database.parent} cannot be created ({error.strerror}).") from error


def _postgresql(url: LedgerUrl) -> Driver:
    try:
        from promotion.adapters.sql.postgresql import Postgresql
    except ImportError:
        raise ConfigError(
            "A ledger on PostgreSQL needs a driver that is not installed. "
            "Run `pip install 'registry-flows[postgresql]'`."
        ) from None
    return Postgresql(url)

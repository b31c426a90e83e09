"""Transactions from a URL: per-database settings for durable commits, limited waits and readable errors."""

import math
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from promotion.adapters.sql.sqlite import durable, may_write, open_file, why_refused
from promotion.adapters.sql.tables import metadata
from promotion.errors import ConfigError, LedgerError
from promotion.secrets import without_password

NOTHING = "Nothing was recorded."
_WAIT_SECONDS = 30
_LONGEST_SECONDS = 3600
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LOCK_NOT_AVAILABLE = "55P03"
_LOCK = 0x6C656467  # "ledg": any number that nothing else in the database is likely to lock


class Database:
    """A database that reports errors as sentences.

    Attributes:
        place: its URL without passwords.
    """

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self._secrets = (parsed.password, *(text for name, text in parsed.query.items() if "password" in name))
        self.place = without_password(parsed.render_as_string(hide_password=True))
        on_sqlite = parsed.get_backend_name() == "sqlite"
        self._file = Path(str(parsed.database)) if on_sqlite and "uri" not in parsed.query else None
        self._engine = _sqlite(parsed, self._file) if on_sqlite else _postgresql(parsed)
        # At the latest when the process ends: the last connection to an SQLite file merges the write-ahead log into it.
        weakref.finalize(self, self._engine.dispose)

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
        with self._sentences(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def nothing(self) -> Iterator[Connection]:
        """Open a transaction on empty tables in memory: for read-only callers, if the database does not exist yet."""
        with _empty().begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes. On SQLite, writers take turns, so what it reads stays current until it ends.

        Creates the file's folder if missing.
        """
        if self._file is not None:
            _make_folder(self._file)
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        with self._sentences(), engine.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Open a transaction that changes tables, exclusive of others that do."""
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            message = f"The ledger at {self.place} cannot be used ({self._reason(error)}). {NOTHING}"
            raise LedgerError(message) from error

    def _reason(self, error: SQLAlchemyError) -> str:
        """Return the driver's message on one line, without passwords; for a rejected file, with the reason."""
        cause = getattr(error, "orig", error)
        said = getattr(getattr(cause, "diag", None), "message_primary", None) or cause  # without the statement
        words = " ".join(str(said).split()).rstrip(".")
        if self._file is not None:
            words += why_refused(self._file, getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        elif getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            words += self._holders()
        for secret in filter(None, self._secrets):
            words = words.replace(str(secret), "***")
        return without_password(words)

    def _holders(self) -> str:
        """Describe the other sessions that have locked the tables; empty if that cannot be queried."""
        from promotion.adapters.sql.postgresql import holders

        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            return holders(connection)
        return ""


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: an invalid port
        raise _unusable(type(error).__name__) from None  # the cause may quote the URL with its password
    if parsed.drivername not in _DRIVERS:
        raise _unusable("the database or driver is not supported")
    if "@" in (parsed.host or ""):
        raise _unusable("write '@' in a password as %40")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _unusable(why: str) -> ConfigError:
    return ConfigError(
        f"The ledger's URL cannot be used: {why}. A URL looks like sqlite:///ledger.db or "
        "postgresql+psycopg://user@host/db."
    )


def _sqlite(url: URL, file: Path | None) -> Engine:
    """Create the engine of a file; SQLite URI filenames, which give no path, are opened by SQLite itself."""
    if url.database in {None, "", ":memory:"}:
        raise _unusable("a ledger in memory is lost at the end of each command")
    unknown = url.query.keys() - {"timeout"}
    if unknown and "uri" not in unknown:
        raise _unusable(f"SQLite has no option '{min(unknown)}'; it has timeout")
    # A file that only others can write is reopened for each read, because earlier content may be outdated.
    pool = {} if file is None or may_write(file) else {"poolclass": NullPool}
    engine = create_engine(url, connect_args={"timeout": _wait(url)}, **pool)
    if file is None:
        event.listen(engine, "connect", lambda connection, _: durable(connection))
    else:
        event.listen(engine, "do_connect", lambda _dialect, _record, given, named: open_file(file, *given, **named))
    event.listen(engine, "connect", _begun_by_us)
    event.listen(engine, "begin", _begin)
    return engine


@cache
def _empty() -> Engine:
    """Create an engine with empty tables, new in memory for each connection."""
    engine = create_engine("sqlite://", poolclass=NullPool)
    tables = [str(CreateTable(table).compile(engine)) for table in metadata.sorted_tables]
    event.listen(engine, "connect", lambda connection, _: [connection.execute(table) for table in tables])
    return engine


def _wait(url: URL) -> float:
    try:
        seconds = float(url.query.get("timeout", _WAIT_SECONDS))  # type: ignore[arg-type]  # a tuple when given twice
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise _unusable("timeout must be a number of seconds, at most an hour")
    return seconds


def _make_folder(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The ledger's folder {database.parent} cannot be created ({error.strerror}).") from error


def _begun_by_us(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy sends BEGIN itself: the driver would delay it until the first write


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _postgresql(url: URL) -> Engine:
    try:
        # READ COMMITTED, whatever the server's default: the second writer of an entry must see the first one's key.
        engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")
        from promotion.adapters.sql.postgresql import connect
    except ImportError:
        raise ConfigError(
            "A ledger on PostgreSQL needs a driver that is not installed. "
            "Run `pip install 'registry-flows[postgresql]'`."
        ) from None
    event.listen(engine, "do_connect", lambda _dialect, _record, given, named: connect(*given, **named))
    return engine

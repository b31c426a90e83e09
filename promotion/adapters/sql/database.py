"""From a URL to transactions: what each database needs so that a commit is durable, a wait ends and an error speaks."""

import atexit
import errno
import math
import os
import random
import shutil
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from promotion.adapters.files import whose
from promotion.adapters.owned_folders import private
from promotion.adapters.sql.tables import metadata
from promotion.errors import ConfigError, LedgerError
from promotion.secrets import without_password

NOTHING = "Nothing was recorded."
_WAIT_SECONDS = 30
_LONGEST_SECONDS = 3600
_SWITCH_SECONDS = (0.001, 0.02)
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
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
    """A database whose errors are sentences.

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
        # At the end of the process at the latest: whoever leaves a SQLite file last moves what waits beside it into it.
        weakref.finalize(self, self._engine.dispose)

    @property
    def is_yet_to_be_made(self) -> bool:
        """Whether it is a file that is not there, or an empty one."""
        try:
            return self._file is not None and not (self._file.exists() and self._file.stat().st_size)
        except OSError:  # a folder that this user may not enter: to be tried, and told of
            return False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._sentences(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def nothing(self) -> Iterator[Connection]:
        """A transaction on the tables without a row, in memory: for who only reads what is yet to be made."""
        with _empty().begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; what it reads stays so until it ends, on SQLite, where writers take turns.

        Makes the file's folder where it is not there.
        """
        if self._file is not None:
            _make_folder(self._file)
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        with self._sentences(), engine.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that changes tables, while no other one does."""
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
        """The driver's words, in one line and without a password; where a file is refused, why."""
        cause = getattr(error, "orig", error)
        said = getattr(getattr(cause, "diag", None), "message_primary", None) or cause  # without the statement
        words = " ".join(str(said).split()).rstrip(".")
        if self._file is not None:
            words += _why_refused(self._file, getattr(cause, "sqlite_errorcode", 0) & 0xFF)
        elif getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            words += self._holders()
        for secret in filter(None, self._secrets):
            words = words.replace(str(secret), "***")
        return without_password(words)

    def _holders(self) -> str:
        """Which other sessions have locked the tables; empty where that cannot be asked."""
        from promotion.adapters.sql.postgresql import holders

        with suppress(SQLAlchemyError), self._engine.begin() as connection:
            return holders(connection)
        return ""


def _why_refused(file: Path, code: int) -> str:
    """Owner and mode of a file that may not be opened or written; or that the disk takes nothing."""
    if code == sqlite3.SQLITE_CANTOPEN:
        return whose(file)
    if code != sqlite3.SQLITE_READONLY:
        return ""
    place = os.statvfs(file if file.exists() else file.parent)
    if place.f_flag & os.ST_RDONLY:
        return "; it lies on a disk that is mounted to be read only"
    return whose(file, os.W_OK) or "; the disk takes nothing more, so it could only be opened to read"


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is none
        raise _unusable(type(error).__name__) from None  # the cause may quote the URL, password and all
    if parsed.drivername not in _DRIVERS:
        raise _unusable("it names another database or driver")
    if "@" in (parsed.host or ""):
        raise _unusable("'@' in a password is written %40")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _unusable(why: str) -> ConfigError:
    return ConfigError(
        "The ledger's URL cannot be used: expected something like sqlite:///ledger.db or "
        f"postgresql+psycopg://user@host/db ({why})."
    )


def _sqlite(url: URL, file: Path | None) -> Engine:
    """The engine of a file; of a URL of SQLite's own, which names no path, with SQLite's own ways to open it."""
    if url.database in {None, "", ":memory:"}:
        raise _unusable("a ledger in memory is lost at the end of each command")
    unknown = url.query.keys() - {"timeout"}
    if unknown and "uri" not in unknown:
        raise _unusable(f"'{min(unknown)}' is no option of SQLite; timeout is")
    # A file that others may write to is opened anew for each look: what was read of it once may be old.
    pool = {} if file is None or _may_write(file) else {"poolclass": NullPool}
    engine = create_engine(url, connect_args={"timeout": _wait(url)}, **pool)
    if file is None:
        event.listen(engine, "connect", lambda connection, _: _durable(connection))
    else:
        event.listen(engine, "do_connect", lambda _dialect, _record, given, named: _open_sqlite(file, *given, **named))
    event.listen(engine, "connect", _begun_by_us)
    event.listen(engine, "begin", _begin)
    return engine


@cache
def _empty() -> Engine:
    """Tables without a row, new in memory for each connection."""
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
        raise _unusable("timeout is a number of seconds, an hour at most")
    return seconds


def _open_sqlite(file: Path, *arguments: Any, **parameters: Any) -> sqlite3.Connection:
    """Connect to write, or only to read where this user may not write or the disk is full."""
    if _may_write(file):
        with suppress(OSError):  # SQLite itself would let nobody but this user write to it
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o666))
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **parameters)
        try:
            _durable(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF not in _UNWRITABLE or not (file.exists() and file.stat().st_size):
                raise
        else:
            return connection
    reading: sqlite3.Connection = sqlite3.connect(_place_to_read(file), uri=True, **parameters)
    return reading


def _may_write(file: Path) -> bool:
    """Whether this user may write to the file, and make the files beside it that SQLite needs for that."""
    try:
        beside = file.with_name(f"{file.name}-shm")
        return not file.exists() or (
            os.access(file, os.W_OK) and os.access(beside if beside.exists() else file.parent, os.W_OK)
        )
    except OSError:  # a folder that this user may not enter: to be tried, and told of
        return True


def _place_to_read(file: Path) -> str:
    """Where SQLite reads the file and leaves nothing beside it.

    Opened to read, SQLite makes the file by which readers and writers know of each other, which would be this user's
    and keep the writers out. So the file alone is read, where nothing waits beside it to be moved into it.

    Where something waits and that file is not there, as in a copy or after a kill, a copy of both is read.

    Raises:
        LedgerError: no copy can be made.
    """
    waiting, beside = (file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))
    if not (waiting.exists() and waiting.stat().st_size):
        return f"{file.resolve().as_uri()}?immutable=1"
    if beside.exists():
        return f"{file.resolve().as_uri()}?mode=ro"
    try:
        return f"{_copied(file, waiting, _stamps(file, waiting)).as_uri()}?mode=rw"
    except OSError as error:
        message = (
            f"The ledger {file} cannot be read: entries wait in {waiting.name}, left by a command that was killed or "
            "was running when they were copied, and this user may not move them into it, nor make a copy of both "
            f"({error.strerror or error}). Run `promotion status` as a user who may write there."
        )
        raise LedgerError(message) from error


@cache
def _copied(file: Path, waiting: Path, stamps: tuple[tuple[int, int], ...]) -> Path:
    """Both in a private folder that is gone when this process ends; made once for as long as they do not change.

    Raises:
        OSError: no copy can be made, or they changed meanwhile.
    """
    stack = ExitStack()
    folder = stack.enter_context(private())
    atexit.register(stack.close)
    for one in (file, waiting):
        shutil.copyfile(one, folder / one.name)
    if _stamps(file, waiting) != stamps:
        raise OSError(errno.EAGAIN, "they changed meanwhile")
    return folder / file.name


def _stamps(*files: Path) -> tuple[tuple[int, int], ...]:
    """Time in nanoseconds and size in bytes of each."""
    return tuple((found.st_mtime_ns, found.st_size) for found in (one.stat() for one in files))


def _make_folder(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The ledger's folder {database.parent} cannot be made ({error.strerror})."
        raise LedgerError(message) from error


def _begun_by_us(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN itself: the driver would wait until the first write


def _durable(connection: Any) -> None:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _write_ahead(connection: Any) -> None:
    """Switch to a write-ahead log.

    Where two switch a new file at once, SQLite tells one of them at once that the database is locked: neither could
    wait for the other, since both read it. So this waits instead, as long as the connection would.
    """
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = time.monotonic() + milliseconds / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(random.uniform(*_SWITCH_SECONDS))  # noqa: S311 - so that two do not meet again
        else:
            return


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _postgresql(url: URL) -> Engine:
    try:
        # READ COMMITTED, whatever the server's default: of two writers of one entry the second meets the first's key.
        engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")
        from promotion.adapters.sql.postgresql import connect
    except ImportError:
        message = (
            "A ledger on PostgreSQL needs its driver, which is not installed: "
            "run `pip install 'registry-flows[postgresql]'`."
        )
        raise ConfigError(message) from None
    event.listen(engine, "do_connect", lambda _dialect, _record, given, named: connect(*given, **named))
    return engine

"""SQLite files: opened for writing if this user may write, else for reading without creating files beside them."""

import atexit
import errno
import math
import os
import random
import shutil
import sqlite3
import time
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from promotion.adapters.files import whose
from promotion.adapters.owned_folders import private
from promotion.adapters.sql.connection import SQLITE, Connection
from promotion.adapters.sql.url import LedgerUrl, unusable
from promotion.errors import LedgerError

_WAIT_SECONDS = 30
_LONGEST_SECONDS = 3600
_SWITCH_SECONDS = (0.001, 0.02)

_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class Sqlite:
    """The `Driver` of an SQLite file; SQLite URI filenames, which give no path, are opened by SQLite itself."""

    dialect = SQLITE

    def __init__(self, url: LedgerUrl) -> None:
        if url.host or url.login or url.port:
            raise unusable("a path needs a third slash, as in sqlite:///ledger.db")
        if url.database in {None, "", ":memory:"}:
            raise unusable("a ledger in memory is lost at the end of each command")
        unknown = url.query.keys() - {"timeout"}
        if unknown and "uri" not in unknown:
            raise unusable(f"SQLite has no option '{min(unknown)}'; it has timeout")
        self._file = self.file_of(url)
        self._name = str(self._file or f"{url.database}?{urlencode(_of_sqlite(url), doseq=True)}")
        self._parameters: dict[str, Any] = {"timeout": _wait(url), "isolation_level": None, "check_same_thread": False}

    @staticmethod
    def file_of(url: LedgerUrl) -> Path | None:
        """Return the path of the file; None for an SQLite URI filename."""
        return None if "uri" in url.query else Path(str(url.database)).absolute()

    @property
    def keeps(self) -> bool:
        """Whether the file stays open; one that only others can write is opened again, because it may be outdated."""
        return self._file is None or may_write(self._file)

    def connect(self) -> sqlite3.Connection:
        """Open the file."""
        if self._file is not None:
            return open_file(self._file, self._name, **self._parameters)
        connection: sqlite3.Connection = sqlite3.connect(self._name, uri=True, **self._parameters)
        durable(connection)
        return connection

    def begin(self, connection: Connection, *, writing: bool) -> None:
        """Begin a transaction: the driver itself would delay it until the first write."""
        connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")

    def alone(self, connection: Connection) -> None:
        """Do nothing: writers take turns."""

    def is_alive(self, connection: sqlite3.Connection) -> bool:  # noqa: ARG002 - as the protocol has it
        """Return True: a file does not go away."""
        return True

    def why(self, error: Exception) -> str:
        """Return why a file cannot be opened or written."""
        return why_refused(self._file, getattr(error, "sqlite_errorcode", 0) & 0xFF) if self._file else ""


def _of_sqlite(url: LedgerUrl) -> dict[str, Any]:
    """Return the parameters of an SQLite URI filename."""
    return {name: values for name, values in url.query.items() if name not in {"uri", "timeout"}}


def _wait(url: LedgerUrl) -> float:
    try:
        (text,) = url.query.get("timeout", [_WAIT_SECONDS])
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise unusable("timeout must be a number of seconds, at most an hour")
    return seconds


def why_refused(file: Path, code: int) -> str:
    """Return why a file cannot be opened or written: its owner and mode, or a full or read-only disk."""
    if code == sqlite3.SQLITE_CANTOPEN:
        return whose(file)
    if code != sqlite3.SQLITE_READONLY:
        return ""
    place = os.statvfs(file if file.exists() else file.parent)
    if place.f_flag & os.ST_RDONLY:
        return "; it is on a disk that is mounted read-only"
    return whose(file, os.W_OK) or "; the disk is full, so it was opened read-only"


def open_file(file: Path, *arguments: Any, **parameters: Any) -> sqlite3.Connection:
    """Connect for writing, or only for reading if this user may not write or the disk is full."""
    if may_write(file):
        with suppress(OSError):  # SQLite itself would create a file that only this user can write
            # Never open a file that exists: closing it again would release the locks of this process's connections,
            # and another process would remove the write-ahead log that they use.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **parameters)
        try:
            durable(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF not in _UNWRITABLE or not (file.exists() and file.stat().st_size):
                raise
        else:
            return connection
    reading: sqlite3.Connection = sqlite3.connect(_place_to_read(file), uri=True, **parameters)
    return reading


def may_write(file: Path) -> bool:
    """Return whether this user may write to the file and create the files beside it that SQLite needs."""
    try:
        beside = file.with_name(f"{file.name}-shm")
        return not file.exists() or (
            os.access(file, os.W_OK) and os.access(beside if beside.exists() else file.parent, os.W_OK)
        )
    except OSError:  # no access to the folder; opening the file reports it
        return True


def _place_to_read(file: Path) -> str:
    """Return a URI by which SQLite reads the file without creating files beside it.

    Even for reading, SQLite creates the shared-memory file that coordinates readers and writers; it
    would belong to this user and lock the writers out. If the write-ahead log is empty, the file is
    therefore read as immutable.

    If the log has entries and there is no shared-memory file, as in a copy or after a kill, a copy of both files is
    read.
    """
    waiting, beside = (file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))
    if not (waiting.exists() and waiting.stat().st_size):
        return f"{file.resolve().as_uri()}?immutable=1"
    if beside.exists():
        return f"{file.resolve().as_uri()}?mode=ro"
    try:
        return f"{_copied(file, waiting, _stamps(file, waiting)).as_uri()}?mode=rw"
    except OSError as error:
        raise LedgerError(
            f"The ledger {file} cannot be read: its latest entries are in {waiting.name}, because a command was killed "
            "or was running when the files were copied, and this user can neither merge them nor copy both files "
            f"({error.strerror or error}). Run `promotion status` as a user who can write there."
        ) from error


@cache
def _copied(file: Path, waiting: Path, stamps: tuple[tuple[int, int], ...]) -> Path:
    """Copy both files to a private folder that is deleted when this process ends; reused while they do not change."""
    stack = ExitStack()
    folder = stack.enter_context(private())
    atexit.register(stack.close)
    for one in (file, waiting):
        shutil.copyfile(one, folder / one.name)
    if _stamps(file, waiting) != stamps:
        raise OSError(errno.EAGAIN, "the files changed while they were copied")
    return folder / file.name


def _stamps(*files: Path) -> tuple[tuple[int, int], ...]:
    """Return the modification time in nanoseconds and the size in bytes of each file."""
    return tuple((found.st_mtime_ns, found.st_size) for found in (one.stat() for one in files))


def durable(connection: Any) -> None:
    """Make commits survive any crash of the machine, and let readers and a writer work at the same time."""
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _write_ahead(connection: Any) -> None:
    """Switch to a write-ahead log.

    If two processes switch a new file at the same time, SQLite immediately reports a locked database to one of them:
    neither can wait for the other, because both are reading. This function waits instead, up to the connection's
    timeout.
    """
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = time.monotonic() + milliseconds / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(random.uniform(*_SWITCH_SECONDS))  # noqa: S311 - only spreads out retries
        else:
            return

"""PostgreSQL by psycopg, with time limits, also for servers that accept data but do not answer."""

import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from promotion.adapters.sql.connection import Connection, Dialect
from promotion.adapters.sql.url import LedgerUrl

ANSWER_SECONDS = 45
"""Longer than the server's limits on locks and statements, so that a live server can report what it waited for."""

_LIMITS = {"lock_timeout": 30, "statement_timeout": 40, "idle_in_transaction_session_timeout": 60}
"""Server-side limits in seconds, so that a stalled session does not block others for longer."""

_NETWORK = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 15, "keepalives_interval": 5}
T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that limits the wait for each answer: keepalives do not detect a stalled proxy."""

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **keywords: Any) -> T:
        """Wait until the generator, one exchange with the server, is done.

        Raises:
            psycopg.OperationalError: there was no answer for `ANSWER_SECONDS`; the connection is
                closed.
        """
        return super().wait(self._bounded(gen), *arguments, **keywords)

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        until = time.monotonic() + ANSWER_SECONDS
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()
                    message = f"the server accepted the request but did not answer for {ANSWER_SECONDS} seconds"
                    raise psycopg.OperationalError(message)
                state = gen.send(ready)
        except StopIteration as done:
            answer: T = done.value
            return answer


_HOLDERS = """
    SELECT DISTINCT session.pid, session.usename, session.application_name, session.client_addr,
        extract(epoch FROM now() - session.xact_start)::int AS seconds
    FROM pg_locks AS held JOIN pg_stat_activity AS session USING (pid)
    WHERE held.granted AND held.relation IN ('entries'::regclass, 'heads'::regclass) AND session.pid <> pg_backend_pid()
    ORDER BY seconds DESC NULLS LAST LIMIT 1
"""
_LOCK = 0x6C656467  # "ledg": any number that nothing else in the database is likely to lock


class Postgresql:
    """The `Driver` of a PostgreSQL database."""

    dialect = Dialect(
        name="postgresql",
        mark="%s",
        table_named="SELECT 1 FROM pg_class WHERE relname = ? AND relkind IN ('r', 'v') AND pg_table_is_visible(oid)",
        by_bytes=' COLLATE "C"',
        errors=psycopg.Error,
        taken=psycopg.IntegrityError,
    )
    keeps = True

    def __init__(self, url: LedgerUrl) -> None:
        named = {"host": (url.host or "").strip("[]"), "port": url.port, "dbname": url.database, **url.login}
        given = {name: ",".join(values) for name, values in url.query.items()}
        self._parameters: dict[str, Any] = {**_NETWORK, **{name: text for name, text in named.items() if text}, **given}

    def connect(self) -> BoundedConnection:
        """Connect, with limits on a session's waits. libpq parameters in the URL override them.

        READ COMMITTED, whatever the server's default: the second writer of an entry must see the first one's key.
        """
        connection = BoundedConnection.connect(**self._parameters)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        for name, seconds in _LIMITS.items():
            connection.execute(f"SET {name} = '{seconds}s'".encode())
        connection.commit()
        return connection

    def begin(self, connection: Connection, *, writing: bool) -> None:
        """Do nothing: the first statement begins a transaction."""

    def alone(self, connection: Connection) -> None:
        """Wait until no other transaction changes tables."""
        connection.execute("SELECT pg_advisory_xact_lock(?)", _LOCK)

    def is_alive(self, connection: BoundedConnection) -> bool:
        """Return whether the server still answers."""
        with suppress(psycopg.Error):
            connection.execute("SELECT 1")
            connection.rollback()
            return True
        return False

    def why(self, error: Exception) -> str:
        """Describe the other session that has locked the tables, if one has; empty if that cannot be queried."""
        if isinstance(error, psycopg.errors.LockNotAvailable):
            with suppress(psycopg.Error), self.connect() as connection:
                return _holder(connection)
        return ""


def _holder(connection: BoundedConnection) -> str:
    """Describe the session that has held the ledger's tables longest, and how to end it; empty if none holds them."""
    found = connection.execute(_HOLDERS).fetchone()
    if found is None:
        return ""
    pid, user, application, address, seconds = found
    who = f"{user or 'another user'}{f' on {address}' if address else ''}"
    program = f", {application}," if application else ""
    return (
        f"; session {pid} of {who}{program} has held its tables for {seconds or 0} seconds. End it, "
        f"for example with SELECT pg_terminate_backend({pid}), and run the command again"
    )

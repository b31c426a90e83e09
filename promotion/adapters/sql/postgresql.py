"""A PostgreSQL connection with time limits, for servers that accept data but do not answer."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, text

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


_HOLDERS = text("""
    SELECT DISTINCT session.pid, session.usename, session.application_name, session.client_addr,
        extract(epoch FROM now() - session.xact_start)::int AS seconds
    FROM pg_locks AS held JOIN pg_stat_activity AS session USING (pid)
    WHERE held.granted AND held.relation IN ('entries'::regclass, 'heads'::regclass) AND session.pid <> pg_backend_pid()
    ORDER BY seconds DESC NULLS LAST LIMIT 1
""")


def holders(connection: Connection) -> str:
    """Describe the session that has held the ledger's tables longest, and how to end it; empty if none holds them."""
    found = connection.execute(_HOLDERS).first()
    if found is None:
        return ""
    who = f"{found.usename or 'another user'}{f' on {found.client_addr}' if found.client_addr else ''}"
    program = f", {found.application_name}," if found.application_name else ""
    return (
        f"; session {found.pid} of {who}{program} has held its tables for {found.seconds or 0} seconds. End it, "
        f"for example with SELECT pg_terminate_backend({found.pid}), and run the command again"
    )


def connect(*arguments: Any, **parameters: Any) -> BoundedConnection:
    """Connect, with limits on a session's waits. libpq parameters in the URL override them."""
    connection = BoundedConnection.connect(*arguments, **{**_NETWORK, **parameters})
    for name, seconds in _LIMITS.items():
        connection.execute(f"SET {name} = '{seconds}s'".encode())
    connection.commit()
    return connection

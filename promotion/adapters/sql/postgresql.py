"""A connection to PostgreSQL that gives up on a server which takes what it is sent and does not answer."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, text

ANSWER_SECONDS = 45
"""More than the server's own limits, so that a server that lives says what it waited for."""

_LIMITS = {"lock_timeout": 30, "statement_timeout": 40, "idle_in_transaction_session_timeout": 60}
"""Seconds after which the server breaks off: so that no session that stalls keeps the others waiting for longer."""

_NETWORK = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 15, "keepalives_interval": 5}
T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """Waits so long for each answer; a stalled proxy acknowledges every byte, so that no keepalive sees it."""

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **keywords: Any) -> T:
        """Wait until the generator, one exchange with the server, is done.

        Raises:
            psycopg.OperationalError: there was no answer for `ANSWER_SECONDS`; the connection is closed.
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
                    message = f"the server took the request and gave no answer for {ANSWER_SECONDS} seconds"
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
    """The session that has held the ledger's tables for longest, and how it is ended; empty where none holds them."""
    found = connection.execute(_HOLDERS).first()
    if found is None:
        return ""
    who = f"{found.usename or 'another user'}{f' on {found.client_addr}' if found.client_addr else ''}"
    program = f", {found.application_name}," if found.application_name else ""
    return (
        f"; session {found.pid} of {who}{program} has held its tables for {found.seconds or 0} seconds. End what it "
        f"does, or run SELECT pg_terminate_backend({found.pid}), and run this again"
    )


def connect(*arguments: Any, **parameters: Any) -> BoundedConnection:
    """Connect, with limits to what a session waits for. libpq's own parameters in the URL go before ours."""
    connection = BoundedConnection.connect(*arguments, **{**_NETWORK, **parameters})
    for name, seconds in _LIMITS.items():
        connection.execute(f"SET {name} = '{seconds}s'".encode())
    connection.commit()
    return connection

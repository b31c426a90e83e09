"""The ledger's database locked, full, read-only, unavailable or invalid: one sentence, nothing recorded."""

import multiprocessing
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import make_url

from promotion.adapters.sql import SqlLedger, database, postgresql
from promotion.adapters.sql.connection import Connection
from promotion.adapters.sql.url import parsed
from promotion.errors import ConfigError, Conflict, LedgerError
from promotion.ledger.chain import Head, chain
from promotion.ledger.entries import Registration
from promotion.secrets import without_password

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "s3cret"
N_PROCESSES = 16


def write(ledger, name="a", *, actor="os:alice", **fields):
    """Append one entry to the end."""
    body = Registration(tag=f"toy:{name}", digest=64 * "a", stage=None, **fields)
    (entry,) = chain("toy", ledger.head("toy"), [body], at=NOW, actor=actor)
    ledger.append([entry], Head(model="toy", seq=entry.seq, hash=entry.hash, champion=None))
    return entry


@contextmanager
def stalling_proxy(address):
    """A port that leads to a local socket; while the event is set it takes what the client sends and passes nothing."""
    stalled = threading.Event()

    def pump(source, target):
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not stalled.is_set():
                    target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def serve():
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(address)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], stalled


def refusal(work, *arguments, kind=LedgerError, **keywords):
    """The sentence that it is refused with."""
    with pytest.raises(kind) as raised:
        work(*arguments, **keywords)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ledger.db"


class TestSqlite:
    def test_what_is_committed_is_on_the_disk_and_readers_do_not_wait(self, file):
        ledger = SqlLedger(f"sqlite:///{file}")
        ledger.make()
        with ledger._database.writing() as connection:
            assert connection.value("PRAGMA journal_mode") == "wal"
            assert connection.value("PRAGMA synchronous") == 2  # FULL
            assert SqlLedger(f"sqlite:///{file}").head("toy") is None

    def test_a_second_connection_of_a_process_leaves_the_first_its_lock(self, file):
        """Another process that closes the file last would remove the log that the first still uses."""
        first = SqlLedger(f"sqlite:///{file}")
        write(first, "a")
        assert SqlLedger(f"sqlite:///{file}").head("toy").seq == 1
        elsewhere = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select count(*) from entries').fetchone()"
        )
        subprocess.run([sys.executable, "-c", elsewhere, file], check=True)
        assert file.with_name(f"{file.name}-wal").exists()
        write(first, "b")
        assert SqlLedger(f"sqlite:///{file}").head("toy").seq == 2

    def test_a_lock_that_is_not_let_go_is_waited_for_as_long_as_the_url_says(self, file):
        ledger = SqlLedger(f"sqlite:///{file}?timeout=0.1")
        write(ledger)
        with sqlite3.connect(file, isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            found = refusal(write, ledger, "b")
            other.execute("ROLLBACK")
        assert (
            found
            == f"The ledger at sqlite:///{file}?timeout=0.1 cannot be used (database is locked). Nothing was recorded."
        )
        write(ledger, "c")
        assert [entry.body["tag"] for entry in ledger.entries("toy")] == ["toy:a", "toy:c"]

    def test_a_full_disk_is_one_sentence_and_the_next_append_stands(self, file, monkeypatch):
        ledger = SqlLedger(f"sqlite:///{file}")
        begin = ledger._database.driver.begin

        def fill(connection, **keywords):
            begin(connection, **keywords)
            connection.execute("PRAGMA max_page_count = 12")

        monkeypatch.setattr(ledger._database.driver, "begin", fill)
        first = write(ledger)
        assert "cannot be used (database or disk is full). Nothing was recorded." in refusal(
            write, ledger, "b", data="x" * 100_000
        )
        second = write(ledger, "c")
        assert ledger.entries("toy") == (first, second)
        assert ledger.head("toy").seq == 2

    def test_a_full_file_system_is_one_sentence(self, tmp_path):
        if not (shutil.which("mount") and os.geteuid() == 0):
            pytest.skip("needs root, to mount a small file system")
        place = tmp_path / "small"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], check=False).returncode:
            pytest.skip("this machine lets nobody mount")
        try:
            ledger = SqlLedger(f"sqlite:///{place}/ledger.db")
            first = write(ledger)
            assert "Nothing was recorded." in refusal(write, ledger, "b", data="x" * 1_000_000)
            assert ledger.entries("toy") == (first,)
            write(ledger, "c")
            database._close(ledger._database._idle)
        finally:
            subprocess.run(["umount", "-l", place], check=True)

    def test_a_read_only_ledger_can_be_read_and_not_written(self, file, monkeypatch):
        first = write(SqlLedger(f"sqlite:///{file}"))
        monkeypatch.chdir(file.parent)
        ledger = SqlLedger(f"sqlite:///file:{file.name}?mode=ro&uri=true")
        assert ledger.entries("toy") == (first,)
        assert [*file.parent.glob("file:*")] == [], "a URL of SQLite's own names no path"
        assert "cannot be used (attempt to write a readonly database). Nothing was recorded." in refusal(
            write, ledger, "b"
        )

    def test_a_place_where_no_file_can_be_made_is_one_sentence(self):
        assert refusal(lambda: SqlLedger("sqlite:////proc/ledger.db").make()) == (
            "The ledger at sqlite:////proc/ledger.db cannot be used (unable to open database file). Nothing was recorded."
        )

    @pytest.mark.parametrize("content", [b"Dear diary, " * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
    def test_a_file_that_is_no_database_is_one_sentence_and_stays_as_it_is(self, file, content):
        file.write_bytes(content)
        assert refusal(SqlLedger, f"sqlite:///{file}").endswith("Nothing was recorded.")
        assert file.read_bytes() == content

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("sqlite://", "a ledger in memory is lost at the end of each command"),
            ("sqlite:///:memory:", "a ledger in memory is lost at the end of each command"),
            ("sqlite:///ledger.db?timeout=soon", "timeout must be a number of seconds, at most an hour"),
            ("sqlite:///ledger.db?timeout=inf", "timeout must be a number of seconds, at most an hour"),
            ("sqlite:///ledger.db?timeout=1&timeout=2", "timeout must be a number of seconds, at most an hour"),
            ("sqlite:///ledger.db?colour=red", "SQLite has no option 'colour'; it has timeout"),
            ("sqlite+aiosqlite:///ledger.db", "the database or driver is not supported"),
        ],
    )
    def test_a_url_that_cannot_hold_a_ledger_is_refused(self, url, why, tmp_path):
        assert refusal(SqlLedger, url, kind=ConfigError) == (
            f"The ledger's URL cannot be used: {why}. A URL looks like sqlite:///ledger.db or "
            "postgresql+psycopg://user@host/db."
        )
        assert list(tmp_path.iterdir()) == []


class TestPostgresql:
    def test_a_restart_between_two_commands_is_not_noticed(self, postgres_server):
        ledger = SqlLedger(postgres_server.new_database())
        write(ledger)
        postgres_server.restart(signal.SIGQUIT)
        assert write(ledger, "b").seq == 2

    def test_a_restart_within_an_append_leaves_nothing_of_it(self, postgres_server, monkeypatch):
        ledger = SqlLedger(postgres_server.new_database())
        first = write(ledger)
        entries, head = appended(ledger, "b")

        execute_many = Connection.execute_many

        def restarting(connection, statement, rows):
            execute_many(connection, statement, rows)
            postgres_server.restart(signal.SIGQUIT)

        monkeypatch.setattr(Connection, "execute_many", restarting)

        found = refusal(ledger.append, entries, head)
        assert found.startswith("The ledger at postgresql+psycopg://***@/")
        assert found.endswith("). Nothing was recorded.")
        monkeypatch.undo()
        assert ledger.entries("toy") == (first,)
        write(ledger, "c")

    @pytest.mark.parametrize("answered", [False, True], ids=["before it was done", "after it was done"])
    def test_a_connection_lost_at_the_commit_is_settled_by_asking_again(self, postgres_server, answered, monkeypatch):
        ledger = SqlLedger(postgres_server.new_database())
        first = write(ledger)
        entries, head = appended(ledger, "b")
        lost = lose_the_commit(monkeypatch, answered=answered)

        if answered:
            ledger.append(entries, head)
        else:
            assert refusal(ledger.append, entries, head).endswith("Nothing was recorded.")
        assert lost == [True]
        assert ledger.entries("toy") == ((first, *entries) if answered else (first,))
        write(ledger, "c")

    def test_a_server_that_stays_away_at_the_commit_is_said_to_leave_it_open(self, postgres_server, monkeypatch):
        ledger = SqlLedger(postgres_server.new_database())
        write(ledger)
        entries, head = appended(ledger, "b")
        lose_the_commit(monkeypatch, answered=True, then=postgres_server.stop)
        try:
            found = refusal(ledger.append, entries, head)
            away = refusal(ledger.head, "toy")
        finally:
            postgres_server.start()
        assert found.endswith(
            "It is not known whether entry 2 of 'toy' was recorded. Check `promotion history toy` before you run the "
            "command again."
        )
        assert "Nothing was recorded" not in found
        assert away.endswith("Nothing was recorded.")
        assert ledger.head("toy") == head

    def test_a_lock_that_is_not_let_go_is_one_sentence(self, postgres_server):
        url = postgres_server.new_database()
        ledger, other = SqlLedger(url), SqlLedger(url)
        ledger.make()
        entries, head = appended(ledger, "a")
        with other._database.writing() as holding:
            holding.execute("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
            with ledger._database.reading() as shortened:
                assert shortened.value("SHOW lock_timeout") == "30s"
                shortened.execute("SET lock_timeout = '50ms'")
            found = refusal(ledger.append, entries, head)
        assert re.search(
            r"cannot be used \(canceling statement due to lock timeout; session \d+ of \S+ has held its tables for \d+ "
            r"seconds\. End it, for example with SELECT pg_terminate_backend\(\d+\), and run the command again\)\. Nothing was",
            found,
        )
        assert ledger.head("toy") is None

    def test_a_server_that_takes_every_byte_and_answers_nothing_is_given_up(self, postgres_server, monkeypatch):
        monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1)
        url = make_url(postgres_server.new_database())
        with stalling_proxy(f"{postgres_server.root}/.s.PGSQL.5432") as (port, stalled):
            ledger = SqlLedger(url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False))
            entry = write(ledger)

            def read():
                with ledger._database.reading() as connection:
                    stalled.set()
                    connection.execute("SELECT 1")

            found = refusal(read)
            assert "cannot be used (the server accepted the request but did not answer for 1 seconds)" in found
            stalled.clear()
            assert ledger.entries("toy") == (entry,)

    def test_the_server_breaks_off_what_would_keep_others_waiting(self, postgres_server):
        ledger = SqlLedger(postgres_server.new_database())
        with ledger._database.reading() as connection:
            limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            found = [connection.value(f"SHOW {name}") for name in limits]
        assert found == ["30s", "40s", "1min"]

    @pytest.mark.parametrize("level", ["repeatable read", "serializable"])
    def test_a_server_with_another_isolation_gives_the_same_conflict(self, postgres_server, level):
        url = postgres_server.new_database()
        postgres_server.sql(f"ALTER DATABASE {database_of(url)} SET default_transaction_isolation = '{level}'")
        first, second = SqlLedger(url), SqlLedger(url)
        losing = appended(second, "ours")
        write(first, "theirs", actor="config:ci")
        with pytest.raises(Conflict, match=r"^config:ci wrote entry [0-9]+ to the ledger of "):
            second.append(*losing)

    def test_another_program_in_the_same_database_is_left_alone(self, postgres_server):
        url = postgres_server.new_database()
        postgres_server.sql("CREATE TABLE alembic_version (version_num text)", database_of(url))
        postgres_server.sql("INSERT INTO alembic_version VALUES ('theirs')", database_of(url))
        write(SqlLedger(url))
        assert postgres_server.sql("SELECT * FROM alembic_version", database_of(url)) == [("theirs",)]

    def test_no_password_is_in_any_error(self, postgres_server):
        (server, password), wrong = (postgres_server.url, postgres_server.password), SECRET
        urls = {
            server.replace(password, wrong): "password authentication failed",
            server.replace("/postgres?", "/absent?"): 'database "absent" does not exist',
            server.replace(str(postgres_server.root), "/absent"): "No such file or directory",
            f"{server}&colour=red": "invalid connection option",
            f"postgresql://postgres@/postgres?host={postgres_server.root}&password={wrong}": "password authentication",
        }
        for url, why in urls.items():
            with pytest.raises(LedgerError) as raised:
                SqlLedger(url)
            assert why in str(raised.value)
            assert "\n" not in str(raised.value)
            told = "".join(traceback.format_exception(raised.value))
            assert wrong not in told
            assert password not in told

    @pytest.mark.parametrize(
        "url", [f"postgresql://bob:{SECRET}@{SECRET}@db/x", f"postgresql+asyncpg://b:{SECRET}@db/x"]
    )
    def test_a_url_that_cannot_be_taken_apart_is_refused_without_its_password(self, url):
        assert SECRET not in refusal(SqlLedger, url, kind=ConfigError)

    def test_without_the_driver_the_sentence_names_the_extra(self, monkeypatch):
        monkeypatch.delitem(sys.modules, "promotion.adapters.sql.postgresql", raising=False)
        monkeypatch.setitem(sys.modules, "psycopg", None)
        assert refusal(SqlLedger, f"postgresql://bob:{SECRET}@db/x", kind=ConfigError) == (
            "A ledger on PostgreSQL needs a driver that is not installed. Run "
            "`pip install 'registry-flows[postgresql]'`."
        )


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a b/ä#x.db?timeout=0.1",
        "sqlite:////abs/led%20ger.db",
        "sqlite:///file:ledger.db?mode=ro&uri=true",
        "postgresql://u:p%40x@h:5432/db?sslmode=require&application_name=growth 1",
        "postgres://u@[::1]:5432/db",
        "postgresql+psycopg://h",
        f"postgresql+psycopg://postgres:{SECRET}/@/t1?host=/tmp/pg-x&password={SECRET}",
    ],
)
def test_a_ledger_is_named_as_earlier_releases_named_it(url):
    """By SQLAlchemy: claims in model stores hold these names."""
    found, theirs = parsed(url), make_url(url)
    assert found.place == without_password(theirs.set(drivername=found.driver).render_as_string(hide_password=True))
    assert SECRET not in found.place


def test_a_connection_is_used_again_by_one_transaction_at_a_time(tmp_path):
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.make()
    with ledger._database.reading() as first, ledger._database.reading() as second:
        assert first.dbapi is not second.dbapi
    with ledger._database.reading() as third:
        assert third.dbapi in {first.dbapi, second.dbapi}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_processes_may_open_a_new_ledger_at_once(kind, tmp_path, request):
    on_sqlite = kind == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if on_sqlite else request.getfixturevalue("postgres_server").new_database()
    fork = multiprocessing.get_context("fork")
    start, said = fork.Barrier(N_PROCESSES), fork.SimpleQueue()

    def work():
        start.wait()
        try:
            said.put(str(SqlLedger(url).head("toy")))
        except BaseException as error:
            said.put(repr(error))

    processes = [fork.Process(target=work) for _ in range(N_PROCESSES)]
    for process in processes:
        process.start()
    assert [said.get() for _ in processes] == ["None"] * N_PROCESSES
    for process in processes:
        process.join()
    write(SqlLedger(url))


def appended(ledger, name):
    """One more entry and the head after it, not yet appended."""
    body = Registration(tag=f"toy:{name}", digest=64 * "a", stage=None)
    (entry,) = chain("toy", ledger.head("toy"), [body], at=NOW, actor="os:alice")
    return (entry,), Head(model="toy", seq=entry.seq, hash=entry.hash, champion=None)


def database_of(url):
    return url.split("@/")[1].split("?")[0]


def lose_the_commit(monkeypatch, *, answered, then=lambda: None):
    """Make the next commit fail as a lost connection does, before the server has done it or after."""
    import psycopg

    commit, lost = Connection.commit, []

    def losing(connection):
        monkeypatch.undo()
        if answered:
            commit(connection)
        connection.dbapi.close()
        then()
        lost.append(True)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(Connection, "commit", losing)
    return lost

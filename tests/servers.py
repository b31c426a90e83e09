"""Real servers for tests: Prefect, MLflow, and workers; started as users start them, each with its own home."""

import base64
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

PATIENCE_SECONDS = 240
PROGRAMS = Path(sys.executable).parent
SECOND_TRY = pytest.mark.flaky(reruns=1)
"""For tests that wait for a Prefect server's message to workers or clients, which it sometimes does not send
(prefect#17817, prefect#19989). The summary names tests that needed a second try."""


@pytest.fixture(scope="session")
def resting_server(tmp_path_factory):
    """A suspended Prefect server with its own database."""
    with prefect_server_in(tmp_path_factory.mktemp("prefect")) as server:
        server.rest()
        yield server
        server.wake()


@pytest.fixture
def prefect_server(resting_server):
    """The API URL of a Prefect server that runs only while a test uses it: an idle one takes a tenth of a core."""
    resting_server.wake()
    yield resting_server.api_url
    resting_server.rest()


@contextmanager
def prefect_server_in(home):
    """Start `prefect server start` on a free port, with all its files below `home`, and stop it afterwards."""
    server = PrefectServer(home)
    try:
        server.start()
        try:
            server.wait()
        except RuntimeError:  # another process took the port during the boot
            server.stop()
            server = PrefectServer(home)
            server.start()
            server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture
def mlflow_that():
    """Starts an MLflow that gives every request a fixed answer; returns its address."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                answer(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - as the server looks them up

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Server:
    """A separate process with a log below `home`, which can be killed and started again."""

    def __init__(self, name, home, command, environment, *, health=None, auth=None):
        self.name, self.home, self.log = name, home, home / f"{name}.log"
        self.command, self.environment = [str(part) for part in command], environment
        self._health, self._auth, self.process = health, auth, None

    def start(self):
        """Start the process without waiting for it."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait(self):
        """Return when it answers."""
        wait_until_healthy(self._health, self.process, self.log, auth=self._auth)

    def stop(self):
        """Stop it as Ctrl-C does; kill it if it does not stop."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self):
        """Send SIGKILL to the process and to everything it started."""
        if self.process is None or self.process.poll() is not None:
            return
        for one in self._processes():
            one.kill()
        self.process.wait()

    def rest(self):
        """Suspend the process until `wake`."""
        for one in self._processes():
            one.suspend()

    def wake(self):
        """Resume the process."""
        for one in self._processes():
            one.resume()

    def _processes(self):
        import psutil

        us = psutil.Process(self.process.pid)
        return us, *us.children(recursive=True)


class PrefectServer(Server):
    """`prefect server start` on a free port.

    Args:
        home: folder of all its files.
        auth: the `user:password` that it requires.
        settings: further settings of the server, e.g. its database.
    """

    def __init__(self, home, *, auth=None, **settings):
        self.port, self.auth = free_port(), auth
        self.api_url = f"http://127.0.0.1:{self.port}/api"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "HOME": str(home),
            "PREFECT_HOME": str(home),
            "PREFECT_UI_API_URL": self.api_url,  # its pages would otherwise use port 4200
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # takes seconds, and no test uses blocks
            "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",  # makes an event readable within a second
            **({"PREFECT_SERVER_API_AUTH_STRING": auth} if auth else {}),
            **settings,
        }
        command = (PROGRAMS / "prefect", "server", "start", "--host", "127.0.0.1", "--port", self.port)
        super().__init__("prefect", home, command, environment, health=f"{self.api_url}/health", auth=auth)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """An MLflow server, for tests of the group `mlflow-server`."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow-server"))
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


class MlflowServer(Server):
    """`mlflow server` on a free port, with database and artifacts below `home`; it rejects a version named `refused`."""

    def __init__(self, home):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "HOME": str(home),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # otherwise seven more processes start, and a call takes 50 ms instead of 15
            "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": "^(?!.*/refused)",
        }
        command = (
            *(PROGRAMS / "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", home / "artifacts"),
        )
        super().__init__("mlflow", home, command, environment, health=f"{self.url}/health")


class Worker(Server):
    """`prefect worker start` on one queue of `ml-training`."""

    def __init__(self, queue, home, environment):
        command = (PROGRAMS / "prefect", "worker", "start", "--pool", "ml-training", "--work-queue", queue)
        super().__init__(f"worker-{queue}", home, (*command, "--name", f"worker-{queue}"), environment)


def wait_until_healthy(url, server, log, *, auth=None):
    """Return when the URL answers 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    ask = Request(url, headers={"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {})
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(ask, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"Nothing answered at {url}:\n{log.read_text()[-2000:]}")


def free_port():
    """Return a port below 32768: the system gives outgoing connections higher ports while a server boots."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

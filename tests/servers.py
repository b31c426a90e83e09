"""Real servers for tests, started once a session."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

PATIENCE_SECONDS = 120


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory):
    """The API URL of a Prefect server with a database of its own."""
    with prefect_server_in(tmp_path_factory.mktemp("prefect")) as api_url:
        yield api_url


@contextmanager
def prefect_server_in(home):
    """Start `prefect server start` on a free port, all its files below `home`, and end it afterwards."""
    port, log = free_port(), home / "server.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "HOME": str(home),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # takes seconds, and no test uses blocks
    }
    command = [Path(sys.executable).parent / "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=environment, cwd=home, stdout=file, stderr=file) as server,
    ):
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/api/health", server, log)
            yield f"http://127.0.0.1:{port}/api"
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=15)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_until_healthy(url, server, log):
    """Return when the URL answers 200."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"Nothing answered at {url}:\n{log.read_text()[-2000:]}")


def free_port():
    """One that no connection takes meanwhile: the system gives outgoing ones ports of 32768 and up, a server boots long."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

"""The Prefect server that a command runs its flow on: the configured one, or a temporary one of its own.

The temporary server starts early, so that it boots while the command reads its data. Prefect would start one itself at
the first flow, but only after importing the whole server into this process as well, and while nothing else happens.
"""

import asyncio
import atexit
import gc
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from promotion.errors import PromotionError
from promotion.listening import why_unreachable
from promotion.secrets import without_password

_PATIENCE_SECONDS, _CHECK_SECONDS = 120, 20
_SETTLING_SECONDS, _SETTLING_STEP = 5.0, 0.2
_REFUSED, _FORBIDDEN = 401, 403
_SETTINGS = {
    "MALLOC_ARENA_MAX": "1",  # glibc's threads share their freed memory
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # takes six seconds, and these flows use no blocks
    "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",  # `serve` migrates, one server at a time
    "PREFECT_PROFILES_PATH": os.devnull,
    "PREFECT__SERVER_EPHEMERAL": "1",  # start only the services that a temporary server needs
    "PREFECT__SERVER_FINAL": "1",
}
_OF_OTHER_SERVERS = ("PREFECT_SERVER_", "PREFECT_API_", "PREFECT_MESSAGING_", "PREFECT_UI_")
"""Prefixes of environment variables that configure other servers: a database, a password, a message broker."""


class ServerFailed(PromotionError):
    """The Prefect server cannot be used: it does not answer, denies access, or the temporary one did not start."""


def check_server() -> None:
    """Check that the server of PREFECT_API_URL, if any, answers and accepts the credentials."""
    named = os.environ.get("PREFECT_API_URL", "")
    if named == without_password(named) and (why := why_unreachable(named)):  # before Prefect is imported
        raise ServerFailed(_no_answer(named, why))
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    url = PREFECT_API_URL.value()
    if not url:
        return
    if url != without_password(url):  # Prefect writes the address to its log and into links
        raise ServerFailed(
            f"PREFECT_API_URL contains a password ({without_password(url)}), which Prefect would write into logs and "
            "links. Set PREFECT_API_AUTH_STRING to USER:PASSWORD, and remove both from the address."
        )
    patience = {"timeout": _CHECK_SECONDS}
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1}),
        as_server_error(),
        get_client(sync_client=True, httpx_settings=patience) as client,
    ):
        client.raise_for_api_version_mismatch()
        client.read_flows(limit=1)  # Prefect Cloud skips the version check; this request checks the key


@contextmanager
def as_server_error() -> Iterator[None]:
    """Turn a failure of the configured Prefect server into an error with a sentence; other errors pass through."""
    try:
        yield
    except PromotionError:
        raise
    except Exception as error:
        if sentence := _sentence(error):
            raise ServerFailed(sentence) from error
        raise


def _sentence(error: BaseException) -> str:
    """Describe what is wrong with the server; empty if the error does not come from a request to it."""
    import httpx
    from prefect.settings import PREFECT_API_URL

    cause = error
    while not isinstance(cause, httpx.HTTPError | httpx.InvalidURL) and cause.__cause__:
        cause = cause.__cause__  # Prefect wraps the error of its first request
    server = f"The Prefect server at {without_password(PREFECT_API_URL.value() or '')}"
    if isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code in {_REFUSED, _FORBIDDEN}:
        return (
            f"{server} rejected the credentials. Set PREFECT_API_AUTH_STRING (self-hosted) or PREFECT_API_KEY (Cloud)."
        )
    if isinstance(cause, httpx.HTTPError | httpx.InvalidURL) or str(error).startswith("Failed to reach API"):
        why = without_password(f"{type(cause).__name__}: {cause}").partition(" - Response")[0].partition("\n")[0]
        return _no_answer(PREFECT_API_URL.value() or "", why)
    return f"{server} cannot be used: {error}" if "incompatible versions" in str(error) else ""


def _no_answer(url: str, why: str) -> str:
    return (
        f"The Prefect server at {without_password(url)} did not answer like a Prefect server ({why}). Start it, or set "
        "PREFECT_API_URL to another address, such as http://127.0.0.1:4200/api. Without PREFECT_API_URL, commands use "
        "a temporary server."
    )


class TemporaryServer:
    """A Prefect server on a free local port, on the database of PREFECT_HOME; it ends with this process.

    It ignores the settings of other servers, so it neither migrates their database nor asks for their password. Only
    this process knows its password, so other users of the machine cannot access it.
    """

    def __init__(self) -> None:
        self._credentials = f"promotion:{secrets.token_urlsafe()}"
        self._closing = threading.Thread(target=self._close)
        self._start()
        atexit.register(self.close)  # registered before Prefect's handler, so it runs after Prefect has sent all

    @property
    def settings(self) -> dict[Any, Any]:
        """Prefect settings for this process to reach the server."""
        from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_UI_URL

        no_pages = {PREFECT_UI_URL: ""}  # so that nothing links to an address that ends with this process
        return {PREFECT_API_URL: self.api_url, PREFECT_API_AUTH_STRING: self._credentials, **no_pages}

    @property
    def api_url(self) -> str:
        """The value of PREFECT_API_URL to reach the server."""
        return f"http://127.0.0.1:{self._port}/api"

    def wait(self) -> None:
        """Wait until the server answers.

        Raises:
            ServerFailed: the server ended twice, or did not answer in time.
        """
        deadline, tries = time.monotonic() + _PATIENCE_SECONDS, 1
        while not self._answers():
            if self._process.poll() is not None and tries == 1:
                tries += 1  # another temporary server was creating the same database, or took the port
                self._start()
            elif self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(self._why())
            time.sleep(0.05)

    def begin_closing(self) -> None:
        """Close the server in a thread, while the caller shows what the flow returned."""
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        for worker in (EventsWorker, APILogWorker):
            worker.drain_all()  # waits until it has sent all; Prefect itself does so when the process ends
        self._closing.start()

    def close(self) -> None:
        """Stop the server once it has recorded everything: it writes task runs a little after receiving them."""
        if self._closing.ident is None:  # an ending process cannot start threads
            self._close()
        else:
            self._closing.join()

    def _close(self) -> None:
        deadline, before = time.monotonic() + _SETTLING_SECONDS, ""
        while time.monotonic() < deadline and self._process.poll() is None:
            now = self._count_task_runs()
            if now == before:
                break
            before = now
            time.sleep(_SETTLING_STEP)
        self.stop()

    def stop(self) -> None:
        """Stop the server now."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _start(self) -> None:
        self._port = _free_port()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-m", "registry_flows.under_prefect.server", str(self._port)],
            env=self._environment(),
            cwd=Path(sys.executable).parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHER_SERVERS)}
        return {**ours, **_SETTINGS, "PREFECT_SERVER_API_AUTH_STRING": self._credentials}

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.api_url}/health", timeout=5) as answer:  # noqa: S310 - http on the loopback
                return bool(answer.status == 200)  # noqa: PLR2004 - OK
        except (URLError, OSError):
            return False

    def _count_task_runs(self) -> str:
        """Return how many task runs the server has recorded; empty if it does not answer."""
        who = f"Basic {b64encode(self._credentials.encode()).decode()}"
        headers = {"Content-Type": "application/json", "Authorization": who}
        ask = Request(f"{self.api_url}/task_runs/count", data=b"{}", headers=headers)  # noqa: S310 - http
        try:
            with urlopen(ask, timeout=5) as answer:  # noqa: S310 - http on the loopback
                return str(answer.read())
        except (URLError, OSError):
            return ""

    def _why(self) -> str:
        code = self._process.poll()
        what = f"ended with code {code}" if code is not None else f"did not answer within {_PATIENCE_SECONDS} s"
        return (
            f"The temporary Prefect server {what}. `prefect server start` may show why. Or set PREFECT_API_URL to a "
            "running server."
        )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(port: int) -> None:
    """Run the server, in the process that `TemporaryServer` starts."""
    gc.set_threshold(100_000, 50, 100)  # importing the server creates 300,000 lasting objects, so collect less often
    import uvicorn
    from filelock import FileLock
    from prefect.server.database import provide_database_interface
    from prefect.settings import PREFECT_HOME

    home = PREFECT_HOME.value()
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "migration.lock"):  # without the lock, a second server fails with "duplicate column name"
        asyncio.run(provide_database_interface().create_db())
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    serve(int(sys.argv[1]))

"""A temporary Prefect server for one command, started early so that it boots while the command reads its data.

Prefect starts one by itself at the first flow, but only after importing the whole server into our process as well, and
with nothing else going on meanwhile. Here most of the wait passes while rows are read.
"""

import atexit
import gc
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from promotion.errors import PromotionError

_PATIENCE_SECONDS = 120
_SETTLING_SECONDS, _SETTLING_STEP = 5.0, 0.2
_SETTINGS = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # takes six seconds, and our flows use no blocks
    "PREFECT__SERVER_EPHEMERAL": "1",  # only the services that a temporary server needs
    "PREFECT__SERVER_FINAL": "1",
}


class ServerFailed(PromotionError):
    """The temporary Prefect server did not come up."""


class TemporaryServer:
    """A Prefect server on a free local port, on the database of PREFECT_HOME; it ends with this process."""

    def __init__(self) -> None:
        self._start()
        atexit.register(self.close)  # registered before Prefect's own, so it runs after Prefect has sent all

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL must be to reach it."""
        return f"http://127.0.0.1:{self._port}/api"

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            ServerFailed: it ended, twice, or did not answer in time.
        """
        deadline, tries = time.monotonic() + _PATIENCE_SECONDS, 1
        while not self._answers():
            if self._process.poll() is not None and tries == 1:
                tries += 1  # another temporary server was creating the same database, or took the port
                self._start()
            elif self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(self._why())
            time.sleep(0.05)

    def close(self) -> None:
        """End it when it has recorded what it was told: task runs are written a little after they are sent."""
        deadline, before = time.monotonic() + _SETTLING_SECONDS, ""
        while time.monotonic() < deadline and self._process.poll() is None:
            now = self._count_task_runs()
            if now == before:
                break
            before = now
            time.sleep(_SETTLING_STEP)
        self.stop()

    def stop(self) -> None:
        """End it now."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _start(self) -> None:
        self._port = _free_port()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-m", "registry_flows.server", str(self._port)],
            env={**os.environ, **_SETTINGS},
            cwd=Path(sys.executable).parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.api_url}/health", timeout=5) as answer:  # noqa: S310 - http on the loopback
                return bool(answer.status == 200)  # noqa: PLR2004 - OK
        except (URLError, OSError):
            return False

    def _count_task_runs(self) -> str:
        """How many the server knows; nothing when it does not answer."""
        ask = Request(f"{self.api_url}/task_runs/count", data=b"{}", headers={"Content-Type": "application/json"})  # noqa: S310
        try:
            with urlopen(ask, timeout=5) as answer:  # noqa: S310 - http on the loopback
                return str(answer.read())
        except (URLError, OSError):
            return ""

    def _why(self) -> str:
        code = self._process.poll()
        what = f"ended with code {code}" if code is not None else f"did not answer within {_PATIENCE_SECONDS} s"
        return (
            f"The temporary Prefect server {what}. `prefect server start` may show why; or name a running server in "
            "PREFECT_API_URL."
        )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(port: int) -> None:
    """Be the server, in the process that `TemporaryServer` starts."""
    gc.set_threshold(100_000, 50, 100)  # importing the server makes 300,000 objects that stay: collect less often
    import uvicorn

    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    serve(int(sys.argv[1]))

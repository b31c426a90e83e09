"""Commands of a page that run until its end, as in a second terminal: a server, a worker."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

PATIENCE_SECONDS = 120
TO_END_SECONDS = 3  # enough for last log lines that somebody may want to read


@contextmanager
def terminal(block, folder, environment):
    """Start a block's command; gives a function that waits until it has printed what `is_there` wants to see."""
    log = folder.parent / f"terminal-{block.line}.log"
    with (
        log.open("w") as file,
        # In its own process group, so that one signal stops the command with everything it started.
        subprocess.Popen(
            ["bash", "-e", "-c", block.source],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield lambda is_there: _wait(block, process, log, is_there)
        finally:
            _end(process)


def _wait(block, process, log, is_there):
    """What was printed, once it is all there and each address in it takes connections."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll() is not None  # checked first, so that its last output is read afterwards
        text = log.read_text()
        assert not ended, f"{block} ended with code {process.returncode}:\n{text[-6000:]}"
        if is_there(text) and _all_answer(text):
            return text
        time.sleep(0.2)
    raise AssertionError(f"{block} did not print what the page shows, or does not answer:\n{log.read_text()[-6000:]}")


def _all_answer(text):
    for port in set(re.findall(r"http://127\.0\.0\.1:(\d+)", text)):
        try:
            socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
        except OSError:
            return False
    return True


def _end(process):
    """As Control-C would; what has not ended then is killed."""
    for how in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, how)
        try:
            process.wait(timeout=TO_END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return

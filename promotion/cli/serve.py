"""`promotion serve`: a service that follows the champion."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from promotion.cli.output import Json, Model, form_of, show
from promotion.errors import ConfigError

EXAMPLE = "promotion serve fraud_classifier --port 3000 --workers 2"
_SERVICE = "promotion.serving.any_model:Champion"
_BENTOML = """
try:
    from bentoml_cli.cli import cli
    cli()
except KeyboardInterrupt:  # before BentoML handles it
    raise SystemExit(130)
except OSError as error:
    import errno
    if error.errno != errno.EADDRINUSE:
        raise
    raise SystemExit("Another process began to listen at this address meanwhile. Choose another --port or --host.")
"""


def serve(
    model: Model,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535, envvar="BENTOML_PORT")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Number of worker processes.", min=1)] = 1,
    as_json: Json = False,
) -> None:
    """Serve the champion with BentoML, and change with it without a restart.

    Endpoints: /score, /score_batch, /champion, /readyz, /metrics. Runs until stopped.
    """
    from promotion.config import load_config
    from promotion.report.page import Page

    config = load_config()
    config.model(model)
    _check_free(host, port)
    url, home = f"http://{host}:{port}", config.path(config.cache) / "serving" / f"{model}-{port}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _claim(home, port)
    except OSError as error:
        raise ConfigError(
            f"The folder {home} cannot be created ({error.strerror}). Check `cache`.", key="cache"
        ) from error
    sentence = f"{model} is served at {url} as soon as its champion is loaded. Press Ctrl-C to stop."
    show({"model": model, "url": url}, Page(summary=(sentence,)), form=form_of(as_json=as_json))
    # BentoML deletes the metrics of other services with the same home when it starts, so each has a home of its own.
    store = str(config.path(config.bentoml_home))
    environment = {**os.environ, "BENTOML_HOME": str(home), "PROMOTION_BENTOML_HOME": store}
    served = ("--arg", f"model={model}", "--arg", f"workers={workers}", "--host", host, "--port", str(port))
    command = [sys.executable, "-c", _BENTOML, "serve", _SERVICE, *served]
    os.execve(command[0], command, environment)  # noqa: S606 - this process becomes the service, so that signals reach it


def _claim(home: Path, port: int) -> None:
    """Hold a lock until the service ends, so that one that starts at the same time leaves its files alone.

    Raises:
        ConfigError: a service holds it, which may not listen yet.
    """
    try:
        import fcntl
    except ImportError:  # on Windows, where only the check of the port is left
        return
    lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)  # to the program that this process becomes
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ConfigError(f"Another service starts at port {port}, or runs there. Choose another --port.") from error


def _check_free(host: str, port: int) -> None:
    """Refuse an address at which nothing can listen, before BentoML changes the files of the service that does.

    Raises:
        ConfigError: another process listens there, or the address is not of this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(address)
    except OSError as error:
        raise ConfigError(
            f"No service can listen on {host}:{port} ({error.strerror}). Choose another --port or --host."
        ) from error

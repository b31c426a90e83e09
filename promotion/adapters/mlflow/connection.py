"""Reaching MLflow: a client of little patience, a database that is made only where it may be, errors in short."""

import os
import re
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.errors import MirrorError
from promotion.secrets import without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_DATABASE = re.compile(r"sqlite(?:\+\w+)?:///(?!:memory:|file:)([^?]+)(?:\?.*)?")


def connect(uri: str, home: Path | None = None) -> "MlflowClient":
    """A client that gives up within seconds; MLflow's own patience lets a command hang for minutes and say nothing.

    Args:
        uri: of MLflow.
        home: the only folder that is made for MLflow's database where it is not there.

    Raises:
        MirrorError: the database is a file that is not there, and must not or cannot be made.
    """
    is_yet_to_be_made(uri, home)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # it tells of every table that it creates
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def is_yet_to_be_made(uri: str, home: Path | None = None) -> bool:
    """Whether MLflow's database is a file that is not there yet: whoever only looks shall not make it.

    Args:
        uri: of MLflow.
        home: the only folder that may be missing too. A missing folder elsewhere may be a share that is not mounted,
            and the database on it may know a champion.

    Raises:
        MirrorError: the file is not there, and must not or cannot be made.
    """
    named = _DATABASE.fullmatch(uri)
    if named is None or (file := Path(named[1]).absolute()).exists():
        return False
    place, folder = without_password(uri), next(one for one in file.parents if one.exists())
    if file.parent not in {folder, home}:
        message = (
            f"MLflow at {place} cannot be reached: there is no folder {file.parent}. Mount it; or make it, if this "
            "MLflow is to be a new one."
        )
        raise MirrorError(message)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        message = (
            f"MLflow at {place} cannot be reached: it is not there, and {folder} takes no file ({error.strerror})."
        )
        raise MirrorError(message) from error


def in_short(error: Exception) -> str:
    """The first line of an error without passwords; of a long one what fits into 200 characters, in whole words."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    fitting, *more = textwrap.wrap(without_password(first), 200, break_on_hyphens=False)
    return f"{fitting} …" if more else fitting

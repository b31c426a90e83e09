"""Connection to MLflow: short timeouts, a database created only where permitted, and concise errors."""

import logging
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from promotion.adapters.files import whose
from promotion.errors import MirrorError, PromotionError
from promotion.secrets import without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_STATUS = re.compile(r"failed with error code (\d{3}) != ")
_REFUSALS = set(range(400, 500)) - {408, 429}  # those two are temporary
_NAMED = {
    401: "401: the server does not accept these credentials; set MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    403: "403: this user lacks permission; ask the server's administrator for permission to edit",
    413: "413: the request is larger than the server, or a proxy in front of it, accepts; raise that limit",
}
_SERVERS, _DATABASES = ("http", "https"), ("sqlite", "postgresql", "mysql", "mssql")
_BY_NAME = ("databricks", "databricks-uc", "uc")
_DATABASE = re.compile(r"sqlite(?:\+\w+)?:///(?!:memory:|file:)([^?]+)(?:\?.*)?")


def check_address(uri: str) -> None:
    """Check that a tracking URI has a form that MLflow knows, without importing MLflow.

    Raises:
        MirrorError: it has another form.
    """
    scheme, colon, rest = uri.partition(":")
    base = scheme.partition("+")[0]
    if not colon:
        good = uri in _BY_NAME or Path(uri).is_dir()
    elif base in _SERVERS:
        good = rest.startswith("//") and bool(rest[2:].partition("/")[0])
    elif base in _DATABASES:
        good = rest.startswith("//")
    else:
        added = {point.name for point in entry_points(group="mlflow.tracking_store")}
        good = scheme in {*_BY_NAME, "file", *added}
    if not good:
        raise MirrorError(
            f"'{without_password(uri)}' is not a tracking URI of MLflow: expected a server, like "
            "http://mlflow.example.com:5000, or a database, like sqlite:///mlflow.db. Set `mlflow_tracking_uri` or "
            "MLFLOW_TRACKING_URI."
        )


def connect(uri: str, home: Path | None = None) -> "MlflowClient":
    """Create a client that gives up within seconds; MLflow's default timeouts block a command silently for minutes.

    Args:
        uri: tracking URI of MLflow.
        home: the only folder that is created for MLflow's database if missing.

    Raises:
        MirrorError: the database is a missing file that must not or cannot be created.
    """
    check_address(uri)
    file = _file_of(uri)
    if file and is_yet_to_be_made(uri, home):
        with suppress(OSError):  # MLflow reports it; SQLite would create a file that only this user can write
            file.parent.mkdir(exist_ok=True)
            file.touch(0o666, exist_ok=False)  # an open file that is closed loses its locks
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # it logs every table that it creates
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it contains the password
    from mlflow import MlflowClient

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it also raises the errors that it logs
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def is_yet_to_be_made(uri: str, home: Path | None = None) -> bool:
    """Return whether MLflow's database is a file that does not exist yet: read-only commands must not create it.

    Args:
        uri: tracking URI of MLflow.
        home: the only folder that may be missing as well. Another missing folder may be a share
            that is not mounted, and its database may have a champion.

    Raises:
        MirrorError: the file is missing, and must not or cannot be created.
    """
    file = _file_of(uri)
    if file is None or file.exists():
        return False
    place, folder = without_password(uri), next(one for one in file.parents if one.exists())
    if file.parent not in {folder, home}:
        raise MirrorError(
            f"MLflow at {place} cannot be reached: there is no folder {file.parent}. Mount it, or create it if you "
            "want a new MLflow database there."
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        raise MirrorError(
            f"MLflow at {place} cannot be reached: the file does not exist, and cannot be created in {folder} "
            f"({error.strerror})."
        ) from error


def _file_of(uri: str) -> Path | None:
    named = _DATABASE.fullmatch(uri)
    return Path(named[1]).absolute() if named else None


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of MLflow's refusal, e.g. 403, also from a local database; None if it is not a refusal."""
    from mlflow.exceptions import MlflowException

    for one in _with_causes(error):
        response, status = getattr(one, "response", None), 0
        if response is not None:
            status = int(response.status_code)
        elif isinstance(one, MlflowException):
            said = _STATUS.search(str(one))  # a status without a name in MLflow, e.g. from a proxy
            status = int(said[1] if said else one.get_http_status_code())  # type: ignore[no-untyped-call]
        if status in _REFUSALS:
            return status
    return None


@contextmanager
def as_mirror_error(uri: str, message: str) -> Iterator[None]:
    """Convert MLflow's exceptions to a `MirrorError`.

    Args:
        uri: tracking URI of MLflow.
        message: text with the placeholders `{place}` and `{why}`.
    """
    try:
        yield
    except PromotionError:
        raise
    except Exception as error:  # MLflow also raises exceptions of requests and SQLAlchemy
        why = f"{in_short(error)}{_whose_file(uri, error)}"
        raise MirrorError(message.format(place=without_password(uri), why=why)) from error


def _whose_file(uri: str, error: Exception) -> str:
    """Return owner and mode of MLflow's database, if it is a file that this user may not write."""
    file = _file_of(uri)
    return whose(file, os.W_OK) if file and "attempt to write a readonly database" in str(error) else ""


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def in_short(error: Exception) -> str:
    """Return why MLflow failed, without passwords.

    Credentials, permissions and size are named; for other errors, the first line is cut to 200 characters at a word.
    """
    if why := _NAMED.get(status_of(error) or 0):
        return why
    refused = next((one for one in _with_causes(error) if isinstance(one, PermissionError) and one.filename), None)
    if refused is not None:
        return f"{refused.strerror}: {refused.filename}{whose(refused.filename, os.W_OK)}"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    fitting, *more = textwrap.wrap(without_password(first), 200, break_on_hyphens=False)
    return f"{fitting} …" if more else fitting

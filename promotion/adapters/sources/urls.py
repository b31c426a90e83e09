"""Download what a URL names: a file, or the files of a folder or a pattern, with fsspec."""

import errno
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from promotion.data_folders import KINDS, files_of
from promotion.data_sources import shown_url
from promotion.errors import DataError

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "http": "https", "https": "https"}
_PACKAGES = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}
_QUIET_SECONDS = 60
_ONE_FILE = {"http", "https"}
"""Protocols without folders, in whose URLs `?` begins parameters."""
_CUT = {"ClientPayloadError", "IncompleteReadError", "ResponseStreamingError"}
"""Errors of aiohttp and botocore, which may not be installed, when a server breaks off its answer."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ABSENT = {404, 410}
_REFUSED = {401, 403}
_BUSY = {429, *range(500, 600)}
_PAGES = (b"<!doctype", b"<html")
_SEEN = 64
_PARQUET_END, _ENCRYPTED_END = b"PAR1", b"PARE"
_WAY_IN = "Check the user, password or signature in the URL, and whether it has expired."


def download(url: str, folder: Path) -> Path:
    """Copy what the URL names into the folder, byte by byte; returns the file, or the folder of several files.

    Raises:
        DataError: it cannot be reached or read, there is no such file, or the package for it is missing.
        OSError: the disk is full.
    """
    with _as_sentence(url):
        system, path = _opened(url)
        names = _names(system, path)
        if not names:
            raise DataError(f"No file matches {shown_url(url)}. Correct the URL.")
        for name, place in names.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(system, place, target)
            _check_kind(target, shown_url(url) if len(names) == 1 else f"{shown_url(url)} ({name})")
    if names.keys() == {_last(path)}:
        return folder / _last(path)
    if not files_of(folder):
        raise DataError(f"{shown_url(url)} names no Parquet or CSV file. Correct the URL.")
    return folder


def require_package(url: str) -> None:
    """Check that the package that reads such URLs is installed.

    Raises:
        DataError: it is not, or there is no such kind of URL.
    """
    with _as_sentence(url):
        from fsspec.core import get_filesystem_class, split_protocol

        for part in url.partition("://")[0].split("::"):
            get_filesystem_class(split_protocol(f"{part}://")[0])


def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it also raises the errors that it logs
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if _protocol(url) in _ONE_FILE:
        from aiohttp import ClientTimeout

        # fsspec's own limit is five minutes for a whole file, however fast it comes
        options["client_kwargs"] = {"timeout": ClientTimeout(sock_connect=_QUIET_SECONDS, sock_read=_QUIET_SECONDS)}
    system, path = url_to_fs(url, **options)
    return system, path


def _names(system: Any, path: str) -> dict[str, str]:
    """Return the place of each file, by its name below the folder."""
    if "http" in system.protocol or not (_is_pattern(path) or system.isdir(path)):
        return {_last(path): path}
    found = system.glob(path) if _is_pattern(path) else system.find(path)
    base = re.split(r"[*?\[]", path)[0].rpartition("/")[0] if _is_pattern(path) else path.rstrip("/")
    below = {one.removeprefix(base).lstrip("/"): one for one in found}
    hidden = (name for name in below if any(part.startswith((".", "_")) for part in name.split("/")))
    for name in tuple(hidden):
        del below[name]
    return below


def _copy(system: Any, place: str, target: Path) -> None:
    expected, cause = system.info(place).get("size"), None
    try:
        system.get_file(place, str(target))
    except Exception as error:
        if type(error).__name__ not in _CUT:
            raise
        cause = error
    found = target.stat().st_size
    announced = "more" if expected is None else f"{expected:,}"
    if cause or expected not in {None, found}:
        raise OSError(f"{found:,} bytes arrived, but the server announced {announced}") from cause


def _check_kind(file: Path, shown: str) -> None:
    """Check that a file is what its name says, as far as its first and last bytes tell."""
    with file.open("rb") as content:
        first = content.read(_SEEN).lstrip().lower()
        content.seek(max(0, file.stat().st_size - len(_PARQUET_END)))
        last = content.read()
    kind = next((kind for kind, named in KINDS.items() if named.fullmatch(file.name)), "")
    if kind and first.startswith(_PAGES):
        message = f"{shown} gave a web page instead of a {kind} file. Name the address of the file itself"
        raise DataError(f"{message}, and check whether the page asks for a login. Nothing was kept.")
    if kind == "Parquet" and last not in {_PARQUET_END, _ENCRYPTED_END}:
        message = f"{shown} gave no complete Parquet file: it is cut short there, or of another kind."
        raise DataError(f"{message} Replace the file there, or correct the URL. Nothing was kept.")


def _is_pattern(path: str) -> bool:
    return any(letter in path for letter in "*?[")


def _last(path: str) -> str:
    """Return the name of a file by its URL's path, without parameters."""
    name = path.partition("?")[0].rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", name).lstrip("._") or "rows"


def _protocol(url: str) -> str:
    return url.partition("://")[0].rpartition("::")[2].lower()


@contextmanager
def _as_sentence(url: str) -> Iterator[None]:
    shown = shown_url(url)
    try:
        yield
    except DataError:
        raise
    except ImportError as error:
        protocol = _protocol(url)
        package = f'"registry-flows[{_EXTRAS[protocol]}]"' if protocol in _EXTRAS else _PACKAGES.get(protocol, "")
        way_out = f"Run `pip install {package}`." if package else f"{str(error).rstrip('.')}."
        raise DataError(
            f"{shown} cannot be read, because the package for {protocol}:// is missing. {way_out}"
        ) from error
    except FileNotFoundError as error:
        cause = error.__cause__ if _protocol(url) in _ONE_FILE else None
        status = getattr(cause, "status", 0)
        if status in _REFUSED:
            raise DataError(f"You may not read {shown} (the server answers {status}). {_WAY_IN}") from cause
        if cause and not isinstance(cause, FileNotFoundError) and status not in _ABSENT:
            raise _unread(cause, url) from cause  # fsspec says that there is no file, whatever the answer
        raise DataError(f"There is no data at {shown}. Check the address, and that you may read it.") from error
    except PermissionError as error:
        message = f"You may not read {shown} ({_first(error, url)}). Check your credentials for {_protocol(url)}://."
        raise DataError(message) from error
    except Exception as error:  # each protocol's library has errors of its own
        if getattr(error, "errno", None) in _FULL:
            raise
        raise _unread(error, url) from error


def _unread(error: BaseException, url: str) -> DataError:
    later = " later" if getattr(error, "status", 0) in _BUSY else ""
    way_out = "Correct the URL." if _loops(error) or _is_foreign(error) else f"Run the command again{later}."
    return DataError(f"{shown_url(url)} could not be read ({_first(error, url)}). Nothing of it was kept. {way_out}")


def _is_foreign(error: BaseException) -> bool:
    return isinstance(error, ValueError) and str(error).startswith("Protocol not known")  # as fsspec words it


def _loops(error: BaseException) -> bool:
    return type(error).__name__ == "TooManyRedirects"  # aiohttp's, which may not be installed


def _first(error: BaseException, url: str) -> str:
    if _loops(error):
        return "the server redirects again and again"
    if isinstance(error, TimeoutError):
        return "the server stopped answering"
    if status := getattr(error, "status", 0):
        known = status in {one.value for one in HTTPStatus}
        return f"the server answers {status}{f', {HTTPStatus(status).phrase}' if known else ''}"
    plain = str(error).removeprefix(f"[Errno {getattr(error, 'errno', '')}] ")
    said = " ".join(plain.split()).replace(url, shown_url(url)) or type(error).__name__
    return shown_url(said)[:200].rstrip(".")

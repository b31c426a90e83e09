"""Write output files: replaces files that `promotion` wrote, and refuses to overwrite any other file.

The start of a file identifies its writer: the generator of a page, the first line of a drawing or of metrics, the first
columns of a table, the header of an exported ledger.
"""

from collections.abc import Iterable
from pathlib import Path

from promotion.adapters.files import replace_parts
from promotion.errors import PromotionError
from promotion.ledger.export import EXPORT_BEGINS
from promotion.report.exports import COLUMNS, FIRST_LINE
from promotion.report.html import GENERATOR, ORIGIN

_PAGE, _PARQUET = b"<!doctype html>", b"PAR1"
_FIRST = COLUMNS[:7]  # later releases may append columns
_BEGINNINGS = (ORIGIN.encode(), FIRST_LINE.encode(), ",".join(_FIRST).encode())
_HEAD = 512


class Unwritable(PromotionError):
    """A file or folder that cannot be written at the requested path, or that `promotion` did not write."""


def refuse_others(path: Path, *, instead: str, ledger: bool = False) -> None:
    """Check that the path is free, or holds a file that may be replaced.

    `instead` says what to do otherwise. Only a `ledger` may replace an exported ledger, which may
    be a backup.

    Raises:
        Unwritable: the path holds a file that `promotion` did not write, or that cannot be read.
    """
    try:
        found = _found(path, ledger=ledger)
    except OSError as error:
        raise Unwritable(f"{path} cannot be read ({error.strerror or error}). {instead}") from error
    if found:
        raise Unwritable(
            f"{path} was not overwritten: expected a new file, or a page, plot or export that `promotion` wrote, "
            f"found {found}. Move or delete it if you do not need it. {instead}"
        )


def write_own(
    path: Path, content: bytes | Iterable[bytes], *, instead: str, ledger: bool = False, durable: bool = True
) -> None:
    """Write a file atomically, also from parts that are written as they come; see `refuse_others` for the arguments.

    If it is not `durable`, the file may be empty after a loss of power.

    Raises:
        Unwritable: it cannot be written, or the path holds a file that `promotion` did not write;
            nothing was changed.
    """
    refuse_others(path, instead=instead, ledger=ledger)
    try:
        replace_parts(path.absolute(), (content,) if isinstance(content, bytes) else content, durable=durable)
    except OSError as error:
        raise Unwritable(f"{path} cannot be written ({error.strerror or error}). {instead}") from error


def _found(path: Path, *, ledger: bool) -> str:
    """Describe what the path holds that must not be replaced; empty if there is nothing to lose."""
    if not path.exists():
        return ""
    if path.is_dir():
        return "a folder"
    if not path.is_file():  # opening a pipe would block, and a device would be replaced
        return "something that is not a file"
    return "" if _is_ours(path, ledger=ledger) else f"another file ({path.stat().st_size:,} bytes)"


def _is_ours(path: Path, *, ledger: bool) -> bool:
    """Whether `promotion` wrote the file; an empty file counts."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_PAGE):
        return GENERATOR.encode() in head
    if head.startswith(EXPORT_BEGINS.encode()):
        return ledger
    return not head or head.startswith(_BEGINNINGS) or (head.startswith(_PARQUET) and _has_our_columns(path))


def _has_our_columns(path: Path) -> bool:
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        return tuple(read_schema(path).names[: len(_FIRST)]) == _FIRST
    except (ArrowException, OSError):
        return False

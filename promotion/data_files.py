"""Formats of data files: Parquet, or CSV with its compression, encoding and delimiter.

    path -> Csv (how to read it, and its header) -> Stream of its uncompressed bytes, which records
    how they ended

The first bytes or the name identify Parquet. A CSV file may be compressed with gzip, bzip2, Zstandard or LZ4, or be the
only file of a zip archive. Its encoding is UTF-8, or UTF-16 or UTF-32 with a byte order mark. Its delimiter is a comma,
semicolon, tab or bar.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from promotion.errors import DataError
from promotion.parquet import parquet_columns

StrPath: TypeAlias = str | Path
"""Path of a file."""
_PARQUET = b"PAR1"
_PARQUET_NAMES = {".parquet", ".parq", ".pq"}
_ZIP = b"PK\x03\x04"
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_FOREIGN = {
    b"ARROW1": "an Arrow (Feather) file",
    b"PARE": "an encrypted Parquet file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\xfd7zXZ": "packed by xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "a SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a pointer of Git LFS (`git lfs pull` fetches the file)",
    b'{"': "JSON",
    b"{\n": "JSON",
    b"[{": "JSON",
    b"<!": "a web page",
    b"<html": "a web page",
}
_INSIDE = {
    _PARQUET: "Parquet",
    _ZIP: "a zip archive",
    **{magic: f"packed by {name}" for magic, name in _PACKED.items()},
}
_WAY_OUT = "Export it as CSV in UTF-8, or give a .parquet file."
_DELIMITERS = ",;\t|"
_BOM = "\ufeff"


class Stream(io.RawIOBase):
    """A stream of bytes that is read once, from start to end.

    Attributes:
        ended: whether all bytes were read.
        even: whether the bytes read so far contain an even number of quotes.
    """

    def __init__(self, file: Any) -> None:
        self._file, self._last, self._before = file, b"", b""
        self.ended, self.even = False, True

    @property
    def tail(self) -> bytes:
        """The bytes read last."""
        return self._before + self._last

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; empty at the end."""
        data = bytes(self._file.read(size))
        if data:
            self._before, self._last = self._last, data
            if b'"' in data:  # faster than counting, and most files have none
                self.even ^= bool(data.count(b'"') % 2)
        self.ended = not data
        return data

    def readable(self) -> bool:
        """Return True; the text wrapper requires it."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer, for the text wrapper."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True, kw_only=True)
class Csv:
    """How to read a CSV file.

    Attributes:
        path: location of the file.
        encoding: encoding of its text, e.g. `utf-8` or `utf-16-le`.
        delimiter: separator of its fields.
        header: names of its columns.
    """

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes or its name."""
    return path.suffix.lower() in _PARQUET_NAMES or _head(path).startswith(_PARQUET)


def csv_of(path: Path, needed: Iterable[str] = ()) -> Csv:
    """Determine how to read a CSV file.

    The delimiter is the comma if the header then contains all needed columns; otherwise the one
    that gives a header with all needed columns, or with the most columns.

    Raises:
        DataError: the file is empty, or not a readable CSV file.
    """
    encoding = _encoding(path)
    wanted = set(needed)
    first, *others = (Csv(path=path, encoding=encoding, delimiter=one, header=()) for one in _DELIMITERS)
    found = [_with_header(first)]
    if len(found[0].header) == 1 or not wanted <= set(found[0].header):
        found += map(_with_header, others)
    best = max(found, key=lambda one: (wanted <= set(one.header), len(one.header)))
    if best.header[:1] and best.header[0].lower().startswith("sep="):
        message = f"{path} begins with the line 'sep=…', which only Excel understands. Delete that line."
        raise DataError(message, path=path)
    if not any(best.header):
        raise DataError(f"{path} is empty; its first line should name the columns.", path=path)
    if any("\0" in name for name in best.header):
        message = f"{path} is not a CSV file in UTF-8 (its header contains NUL characters, as in UTF-16). {_WAY_OUT}"
        raise DataError(message, path=path)
    return best


def columns_of(path: Path, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of a data file's columns, in order.

    Raises:
        DataError: it cannot be read.
    """
    return parquet_columns(path) if is_parquet(path) else csv_of(path, needed).header


@contextmanager
def uncompressed(path: Path) -> Iterator[Stream]:
    """Open a file's uncompressed bytes.

    Raises:
        DataError: they cannot be read or decompressed.
    """
    head = _head(path)
    packing = next((name for magic, name in _PACKED.items() if head.startswith(magic)), "")
    foreign = next((name for magic, name in _FOREIGN.items() if head.startswith(magic)), "")
    if foreign:
        raise DataError(f"{path} is {foreign}, which is not supported. {_WAY_OUT}", path=path)
    try:
        with _unzipped(path) if head.startswith(_ZIP) else _unpacked(path, packing) as file:
            yield Stream(file)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        how = "seems cut short or damaged" if packing or head.startswith(_ZIP) else "cannot be read"
        message = f"{path} {how} ({str(error) or type(error).__name__}). Copy the file again."
        raise DataError(message, path=path) from error


def _unpacked(path: Path, packing: str) -> Any:
    if not packing:
        return path.open("rb")
    import pyarrow as pa

    return pa.input_stream(path, compression=packing)


@contextmanager
def _unzipped(path: Path) -> Iterator[Any]:
    """Open the only file of a zip archive, ignoring the files that macOS adds."""
    with zipfile.ZipFile(path) as archive:
        inside = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        if any(one.filename == "[Content_Types].xml" for one in inside):
            raise DataError(f"{path} is an Excel workbook, which is not supported. {_WAY_OUT}", path=path)
        if len(inside) != 1 or inside[0].flag_bits & 1:
            what = f"{len(inside)} files" if len(inside) != 1 else "an encrypted file"
            raise DataError(f"{path} is a zip archive of {what}. Unpack it, and name the file to read.", path=path)
        with archive.open(inside[0]) as file:
            yield file


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(24)


def _encoding(path: Path) -> str:
    with uncompressed(path) as stream:
        head = stream.read(16)
    inside = next((name for magic, name in _INSIDE.items() if head.startswith(magic)), "")
    if inside:
        message = (
            f"{path} contains {inside}, which cannot be read in compressed form. Unpack it, and name the file inside."
        )
        raise DataError(message, path=path)
    return next((name for bom, name in _ENCODINGS.items() if head.startswith(bom)), "utf-8")


def _with_header(found: Csv) -> Csv:
    """Add the names in the first non-empty line."""
    try:
        with (
            uncompressed(found.path) as stream,
            io.TextIOWrapper(io.BufferedReader(stream), found.encoding, newline="") as lines,
        ):
            rows = csv.reader(_without_bom(lines), delimiter=found.delimiter)
            header = next(filter(None, rows), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{found.path} is not a CSV file in UTF-8 ({error}). {_WAY_OUT}", path=found.path) from error
    return Csv(path=found.path, encoding=found.encoding, delimiter=found.delimiter, header=tuple(header))


def _without_bom(lines: Iterable[str]) -> Iterator[str]:
    for place, line in enumerate(lines):
        yield line if place else line.removeprefix(_BOM)


def require_file(path: Path) -> None:
    """Check that a data file exists.

    Raises:
        DataError: it does not.
    """
    if not path.is_file():
        raise DataError(f"{what_is_at(path)} Put the file there, or name another with --data.", path=path)


def what_is_at(path: Path) -> str:
    """Describe, in a sentence, what is found instead of the expected data file."""
    if path.is_dir():
        return f"{path} is a folder, not a data file."
    return f"{path} is a pipe or a device, not a data file." if path.exists() else f"There is no data file at {path}."


def file_digest(path: Path) -> str:
    """Return SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

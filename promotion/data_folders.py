"""Data in several files: a folder or a pattern (`parts/*.parquet`) of Parquet or CSV files, treated as one file.

path -> files_of (sorted) -> data_digest, over the relative name and the digest of each
"""

import glob
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from promotion.data_files import columns_of, file_digest, require_file, what_is_at
from promotion.errors import DataError

_PARQUET = re.compile(r".+\.(parquet|parq|pq)", re.IGNORECASE)
_CSV = re.compile(r".+\.(csv|tsv)(\.(gz|bz2|zst|lz4|zip))?", re.IGNORECASE)
KINDS = {"Parquet": _PARQUET, "CSV": _CSV}
"""Names of data files by kind."""


def is_several(path: Path) -> bool:
    """Return whether a path is a folder or a pattern, and not a file."""
    return path.is_dir() or _is_pattern(path)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the data files of a path, sorted by name; empty if there are none.

    Of a folder, all Parquet files in it and below, or all CSV files if there are no Parquet files. Of a pattern, all
    files that it matches (`**` matches folders at any depth). Names that begin with a dot or an underscore are left
    out, as other programs do.
    """
    if not is_several(path):
        return (path,) if path.is_file() else ()
    if not path.is_dir():
        base = base_of(path)
        found = glob.glob(str(path.relative_to(base)), root_dir=base, recursive=True)  # noqa: PTH207 - follows links
        return _shown(map(base.joinpath, found), base)
    inside = _shown(path.rglob("*"), path)
    parquet = tuple(one for one in inside if _PARQUET.fullmatch(one.name))
    return parquet or tuple(one for one in inside if _CSV.fullmatch(one.name))


def base_of(path: Path) -> Path:
    """Return the folder that names of several files are relative to: the folder, or that before a pattern."""
    return _before(path) if _is_pattern(path) else path


def _is_pattern(path: Path) -> bool:
    return not path.exists() and glob.has_magic(str(path.relative_to(_before(path))))


def _before(path: Path) -> Path:
    """Return the last folder before a pattern begins. A folder may have `[` in its name, such as `backup [2]`."""
    named = takewhile(lambda one: not glob.has_magic(one.name) or one.is_dir(), reversed(path.parents))
    return list(named)[-1]


def relative_names(path: Path, files: Iterable[Path]) -> tuple[str, ...]:
    """Return the names by which files of a folder or a pattern are digested, with `/`."""
    base = base_of(path)
    return tuple(one.relative_to(base).as_posix() for one in files)


def require_data(path: Path) -> tuple[Path, ...]:
    """Return the data files of a path.

    Raises:
        DataError: there are none.
    """
    if not is_several(path):
        require_file(path)
    elif not files_of(path):
        raise DataError(_nothing_in(path), path=path)
    return files_of(path)


def require_named(path: Path) -> None:
    """Check that a recipe's input exists, if the path names a file or a pattern.

    A name without an extension may be a table of the recipe's own, and a folder may hold files of another kind.

    Raises:
        DataError: there is no such file, or no file matches.
    """
    if _is_pattern(path):
        require_data(path)
    elif path.suffix and ":/" not in str(path) and not path.exists():
        require_file(path)


def data_digest(path: Path) -> str:
    """Return SHA-256 of a file's bytes, or over names and digests of the files of a folder or a pattern.

    Raises:
        FileNotFoundError: there is no file.
        OSError: a file cannot be read.
    """
    if not is_several(path):
        return file_digest(path)
    files = files_of(path)
    if not files:
        raise FileNotFoundError(what_is_at(path))
    *_, last = digests_so_far(path, files)
    return last


def digests_so_far(path: Path, files: tuple[Path, ...]) -> Iterator[str]:
    """Yield the digest of the first file, of the first two, …, of all: what the folder had before files were added."""
    so_far = hashlib.sha256()
    for name, one in zip(relative_names(path, files), files, strict=True):
        so_far.update(f"{file_digest(one)}  {name}\n".encode())
        yield so_far.hexdigest()


@contextmanager
def as_it_was(path: Path, digest: str) -> Iterator[Path]:
    """Make a temporary folder of links to the files that a folder or pattern had before others came after them.

    The digest is the one that it had. If no such files are found, this is the path itself.
    """
    files = files_of(path)
    earlier = next((n for n, so_far in enumerate(digests_so_far(path, files), start=1) if so_far == digest), 0)
    if not earlier:
        yield path
        return
    with TemporaryDirectory() as folder:
        for name, one in zip(relative_names(path, files[:earlier]), files, strict=False):
            link = Path(folder) / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(one.resolve())
        yield Path(folder)


def columns_in_all(path: Path, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of the columns that every data file of a path has, in the order of the first.

    Raises:
        DataError: there is no file, or one cannot be read.
    """
    first, *others = (columns_of(one, needed) for one in require_data(path))
    return tuple(name for name in first if all(name in names for names in others))


def _shown(found: Iterable[Path], base: Path) -> tuple[Path, ...]:
    files = (one for one in found if one.is_file() and not _is_hidden(one.relative_to(base)))
    return tuple(sorted(files, key=lambda one: one.relative_to(base).as_posix()))


def _is_hidden(name: PurePath) -> bool:
    return any(part.startswith((".", "_")) for part in name.parts)


def _nothing_in(path: Path) -> str:
    if path.is_dir():
        return f"The folder {path} contains no Parquet or CSV file. Put the files there, or name another folder."
    return f"No file matches {path}. Put the files there, or correct the pattern."

"""Caches that flows keep across runs, in the configured `cache` folder: rows, and results of `repeatable` steps.

Rows are stored in one Arrow file per key; its first line is the SHA-256 of the rest. Prefect's own results lie next to
them; the result of `load_data` holds the key of its rows, not the rows. All of it may be deleted at any time.
"""

import contextlib
import hashlib
import inspect
import os
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.canonical import digest
from promotion.config import Config
from promotion.data_files import file_digest
from promotion.own_sources import own_sources

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ROWS_PER_MODEL, _RESULTS = 2, 100
_HEAD_BYTES = 65
_FITTING = ("registry-flows", "numpy", "pandas", "scikit-learn", "xgboost")
"""Packages whose releases may fail to read a pickled fitted object, or read it differently."""


class DamagedRows(Exception):
    """A cached file does not hold the rows that were written."""


class KeptRows:
    """A cache of rows on disk; the `Recall` of flows.

    Args:
        folder: folder of the Arrow files, created with the first one.
        most: number of files to keep, the most recently used ones.
        notice: called with a message if rows cannot be cached or are damaged; they are then read
            again.
    """

    def __init__(self, folder: Path, *, most: int, notice: Callable[[str], None]) -> None:
        self._folder, self._most, self._notice = folder, most, notice

    def __call__(self, key: str, read: Callable[[], "pd.DataFrame"]) -> "pd.DataFrame":
        """Return the cached rows, or read them now."""
        path = self._path(key)
        try:
            kept = _rows(path)
        except FileNotFoundError:
            pass
        except (DamagedRows, OSError) as error:
            self._notice(f"The cached rows in {path} cannot be used ({error}), so the data file is read again.")
        else:
            with contextlib.suppress(OSError):  # the time of use of another user's file stays unchanged
                os.utime(path)
            return kept
        rows = read()
        self._keep(path, rows)
        return rows

    def holds(self, key: str) -> bool:
        """Whether there are rows for the key."""
        return self._path(key).is_file()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.arrow"

    def _keep(self, path: Path, rows: "pd.DataFrame") -> None:
        """Write the rows if Arrow returns them unchanged; otherwise they are read each time."""
        try:
            body = _body(rows)
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(path, hashlib.sha256(body).hexdigest().encode() + b"\n", body)
        except (DamagedRows, OSError) as error:
            self._notice(f"The rows could not be cached ({error}), so the next run reads the data file again.")
        prune(self._folder, "*.arrow", self._most)
        prune(self._folder, ".*.part", self._most)  # left by writers that were killed


def _body(rows: "pd.DataFrame") -> "pa.Buffer":
    """Serialize the rows."""
    import pyarrow as pa
    from pyarrow import ipc

    try:
        table, sink = pa.Table.from_pandas(rows), pa.BufferOutputStream()
        with ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        changed = _changed(_frame(table), rows)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DamagedRows(f"Arrow cannot store them unchanged: {str(error).partition(chr(10))[0]}") from error
    if changed:
        raise DamagedRows(f"Arrow cannot store them unchanged: it changes {', '.join(changed)}")
    return sink.getvalue()


def _changed(found: "pd.DataFrame", rows: "pd.DataFrame") -> list[str]:
    """Return what differs between rows and what Arrow returned; pandas' own assertion takes 200 times as long."""
    if not (found.columns.identical(rows.columns) and found.index.identical(rows.index)):
        return ["the index or the names of the columns"]
    return [f"column '{name}'" for name in rows if not _is_same(found[name], rows[name])]


def _is_same(found: "pd.Series[Any]", column: "pd.Series[Any]") -> bool:
    """Return whether values and types are the same, including the order of categories, which `equals` disregards."""
    in_order = column.dtype != "category" or found.cat.categories.identical(column.cat.categories)
    return in_order and found.equals(column)


def _rows(path: Path) -> "pd.DataFrame":
    """Deserialize the rows."""
    from pyarrow import BufferReader, OSFile, ipc

    with OSFile(str(path)) as file:
        head, body = file.read(_HEAD_BYTES), file.read_buffer()
    if hashlib.sha256(body).hexdigest().encode() + b"\n" != head:
        raise DamagedRows("the file is damaged or truncated")
    return _frame(ipc.open_file(BufferReader(body)).read_all())


def _frame(table: "pa.Table") -> "pd.DataFrame":
    rows: pd.DataFrame = table.to_pandas()
    return rows


def _write(path: Path, *parts: "bytes | pa.Buffer") -> None:
    """Write the file atomically; it need not survive a power failure."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def prune(folder: Path, pattern: str, most: int) -> None:
    """Delete all but the most recently used files; another process may do the same at the same time."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(pattern), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in files[most:]:
            old.unlink(missing_ok=True)


def kept_rows(config: Config, notice: Callable[[str], None]) -> KeptRows:
    """Return the row cache of a project, with a few files per model."""
    most = max(_ROWS_PER_MODEL * len(config.models), _ROWS_PER_MODEL)
    return KeptRows(config.path(config.cache) / "rows", most=most, notice=notice)


def results_folder(config: Config) -> Path:
    """Return the folder of Prefect's task results for a project, and delete the oldest results."""
    folder = config.path(config.cache) / "results"
    prune(folder, "*", _RESULTS)
    return folder


def inputs_key(function: Callable[..., object], arguments: Mapping[str, Any]) -> str | None:
    """Return a digest of all inputs of a repeatable function: arguments, code of its module and its imports, libraries.

    None if an argument is neither plain data nor rows, because changes to it cannot be detected.
    """
    code = inspect.getsourcefile(function)
    try:
        return digest(
            {
                "function": f"{function.__module__}:{function.__qualname__}",
                "code": [file_digest(file) for file in sorted({Path(code), *own_sources([function.__module__])})]
                if code
                else None,
                "arguments": {name: _hashable(value) for name, value in arguments.items()},
                "versions": [installed(name) for name in _FITTING],
            }
        )
    except (TypeError, ValueError):
        return None


def _hashable(value: object) -> Any:
    """Return rows as the hash of their values, and plain data unchanged."""
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        return {"plain": value}
    hashes = pd.util.hash_pandas_object(value, index=True).to_numpy()
    columns = [[str(name), str(kind)] for name, kind in value.dtypes.items()]
    return {"columns": columns, "rows": hashlib.sha256(hashes.tobytes()).hexdigest()}

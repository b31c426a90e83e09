"""Columns of Parquet files. A pandas index is treated like any other column, whether it is stored or only described."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.arrow_columns import frame
from promotion.errors import DataError
from promotion.row_keys import FIRST_FORM, form_in_use

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def parquet_columns(path: "Path | pa.Schema") -> tuple[str, ...]:
    """Return the names of the columns of a file, or of a table with this schema, in order.

    Raises:
        DataError: the file cannot be read.
    """
    import pyarrow.parquet as pq

    if isinstance(path, Path):
        with _as_sentence(path):
            schema = pq.read_schema(path)
    else:
        schema = path
    return (*schema.names, *_ranges(_told_by_pandas(schema)))


def parquet_rows(path: Path, columns: Sequence[str]) -> "pd.DataFrame":
    """Read the named columns, which the file must have.

    Raises:
        DataError: the file cannot be read.
    """
    import pyarrow.parquet as pq

    with _as_sentence(path):
        stored = pq.read_schema(path)
        ranges = _ranges(_told_by_pandas(stored))
        table = pq.read_table(path, columns=[name for name in columns if name not in ranges], partitioning=None)
    return table_rows(table.replace_schema_metadata(stored.metadata), columns)


def table_rows(table: "pa.Table", columns: Sequence[str]) -> "pd.DataFrame":
    """Convert the named columns, which the table must have, to pandas."""
    told = _told_by_pandas(table.schema)
    ranges = {name: one for name, one in _ranges(told).items() if name in columns}
    metadata = {**(table.schema.metadata or {})}
    if told:
        metadata[b"pandas"] = json.dumps({**told, "index_columns": []}).encode()
    kept = table.select([name for name in columns if name not in ranges]).replace_schema_metadata(metadata)
    rows: pd.DataFrame = kept.to_pandas() if form_in_use() == FIRST_FORM else frame(kept)
    return rows.assign(**{name: list(one) for name, one in ranges.items()})


def _told_by_pandas(schema: Any) -> dict[str, Any]:
    """Return pandas' metadata in the schema; empty if another program wrote the file."""
    told: dict[str, Any] = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    return told


def _ranges(told: dict[str, Any]) -> dict[str, range]:
    """Return named range indexes, which are described and not stored."""
    described = (one for one in told.get("index_columns", ()) if isinstance(one, dict) and one.get("name") is not None)
    return {str(one["name"]): range(one["start"], one["stop"], one["step"]) for one in described}


@contextmanager
def _as_sentence(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read as Parquet ({first}). Write the file again.", path=path) from error

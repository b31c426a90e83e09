"""Conversion of Arrow columns to pandas without loss: integers keep all digits, and UUIDs become text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MAX_EXACT = 2**53
"""Integers up to this are exact in double precision."""

_HYPHENS = (8, 13, 18, 23)
"""Positions of the hyphens in a UUID's text of 36 characters."""


def frame(table: "pa.Table") -> "pd.DataFrame":
    """Convert a table as `to_pandas` does, but with Arrow's extension types converted by `plain`.

    Integers with NULLs become float64, or `Int64` or `UInt64` if float64 would round one.
    """
    for place, column in enumerate(table.columns):
        if (kept := without_extension_types(column)) is not column:
            table = table.set_column(place, table.field(place).name, kept)
    rows: pd.DataFrame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if _is_rounded(column):
            rows[name] = column.to_pandas(types_mapper=_whole).array
    return rows


def without_extension_types(column: Any) -> Any:
    """Convert a column, chunked or not, from Arrow's UUID and JSON extension types to text.

    A UUID becomes its hyphenated text. Columns of other types are returned unchanged.
    """
    import pyarrow as pa

    named = getattr(column.type, "extension_name", "")
    if named == "arrow.uuid":
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        texts = pa.chunked_array([_uuids(chunk.storage) for chunk in chunks], pa.string())
        return texts if isinstance(column, pa.ChunkedArray) else texts.combine_chunks()
    if named == "arrow.bool8":
        return column.cast(pa.int8()).cast(pa.bool_())
    return column.cast(column.type.storage_type) if named == "arrow.json" else column


def without_extension(given: Any) -> Any:
    """Convert a pandas or Arrow column of an Arrow extension type with `plain`; return anything else unchanged."""
    in_pandas = getattr(getattr(given, "dtype", None), "pyarrow_dtype", None)
    if not hasattr(in_pandas or getattr(given, "type", None), "extension_name"):
        return given
    import pyarrow as pa

    return without_extension_types(pa.array(given) if in_pandas else given)


def _uuids(storage: "pa.FixedSizeBinaryArray") -> "pa.StringArray":
    import numpy as np
    import pyarrow as pa

    if not len(storage):
        return pa.array([], pa.string())
    start, end = (16 * place for place in (storage.offset, storage.offset + len(storage)))
    digits = memoryview(storage.buffers()[1])[start:end].hex().encode()
    written = np.full((len(storage), 36), b"-", dtype="S1")
    written[:, np.delete(np.arange(36), _HYPHENS)] = np.frombuffer(digits, "S1").reshape(-1, 32)
    missing = storage.is_null().to_numpy(zero_copy_only=False)
    return pa.array(written.view("S36").ravel(), mask=missing).cast(pa.string())


def _is_rounded(column: "pa.ChunkedArray") -> bool:
    """Return whether the integers include NULLs and a value that float64 would round."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (column.null_count and pa.types.is_integer(column.type)):
        return False
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and max(-ends["min"], ends["max"]) > MAX_EXACT


def _whole(kind: "pa.DataType") -> Any:
    import pandas as pd
    import pyarrow as pa

    return pd.UInt64Dtype() if pa.types.is_unsigned_integer(kind) else pd.Int64Dtype()

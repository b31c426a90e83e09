"""Scores of a few rows, which the gate records and a service repeats before it serves a version."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from promotion.data_files import is_parquet
from promotion.data_folders import files_of
from promotion.interfaces import Recipe
from promotion.row_keys import fingerprints

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SampleScores: TypeAlias = dict[str, tuple[float, ...]]
"""The scores of a row by its fingerprint in hexadecimal; one score, or one for each class."""

_ROWS = 20
_END_ROWS, _END_BYTES, _GROUP_BYTES = 100, 1_000_000, 30_000_000
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6
"""Processors differ in the last digits of float32; libraries that compute otherwise differ in more."""


def sample_scores(
    rows: "pd.DataFrame", scores: "NDArray[np.floating]", recipe: Recipe, file: Path | None
) -> SampleScores | None:
    """Return the scores of the last rows that judged, if a service can repeat them from the end of the file.

    None if a score is not a number, or if the recipe loads these rows otherwise from the end of the
    file, such as with sums over all rows.
    """
    import numpy as np

    rows, last = rows.iloc[-_ROWS:], scores[-_ROWS:].reshape(len(rows.iloc[-_ROWS:]), -1)
    again = last_rows(file, recipe) if file else None
    try:
        if again is None or not np.isfinite(last).all() or not _contains(again, rows, recipe.key):
            return None
        return {key: tuple(map(float, row)) for key, row in zip(_keys(rows, recipe), last, strict=True)}
    except Exception:  # values that cannot be compared; a decision does not depend on them
        return None


def _contains(again: "pd.DataFrame", rows: "pd.DataFrame", key: str) -> bool:
    found = again[again[key].isin(rows[key])]
    if list(found.columns) != list(rows.columns) or len(found) != len(rows):
        return False
    ours, theirs = (one.reset_index(drop=True).astype(object) for one in (found, rows))
    return bool(((ours == theirs) | (ours.isna() & theirs.isna())).all(axis=None))


def _keys(rows: "pd.DataFrame", recipe: Recipe) -> list[str]:
    return [f"{key:016x}" for key in fingerprints(rows[recipe.key]).tolist()]


def furthest(
    rows: "pd.DataFrame", scores: "NDArray[np.floating]", recipe: Recipe, recorded: Mapping[str, tuple[float, ...]]
) -> float | None:
    """Return the largest difference to the recorded scores of the same rows; None if none differs."""
    import numpy as np

    keys = _keys(rows, recipe)
    again = [
        (row, recorded[key]) for key, row in zip(keys, scores.reshape(len(rows), -1), strict=True) if key in recorded
    ]
    if not again:
        return None
    ours, theirs = (np.array(side, dtype=np.float64) for side in zip(*again, strict=True))
    if np.allclose(ours, theirs, rtol=_RELATIVE, atol=_ABSOLUTE):
        return None
    return float(np.abs(ours - theirs).max())


def last_rows(file: Path, recipe: Recipe) -> "pd.DataFrame | None":
    """Return the last rows of the data as the recipe loads them, without reading the rest; None if it cannot.

    Of a folder or a pattern, those of the last file.
    """
    try:
        file = files_of(file)[-1]
        with tempfile.TemporaryDirectory() as folder:
            end = Path(folder) / file.name
            (_write_parquet_end if is_parquet(file) else _write_csv_end)(file, end)
            return recipe.load(end)
    except Exception:  # from the user's recipe, which need not read a part of a file
        return None


def _write_csv_end(file: Path, to: Path) -> None:
    """Write the header and the last lines of a file; fewer if its last megabyte has fewer."""
    with file.open("rb") as rows:
        header = rows.readline()
        start = max(len(header), file.stat().st_size - _END_BYTES)
        rows.seek(start)
        lines = rows.read().splitlines(keepends=True)
    cut_off = start > len(header)  # the first line begins before
    to.write_bytes(header + b"".join(lines[cut_off:][-_END_ROWS:]))


def _write_parquet_end(file: Path, to: Path) -> None:
    """Write the last rows of a file's last row group, unless that is large."""
    from pyarrow.parquet import ParquetFile, write_table

    with ParquetFile(file) as rows:
        number = rows.num_row_groups - 1
        if rows.metadata.row_group(number).total_byte_size > _GROUP_BYTES:
            raise ValueError("the last row group is too large")
        last = rows.read_row_group(number)
    write_table(last.slice(max(0, len(last) - _END_ROWS)), to)

"""Guesses from names and first rows what the columns of a data file are, for `promotion init MODEL --data DATA`."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 10_000
"""Rows that are looked at."""
_PROBED = 50
_MOST_VALUES = 200
_FEWEST_GROUPS = 30
_MISSING = {"", "NA", "NaN", "nan", "N/A", "null", "NULL", "None"}

_LABELS = {"0", "1"}, {"0.0", "1.0"}, {"false", "true"}
"""As files write 0 and 1: whole numbers, numbers with a fraction, and Parquet's truth values."""
_KEY = re.compile(r"(.*_)?(id|key|uuid|guid|number|no)")
_LABEL = re.compile(r"label|target|y|outcome"), re.compile(r"(is|has|was)_.*"), re.compile(r".*")
_TIME = re.compile(r"(.*_)?(time|date|datetime|timestamp|day|dt|ts|at)|(date|time)_.*")
_GROUP = re.compile(
    r"(.*_)?(customer|client|user|account|patient|subject|member|person|household|family|group|card|device|merchant)"
    r"(_?(id|key|no|number))?\d?"
)


@dataclass(frozen=True)
class Roles:
    """What identifies, labels, orders and groups the rows; None if no column does, or if it is not clear which."""

    key: str | None
    label: str | None
    time: str | None
    group: str | None


@dataclass(frozen=True)
class Features:
    """Columns to learn from, and those that are left out."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, as text; missing values are empty."""

    rows: "pd.DataFrame"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(map(str, self.rows))

    @property
    def zero_or_one(self) -> tuple[str, ...]:
        """Names of the columns that may be labels by what they hold."""
        return tuple(name for name in self.names if set(self._present(name)) in _LABELS)

    def guess(self) -> Roles:
        """Guess the roles; one that several columns fit equally well stays open, except for the key."""
        label = next((one for kind in _LABEL if (one := self._only(self.zero_or_one, kind))), None)
        times = [name for name in self._named(_TIME) if self._is_time(name)]
        others = [name for name in self.names if name not in times and self._is_text(name) and self._is_time(name)]
        time = next(iter(times or others), None)
        taken = {label, time, *others}
        unique = [
            name for name in self.names if name not in taken and self.rows[name].is_unique and self._is_full(name)
        ]
        key = next((name for name in unique if _KEY.fullmatch(_words(name))), None)
        key = key or next((name for name in unique if not self.rows[name].str.contains(".", regex=False).any()), None)
        groups = (name for name in self._named(_GROUP) if name not in {key, *taken} and self._is_full(name))
        return Roles(key, label, time, next((name for name in groups if self._repeats(name)), None))

    def features(self, roles: Roles) -> Features:
        """Divide the other columns: numbers, texts with few values, and the rest."""
        rest = [name for name in self.names if name not in vars(roles).values()]
        useful = [name for name in rest if len(set(self.rows[name])) > 1]
        numbers = tuple(name for name in useful if self._is_number(name))
        texts = tuple(
            name
            for name in useful
            if name not in numbers and self.rows[name].nunique() <= min(_MOST_VALUES, self._half)
        )
        return Features(numbers, texts, tuple(name for name in rest if name not in {*numbers, *texts}))

    @property
    def _half(self) -> int:
        return max(2, len(self.rows) // 2)

    def time_like(self, names: Iterable[str]) -> str | None:
        """Return the first of these columns that is named like a time; `guess` would have found one in ISO 8601."""
        return next((name for name in names if _TIME.fullmatch(_words(name))), None)

    def _named(self, pattern: re.Pattern[str]) -> Sequence[str]:
        return [name for name in self.names if pattern.fullmatch(_words(name))]

    def _only(self, names: Iterable[str], pattern: re.Pattern[str]) -> str | None:
        found = [name for name in names if pattern.fullmatch(_words(name))]
        return found[0] if len(found) == 1 else None

    def _present(self, name: str) -> "pd.Series[Any]":
        column = self.rows[name]
        return column[column != ""]

    def _is_full(self, name: str) -> bool:
        return len(self._present(name)) == len(self.rows)

    def _is_number(self, name: str) -> bool:
        """Whether all are numbers, none with a leading zero, as postcodes have it."""
        import pandas as pd

        held = self._present(name)
        numbers = pd.to_numeric(held.str.replace(",", ".", regex=False), errors="coerce")
        return not numbers.isna().any() and not held.str.match(r"0\d").any()

    def _is_text(self, name: str) -> bool:
        return not self._is_number(name)

    def _is_time(self, name: str) -> bool:
        from promotion.iso import is_moment

        if not self._is_full(name) or self.rows[name].nunique() < 2:  # noqa: PLR2004 - no order
            return False
        return self._is_number(name) or all(map(is_moment, self.rows[name].head(_PROBED)))

    def _repeats(self, name: str) -> bool:
        return _FEWEST_GROUPS <= self.rows[name].nunique() < len(self.rows)


def sample_of(path: Path) -> Sample:
    """Read the first rows, without columns that have no name, the name of another one, or nested values.

    Of a folder or a pattern, these are the rows of the first file.

    Raises:
        DataError: the file cannot be read, or has no rows.
    """
    from promotion.data_files import is_parquet
    from promotion.data_folders import require_data

    first, *_ = require_data(path)
    rows = _parquet_texts(first) if is_parquet(first) else _csv_texts(first)
    if not len(rows):
        raise DataError(f"{path} has no rows below its header.", path=path)
    rows = rows.loc[:, [bool(name) for name in rows] & ~rows.columns.duplicated(keep=False)]
    return Sample(rows.mask(rows.isin(_MISSING), ""))


def _csv_texts(path: Path) -> "pd.DataFrame":
    import io

    import pandas as pd

    from promotion.data_files import csv_of, uncompressed

    file = csv_of(path)
    with uncompressed(path) as stream, io.TextIOWrapper(io.BufferedReader(stream), file.encoding, "replace") as text:
        read: Callable[..., pd.DataFrame] = pd.read_csv
        rows = read(
            text,
            sep=file.delimiter,
            nrows=SAMPLE,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            on_bad_lines="skip",
        )
    return rows.set_axis(file.header, axis="columns")


def _parquet_texts(path: Path) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    from promotion.parquet import parquet_columns

    parquet_columns(path)  # with its sentences about what cannot be read
    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=SAMPLE), None)
    if first is None:
        raise DataError(f"{path} has no rows.", path=path)
    texts = {}
    for name, column in zip(first.schema.names, first.columns, strict=True):
        try:
            texts[name] = column.cast(pa.string()).fill_null("")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    read: pd.DataFrame = pa.table(texts).to_pandas()
    return read


def _words(name: str) -> str:
    """`TransactionID` as `transaction_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(" ", "_").replace("-", "_")

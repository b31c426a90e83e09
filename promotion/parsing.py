"""Parsing of CSV columns with pyarrow; errors name the row at fault and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.data_files import Csv, Stream, uncompressed
from promotion.errors import DataError
from promotion.iso import is_moment

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow.csv import CSVStreamingReader, InvalidRow

_BLOCK_BYTES, _LONG_BLOCK_BYTES = 1 << 20, 1 << 23
"""pyarrow keeps many blocks in memory, so they are short. Long ones are for long rows, and for types to be inferred."""
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_PROBE = "the end"


class NotConverted(DataError):
    """A field does not have the type of its column.

    Attributes:
        value: the text of the field; empty if only its row is known.
    """

    column: str

    def __init__(self, message: str, path: Path, column: str, value: str = "") -> None:
        self.value = value
        super().__init__(message, path=path, column=column)


class _RowTooLong(DataError):
    """A row does not fit into a block."""


@dataclass
class _Reading:
    """One pass over a file by blocks, with the information for error messages if pyarrow fails."""

    file: Csv
    stream: Stream
    block: int = _BLOCK_BYTES
    wrong: "list[InvalidRow]" = field(default_factory=list)

    def note(self, row: "InvalidRow") -> str:
        """Store a row with too many or too few fields, which ends the pass."""
        self.wrong.append(row)
        return "error"

    @property
    def tail(self) -> str:
        return self.stream.tail.decode(self.file.encoding, "replace")

    @property
    def ends_with_line(self) -> bool:
        return self.tail.endswith(("\n", "\r"))


def parse(file: Csv, types: Mapping[str, Any], *, strings_can_be_null: bool = False) -> "pd.DataFrame":
    """Parse the columns in order, with these pyarrow types; None lets pyarrow infer the type.

    Decimal commas are accepted if the delimiter is not a comma.

    Raises:
        NotConverted: a field does not have its column's type.
        DataError: a row has more or fewer fields than the header, or the file is truncated or
            cannot be read.
    """
    options = {"include_columns": list(types), "strings_can_be_null": strings_can_be_null}
    options["column_types"] = {name: kind for name, kind in types.items() if kind is not None}
    try:
        return _parsed(file, options)
    except NotConverted as error:
        if file.delimiter == "," or not _WITH_COMMA.fullmatch(error.value):
            raise
        _require_decimals(file, error.column)
    return _parsed(file, {**options, "decimal_point": ","})


def no_number(path: Any, column: str, row: int, value: str) -> str:
    """Return the message for a field that must be a number."""
    way_out = ""
    if is_moment(value):
        way_out = ' Read dates and times as "time".'
    elif _WITH_COMMA.fullmatch(value) or _GROUPED.fullmatch(value):
        way_out = " Write numbers with a decimal point and no other marks."
    return f"Column '{column}' of {path} must hold numbers, but row {row} holds '{value:.60}'.{way_out}"


def _parsed(file: Csv, options: Mapping[str, Any]) -> "pd.DataFrame":
    if len(options["column_types"]) == len(options["include_columns"]):
        with suppress(_RowTooLong):
            return _parsed_by(_BLOCK_BYTES, file, options)
    return _parsed_by(_LONG_BLOCK_BYTES, file, options)


def _parsed_by(block: int, file: Csv, options: Mapping[str, Any]) -> "pd.DataFrame":
    with uncompressed(file.path) as stream:
        reading = _Reading(file, stream, block)
        with _explained(reading), _reader(reading, stream, options) as reader:
            rows: pd.DataFrame = reader.read_all().to_pandas()
    _require_closed(reading, len(rows))
    _require_line_end(reading)
    return rows


def _reader(reading: _Reading, stream: Any, options: Mapping[str, Any]) -> "CSVStreamingReader":
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    file = reading.file
    read = arrow_csv.ReadOptions(  # pyarrow's errors name their row only without threads
        block_size=reading.block, use_threads=False, encoding="utf8" if file.encoding == "utf-8" else file.encoding
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True, delimiter=file.delimiter, invalid_row_handler=reading.note)
    return arrow_csv.open_csv(
        pa.PythonFile(stream, mode="r"),
        read_options=read,
        parse_options=parse,
        convert_options=arrow_csv.ConvertOptions(**options),
    )


@contextmanager
def _explained(reading: _Reading) -> Iterator[None]:
    """Convert pyarrow's errors to sentences; pyarrow counts the header as a row, these messages do not."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _fault(reading, str(error)) from error


def _fault(reading: _Reading, sentence: str) -> DataError:
    path, header = reading.file.path, reading.file.header
    place = re.search(r"In CSV column #(\d+): ", sentence)
    column = header[int(place[1])] if place else ""
    if value := re.search(r"Row #(\d+): CSV conversion error to double: invalid value '(.*)'", sentence, re.DOTALL):
        return NotConverted(no_number(path, column, int(value[1]) - 1, value[2]), path, column, value[2])
    if reading.wrong:
        return DataError(_wrong_row(reading), path=path)
    if "codec can't decode" in sentence or "invalid UTF8" in sentence:
        message = f"{path} is not a CSV file in UTF-8. Export it as CSV in UTF-8, or give a .parquet file."
    elif "straddling" in sentence:
        return _RowTooLong(
            f"{path} has a row of more than {_LONG_BLOCK_BYTES >> 20} MiB, perhaps because a quote is not closed. "
            "Close the quote, or leave the row out.",
            path=path,
        )
    else:
        message = f"{path} cannot be read as CSV ({sentence.strip().splitlines()[0][:200]}). Write the file again."
    return NotConverted(message, path, column) if column else DataError(message, path=path)


def _wrong_row(reading: _Reading) -> str:
    """Describe the wrong row. A last row with too few fields and no line end indicates a truncated file."""
    row, path = reading.wrong[0], reading.file.path
    last = reading.stream.ended and reading.tail.rstrip("\r\n").endswith(row.text.rstrip("\r\n"))
    open_quote = row.text.count('"') % 2 == 1
    if last and row.actual_columns < row.expected_columns and (open_quote or not reading.ends_with_line):
        return (
            f"{path} seems cut short: its last row has {row.actual_columns} of {row.expected_columns} fields. Copy the "
            "file again, or end its last line if the file is complete."
        )
    number = "A row" if row.number is None else f"Row {row.number - 1}"
    return (
        f"{number} of {path} has {row.actual_columns} fields, but the header has {row.expected_columns}. Fix the row."
    )


def _require_line_end(reading: _Reading) -> None:
    """Reject a last row without a line end: its last field may be truncated to a different value."""
    if not reading.ends_with_line:
        message = (
            f"The last row of {reading.file.path} has no line end, so the file may be cut short. Copy it again, or "
            "end the line if the file is complete."
        )
        raise DataError(message, path=reading.file.path)


def _require_closed(reading: _Reading, rows: int) -> None:
    """Check that no quote is open at the end: everything after it would be one field instead of rows."""
    if reading.stream.even and reading.file.encoding == "utf-8":
        return
    if _swallows_a_further_row(reading):
        message = (
            f"Row {rows} of {reading.file.path} opens a quote that is not closed before the end of the file. Close "
            "the quote, or copy the file again if it was cut short there."
        )
        raise DataError(message, path=reading.file.path)


def _swallows_a_further_row(reading: _Reading) -> bool:
    """Read the file again with a row appended; an open quote makes that row part of a field."""
    import pyarrow as pa

    file = reading.file
    probe = file.delimiter.join([_PROBE] * len(file.header))
    end = "" if reading.ends_with_line else "\n"
    options = {"include_columns": [file.header[0]], "column_types": {file.header[0]: pa.string()}}
    with uncompressed(file.path) as stream:
        longer = Stream(_Joined(stream, f"{end}{probe}\n".encode(file.encoding)))
        with _explained(replace(reading, stream=longer)), _reader(reading, longer, options) as reader:
            last = None
            for batch in reader:
                last = batch.column(0)[-1].as_py() if len(batch) else last
    return bool(last != _PROBE)


class _Joined:
    """A stream with additional bytes at the end."""

    def __init__(self, first: Stream, then: bytes) -> None:
        self._first, self._then = first, then

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; the additional ones all at once."""
        if data := self._first.read(size):
            return data
        data, self._then = self._then, b""
        return data


def _require_decimals(file: Csv, column: str) -> None:
    """Check that the commas in a column's numbers are decimal commas; `1,234` may be a thousand and more."""
    import pyarrow as pa

    options = {"include_columns": [column], "column_types": {column: pa.dictionary(pa.int32(), pa.string())}}
    values = _parsed(file, options)[column].cat.categories
    with_comma = [value for value in values if "," in value]
    if all(_GROUPED.fullmatch(value.strip()) for value in with_comma):
        message = (
            f"Column '{column}' of {file.path} holds numbers like {with_comma[0]}, and it is unclear whether the "
            "comma separates decimals or thousands. Write them with a decimal point and no other marks."
        )
        raise DataError(message, path=file.path, column=column)

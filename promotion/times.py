"""Times of rows: columns of numbers or datetimes as comparable values.

    column -> Times (numbers, or datetime64 in UTC, and which rows have none)

A column contains numbers, dates, datetimes, or ISO 8601 text. Any other text is an error: as text,
"02/01/2025" comes before "31/12/2024".

Datetimes with a zone cannot be compared with datetimes without one, because the zone of the latter is unknown. The only
exception is a bound given by a person: compared with datetimes that have a zone, `2024-12-01` is in UTC.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.arrow_columns import MAX_EXACT
from promotion.durations import TimeUnit, in_units, number_text, span_text, timedelta_of
from promotion.errors import DataError
from promotion.iso import is_moment, timestamps_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Times:
    """The times of rows.

    Attributes:
        name: name of the column.
        points: shape (n_rows,): int64, uint64 or float64; or datetime64, in UTC if the datetimes
            have a zone.
        missing: mask of the rows without a time, shape (n_rows,); their points are meaningless.
        zoned: whether datetimes have a zone; False for numbers.
    """

    name: str
    points: NDArray[Any]
    missing: NDArray[np.bool_]
    zoned: bool = False

    @property
    def are_timestamps(self) -> bool:
        """Whether they are datetimes rather than numbers."""
        return self.points.dtype.kind == "M"

    @property
    def floats(self) -> NDArray[np.float64]:
        """The times as numbers, datetimes in seconds since 1970; NaN for rows without a time; shape (n_rows,)."""
        since = (self.points - np.datetime64(0, "s")) / np.timedelta64(1, "s") if self.are_timestamps else self.points
        return np.where(self.missing, np.nan, since.astype(np.float64))

    @property
    def said(self) -> str:
        """A description of the column with its first value: `numbers such as 86400`."""
        kind = f"timestamps {'with' if self.zoned else 'without'} a zone" if self.are_timestamps else "numbers"
        held = self.points[~self.missing]
        return f"{kind} such as {self.written(held[0])}" if len(held) else kind

    def written(self, value: Any) -> str:
        """Format one of the values: `86400`, `2024-12-01`, `2024-12-01T14:30Z`."""
        if not self.are_timestamps:
            return number_text(value.item())
        text = str(np.datetime_as_string(value, unit="auto"))
        return f"{text}Z" if self.zoned and "T" in text else text

    def series(self, index: "pd.Index[Any]") -> "pd.Series[Any]":
        """Return the times as a column of rows: int64 or float64; or datetime64, with zone UTC if they have one.

        Integers with a missing one are float64, or `Int64` if float64 would round one.
        """
        import pandas as pd

        made = pd.Series(self.points, index=index, name=self.name)
        if self.missing.any():
            made = made.mask(self.missing) if self.are_timestamps else self._kept(made).mask(self.missing)
        return made.dt.tz_localize("UTC") if self.zoned else made

    def _kept(self, made: "pd.Series[Any]") -> "pd.Series[Any]":
        """Return the numbers in a type that supports missing values."""
        exact = made.dtype.kind == "f" or -MAX_EXACT <= made.min() <= made.max() <= MAX_EXACT
        if exact:
            return made.astype("float64")
        return made.astype("UInt64") if made.dtype.kind == "u" else made.astype("Int64")

    def since(self, bound: float | str) -> NDArray[np.bool_]:
        """Return the mask of the rows at or after the bound, shape (n_rows,); False for rows without a time.

        `bound` is as `bound_of` returns it.

        Raises:
            DataError: the bound is a datetime and these are numbers, or the reverse; or only the
                bound has a zone.
        """
        import pandas as pd

        if isinstance(bound, str) is not self.are_timestamps:
            form = "a date or a time, like 2024-12-01" if self.are_timestamps else "a number in the column's own unit"
            raise DataError(_other_kind(bound, self, form), column=self.name)
        if not isinstance(bound, str):
            return ~self.missing & (self.points >= _exact(bound))
        (at,), (zoned,) = timestamps_of([bound])
        if zoned and not self.zoned:
            raise DataError(_other_kind(bound, self, "a time without a zone, as the column has it"), column=self.name)
        return ~self.missing & (pd.DatetimeIndex(self.points) >= pd.Timestamp(at))

    def after(self, other: "Times") -> NDArray[np.bool_]:
        """Return the mask of the rows later than all of the others, shape (n_rows,); False for rows without a time.

        Raises:
            DataError: one has numbers and the other datetimes, or only one has a zone.
        """
        import pandas as pd

        if (self.are_timestamps, self.zoned) != (other.are_timestamps, other.zoned):
            message = f"Column '{self.name}' holds {self.said} in newer rows, and {other.said} in older ones."
            raise DataError(message, column=self.name)
        held = other.points[~other.missing]
        if not len(held):
            return ~self.missing & False
        newest = held.max()
        return ~self.missing & (
            pd.DatetimeIndex(self.points) > pd.Timestamp(newest) if self.are_timestamps else self.points > newest
        )

    def beyond(self, now: datetime) -> float | str:
        """Return a bound that is later than all of these times and, for datetimes, not earlier than now."""
        import pandas as pd

        held = self.points[~self.missing]
        if not self.are_timestamps:
            newest = float(held.max()) if len(held) else 0.0
            return newest + 1 if newest % 1 == 0 else float(np.nextafter(newest, np.inf))
        present = pd.Timestamp(now).tz_convert("UTC").tz_localize(None)
        latest = max(present, pd.Timestamp(held.max()) + pd.Timedelta(microseconds=1)) if len(held) else present
        return f"{latest.ceil('us').isoformat()}{'Z' if self.zoned else ''}"

    def older(self, span: float | str, unit: TimeUnit | None = None) -> NDArray[np.bool_]:
        """Return the mask of rows at least `span` older than the newest, shape (n_rows,); False without a time.

        `span` is as `span_of` returns it; `unit` is that of a numeric column.

        Raises:
            DataError: `span` is a number and these are datetimes; or it is a duration and the unit
                of these numbers is unknown.
        """
        held = self.points[~self.missing]
        if not len(held):
            return ~self.missing
        if self.are_timestamps:
            return ~self.missing & _until(self.points, held.max(), self._length(span))
        mature: NDArray[np.bool_] = self.points <= held.max().item() - self._number(span, unit)
        return ~self.missing & mature

    def _length(self, span: float | str) -> Any:
        if isinstance(span, str):
            return timedelta_of(span)
        message = (
            f"`mature_after` is {number_text(span)}, but column '{self.name}' holds {self.said}, so the number has no "
            'unit. Write a duration, like mature_after = "7d".'
        )
        raise DataError(message, column=self.name)

    def _number(self, span: float | str, unit: TimeUnit | None) -> float:
        if not isinstance(span, str):
            return _exact(span)
        if unit is not None:
            return in_units(timedelta_of(span), unit)
        message = (
            f"`mature_after` is {span}, but column '{self.name}' holds {self.said}, whose unit is unknown. Set the "
            'unit beside it, like time_unit = "s", or write `mature_after` as a number in that unit.'
        )
        raise DataError(message, column=self.name)


TimeBound: TypeAlias = float | str | date
"""A bound before which rows count: a number in the unit of their times; or a date or datetime, or its ISO 8601 text."""


def bound_of(value: TimeBound) -> float | str:
    """Convert a time given by a person to its recorded form: a finite number, or a date or time as ISO 8601 text.

    >>> bound_of("1200"), bound_of("2024-12-01"), bound_of(date(2024, 12, 1))
    (1200.0, '2024-12-01', '2024-12-01')

    Raises:
        DataError: it is neither.
    """
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    try:
        number = math.nan if isinstance(value, bool) else float(text)
    except ValueError:
        if is_moment(text):
            return text
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"'{text}' is not a valid time: expected a number in the unit of the recipe's time, or a moment like "
            "2024-12-01 or 2024-12-01T14:30:00+01:00."
        )
    return number


def _exact(number: float) -> float:
    """Return whole numbers as integers, which compare exactly with integers."""
    return int(number) if number % 1 == 0 else number


def _until(values: NDArray[Any], newest: Any, length: Any) -> NDArray[np.bool_]:
    import pandas as pd

    try:
        latest = pd.Timestamp(newest) - length
    except (OverflowError, ValueError):  # before the year 1
        return np.zeros(len(values), dtype=bool)
    return np.asarray(pd.DatetimeIndex(values) <= latest)


def _other_kind(bound: float | str, times: Times, form: str) -> str:
    given, name = span_text(bound), times.name
    return (
        f"--trained-before {given} does not fit column '{name}', which holds {times.said}. Adopt the version with "
        f"{form}."
    )

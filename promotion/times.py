"""Times of rows: a column of numbers or of moments, as values that compare.

    column -> Times (numbers, or datetime64 in UTC, and which rows have none)

A column holds numbers, or dates, or datetimes, or ISO 8601 text. Any other text is an error: as text, "02/01/2025"
comes before "31/12/2024".

Moments that name a zone are not compared with moments that name none, for nobody knows where those were written down.
The one exception is a bound that a person gives: against moments with a zone, `2024-12-01` is in UTC.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from promotion.arrow_columns import MAX_EXACT
from promotion.durations import TimeUnit, in_units, timedelta_of
from promotion.errors import DataError
from promotion.iso import is_moment, moments_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Times:
    """The times of rows.

    Attributes:
        name: of the column.
        points: shape (n_rows,): int64, uint64 or float64; or datetime64, in UTC where the moments name a zone.
        missing: shape (n_rows,): which rows have none; the values there mean nothing.
        zoned: whether moments name a zone; False for numbers.
    """

    name: str
    points: "NDArray[Any]"
    missing: "NDArray[np.bool_]"
    zoned: bool = False

    @property
    def moments(self) -> bool:
        """Whether they are moments; else numbers."""
        return self.points.dtype.kind == "M"

    @property
    def floats(self) -> "NDArray[np.float64]":
        """As numbers, moments in seconds since 1970; NaN for rows that have none; shape (n_rows,)."""
        import numpy as np

        since = (self.points - np.datetime64(0, "s")) / np.timedelta64(1, "s") if self.moments else self.points
        return np.where(self.missing, np.nan, since.astype(np.float64))

    @property
    def said(self) -> str:
        """What the column holds, with its first value: `numbers such as 86400`."""
        kind = f"moments {'with' if self.zoned else 'without'} a zone" if self.moments else "numbers"
        held = self.points[~self.missing]
        return f"{kind} such as {self.written(held[0])}" if len(held) else kind

    def written(self, value: Any) -> str:
        """One of the values as a person writes it: `86400`, `2024-12-01`, `2024-12-01T14:30Z`."""
        import numpy as np

        if not self.moments:
            return number_text(value.item())
        text = str(np.datetime_as_string(value, unit="auto"))
        return f"{text}Z" if self.zoned and "T" in text else text

    def series(self, index: "pd.Index[Any]") -> "pd.Series[Any]":
        """As a column of rows: int64 or float64; or datetime64, with UTC as its zone where they name one.

        Whole numbers of which one is missing are float64, or `Int64` where float64 would round one.
        """
        import pandas as pd

        made = pd.Series(self.points, index=index, name=self.name)
        if self.missing.any():
            made = made.mask(self.missing) if self.moments else self._kept(made).mask(self.missing)
        return made.dt.tz_localize("UTC") if self.zoned else made

    def _kept(self, made: "pd.Series[Any]") -> "pd.Series[Any]":
        """Numbers in a type that can say that one is missing."""
        exact = made.dtype.kind == "f" or -MAX_EXACT <= made.min() <= made.max() <= MAX_EXACT
        if exact:
            return made.astype("float64")
        return made.astype("UInt64") if made.dtype.kind == "u" else made.astype("Int64")

    def since(self, bound: float | str) -> "NDArray[np.bool_]":
        """Which rows are of the bound or later, shape (n_rows,); those without a time are not.

        Args:
            bound: as `bound_of` gives it: a number, or a moment as ISO 8601 text.

        Raises:
            DataError: it is a moment and these are numbers, or the other way round; or it names a zone and these none.
        """
        import pandas as pd

        if isinstance(bound, str) is not self.moments:
            form = "a date or a time, like 2024-12-01" if self.moments else "a number in the column's own unit"
            raise DataError(_other_kind(bound, self, form))
        if not isinstance(bound, str):
            return ~self.missing & (self.points >= _exact(bound))
        (at,), (zoned,) = moments_of([bound])
        if zoned and not self.zoned:
            raise DataError(_other_kind(bound, self, "a time without a zone, as the column has it"))
        return ~self.missing & (pd.DatetimeIndex(self.points) >= pd.Timestamp(at))

    def after(self, other: "Times") -> "NDArray[np.bool_]":
        """Which rows are later than all of the others, shape (n_rows,); those without a time are not.

        Raises:
            DataError: one holds numbers and the other moments, or only one names a zone.
        """
        import pandas as pd

        if (self.moments, self.zoned) != (other.moments, other.zoned):
            message = f"Column '{self.name}' holds {self.said} in newer rows, and {other.said} in older ones."
            raise DataError(message)
        held = other.points[~other.missing]
        if not len(held):
            return ~self.missing & False
        newest = held.max()
        return ~self.missing & (
            pd.DatetimeIndex(self.points) > pd.Timestamp(newest) if self.moments else self.points > newest
        )

    def older(self, span: float | str, unit: TimeUnit | None = None) -> "NDArray[np.bool_]":
        """Which rows are at least so much older than the newest, shape (n_rows,); those without a time are not.

        Args:
            span: as `span_of` gives it: a number in the column's own unit, or a length of time such as `7d`.
            unit: of a column of numbers.

        Raises:
            DataError: moments and a number; or a length of time, and numbers whose unit nobody has said.
        """
        held = self.points[~self.missing]
        if not len(held):
            return ~self.missing
        if self.moments:
            return ~self.missing & _until(self.points, held.max(), self._length(span))
        mature: NDArray[np.bool_] = self.points <= held.max().item() - self._number(span, unit)
        return ~self.missing & mature

    def _length(self, span: float | str) -> Any:
        if isinstance(span, str):
            return timedelta_of(span)
        message = (
            f"`mature_after` is {number_text(span)}, but column '{self.name}' holds {self.said}, and a number says no "
            'unit. Write a length of time, like mature_after = "7d".'
        )
        raise DataError(message)

    def _number(self, span: float | str, unit: TimeUnit | None) -> float:
        if not isinstance(span, str):
            return _exact(span)
        if unit is not None:
            return in_units(timedelta_of(span), unit)
        message = (
            f"`mature_after` is {span}, but column '{self.name}' holds {self.said}, whose unit is unknown. Set the "
            'unit beside it, like time_unit = "s", or write `mature_after` as a number in that unit.'
        )
        raise DataError(message)


TimeBound: TypeAlias = float | str | date
"""Before which rows count: a number in the unit of their times; or a date, a datetime, or either as ISO 8601 text."""


def bound_of(value: TimeBound) -> float | str:
    """A time that a person gives, as it is recorded: a finite number, or a moment as ISO 8601 text.

    >>> bound_of("1200"), bound_of("2024-12-01"), bound_of(date(2024, 12, 1))
    (1200.0, '2024-12-01', '2024-12-01')

    Raises:
        DataError: it is neither.
    """
    import math

    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    try:
        number = math.nan if isinstance(value, bool) else float(text)
    except ValueError:
        if is_moment(text):
            return text
        number = math.nan
    if not math.isfinite(number):
        message = (
            f"'{text}' is no time: expected a number in the unit of the recipe's time, or a moment like 2024-12-01 or "
            "2024-12-01T14:30:00+01:00."
        )
        raise DataError(message)
    return number


def number_text(number: float) -> str:
    """A number as a person writes it: whole ones in full, others to six digits."""
    return f"{number:.0f}" if number % 1 == 0 and abs(number) < _MANY else f"{number:g}"


def span_text(span: float | str) -> str:
    """A stretch of time as a person writes it: `604800`, `7d`."""
    return span if isinstance(span, str) else number_text(span)


_MANY = 1e16


def _exact(number: float) -> float:
    """Whole numbers as integers, which compare with integers exactly."""
    return int(number) if number % 1 == 0 else number


def _until(values: "NDArray[Any]", newest: Any, length: Any) -> "NDArray[np.bool_]":
    import numpy as np
    import pandas as pd

    try:
        latest = pd.Timestamp(newest) - length
    except (OverflowError, ValueError):  # before there were years
        return np.zeros(len(values), dtype=bool)
    return np.asarray(pd.DatetimeIndex(values) <= latest)


def _other_kind(bound: float | str, times: Times, form: str) -> str:
    given, name = span_text(bound), times.name
    return (
        f"--trained-before {given} does not fit column '{name}', which holds {times.said}. Adopt the version with "
        f"{form}."
    )

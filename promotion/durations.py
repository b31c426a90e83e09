"""Durations and other spans of time as text: 30s, 90m, 12h, 3d, 2w, 604800."""

import math
import re
from datetime import timedelta
from fractions import Fraction
from typing import Literal

TimeUnit = Literal["ns", "us", "ms", "s", "min", "h", "d"]
"""Units of numeric time columns."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}


def length_of(text: str) -> timedelta:
    """Parse a duration in whole hours, days or weeks.

    >>> length_of("36h")
    datetime.timedelta(days=1, seconds=43200)

    Raises:
        ValueError: the text is not a duration.
        OverflowError: it is out of range.
    """
    length = _read(text, "hdw")
    if length is None:
        raise ValueError(f"'{text}' is not a valid duration: expected hours, days or weeks, like 12h, 30d or 2w.")
    return length


def span_of(value: object) -> float | str:
    """Parse a span of a time column: a number in the column's own unit, or a duration in one of the five units.

    >>> span_of(604800), span_of("7d"), span_of("604800")
    (604800.0, '7d', 604800.0)

    Raises:
        ValueError: it is neither, negative, or out of range.
    """
    text = value.strip() if isinstance(value, str) else ""
    try:
        if text and _read(text, "smhdw") is not None:
            return text
        number = float(text) if text else math.nan
    except OverflowError as error:
        raise ValueError(f"Input should be a duration, but '{text}' is longer than 9,999 years") from error
    except ValueError:
        number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError(
            "Input should be a number from 0 up in the column's own unit, or a duration like 30s, 90m (minutes), "
            "12h, 7d or 2w"
        )
    return number


def timedelta_of(span: str) -> timedelta:
    """Convert a duration that `span_of` returned as text.

    >>> timedelta_of("90m")
    datetime.timedelta(seconds=5400)
    """
    length = _read(span, "smhdw")
    assert length is not None  # noqa: S101 - `span_of` ensures it
    return length


def in_units(length: timedelta, unit: TimeUnit) -> float:
    """Convert a duration to a number of units; an integer if possible.

    >>> in_units(timedelta(days=7), "s")
    604800
    """
    number = Fraction(length // timedelta(microseconds=1) * 1000, _NANOSECONDS[unit])
    return number.numerator if number.denominator == 1 else float(number)


def number_text(number: float) -> str:
    """Format a number: integers in full, others to six digits."""
    return f"{number:.0f}" if number % 1 == 0 and abs(number) < _MANY else f"{number:g}"


def span_text(span: float | str) -> str:
    """Format a span: `604800`, `7d`."""
    return span if isinstance(span, str) else number_text(span)


_MANY = 1e16


def _read(text: str, units: str) -> timedelta | None:
    match = re.fullmatch(rf"([0-9]{{1,9}})([{units}])", text.strip())
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None

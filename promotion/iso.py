"""Conversion of ISO 8601 text to datetimes, and of local times to UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from promotion.errors import ConfigError, UnclearTime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ZONE = r"(?P<zone>Z|[+-]\d\d(:?\d\d)?)?"
_EXTENDED = re.compile(
    rf"\d{{4}}-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d([.,]\d{{1,9}})?)?)?{_ZONE})?)?", re.IGNORECASE | re.ASCII
)
_OTHER = re.compile(rf"\d{{4}}-?W\d\d(-?[1-7])?|\d{{8}}T\d\d(\d\d(\d\d([.,]\d{{1,6}})?)?)?{_ZONE}", re.ASCII)
"""Week dates, and times without hyphens; pandas supports only some of them. Eight digits alone are read as a number."""


class Timestamps(NamedTuple):
    """The datetimes of `n` texts.

    Attributes:
        points: datetime64, shape (n,): in UTC if a zone is given; NaT if the text is not a date or
            time.
        zoned: whether a zone is given, shape (n,).
    """

    points: "NDArray[Any]"
    zoned: "NDArray[np.bool_]"


def timestamps_of(texts: Sequence[str]) -> Timestamps:
    """Parse `2024-12`, `2024-12-31`, `2024-12-31T14:30:00.5+01:00`, `2024-W49` and similar texts, to the nanosecond.

    A month, week or day means its first instant. Invalid dates such as `2023-02-29` are not accepted.
    """
    import numpy as np
    import pandas as pd

    forms = [_form(text.strip()) for text in texts]
    written = pd.Series([form[0] for form in forms], dtype=object)
    at = pd.to_datetime(written, format="ISO8601", utc=True, errors="coerce")
    return Timestamps(at.dt.tz_localize(None).to_numpy(), np.array([form[1] for form in forms], dtype=bool))


def is_moment(text: str) -> bool:
    """Return whether `timestamps_of` accepts the text as ISO 8601."""
    import numpy as np

    return not np.isnat(timestamps_of([text]).points[0])


def in_utc(moment: datetime) -> datetime:
    """Convert a datetime to UTC; one without a zone is in local time, given by `TZ` or the system.

    Raises:
        UnclearTime: the local time is ambiguous or does not exist, because clocks changed.
        ConfigError: it is not a datetime, or too close to the first or the last year.
    """
    if not isinstance(moment, datetime):
        message = f"A time must be a datetime, but is {moment!r:.60}. `datetime.fromisoformat` reads one from text."
        raise ConfigError(message)
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        readings, twice = _readings(datetime.fromisoformat(moment.isoformat()))  # pandas' type would require a zone
    except (OverflowError, OSError, ValueError) as error:
        raise ConfigError(f"{moment.isoformat()} is outside the range of times in UTC.") from error
    if len(readings) > 1:
        raise UnclearTime(moment.isoformat(), readings, twice=twice)
    return readings[0]


def first_moment(day: date) -> datetime:
    """Return the first instant of a local day, in UTC; also if clocks changed at midnight."""
    readings, twice = _readings(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - local on purpose
    return readings[0] if twice else readings[-1]


def _readings(local: datetime) -> tuple[list[datetime], bool]:
    """Return the possible UTC times of a local time, the earlier first; and whether the local time exists."""
    found = sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)})
    return found, all(one.astimezone().replace(tzinfo=None) == local for one in found)


def _form(text: str) -> tuple[str | None, bool]:
    """Return the text in a form that pandas parses, or None if it is not supported; and whether it gives a zone."""
    if found := _EXTENDED.fullmatch(text):
        return text.upper().replace(",", "."), found["zone"] is not None
    if found := _OTHER.fullmatch(text):
        try:
            return datetime.fromisoformat(text).isoformat(), found["zone"] is not None
        except ValueError:
            return None, False
    return None, False

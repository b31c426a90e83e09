"""ISO 8601 text to moments, and local times to UTC."""

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
"""Weeks and what has no hyphens, which pandas reads in part. Eight digits alone are a number."""


class Moments(NamedTuple):
    """Moments of `n` texts.

    Attributes:
        points: datetime64, shape (n,): in UTC where a zone is named; NaT where the text is no moment.
        zoned: shape (n,): whether it names a zone.
    """

    points: "NDArray[Any]"
    zoned: "NDArray[np.bool_]"


def moments_of(texts: Sequence[str]) -> Moments:
    """Read `2024-12`, `2024-12-31`, `2024-12-31T14:30:00.5+01:00`, `2024-W49` and their like, to the nanosecond.

    A month, week or day counts as its first instant. Text that only looks like a moment, such as `2023-02-29`, is none.
    """
    import numpy as np
    import pandas as pd

    forms = [_form(text.strip()) for text in texts]
    written = pd.Series([form[0] for form in forms], dtype=object)
    at = pd.to_datetime(written, format="ISO8601", utc=True, errors="coerce")
    return Moments(at.dt.tz_localize(None).to_numpy(), np.array([form[1] for form in forms], dtype=bool))


def is_moment(text: str) -> bool:
    """Whether a text is ISO 8601 as `moments_of` reads it."""
    import numpy as np

    return not np.isnat(moments_of([text]).points[0])


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without a zone is in local time, as `TZ` or the system has it.

    Raises:
        UnclearTime: clocks were put back or forward then, so that the local time was twice, or never.
        ConfigError: it is no moment, or too near to the first or the last year.
    """
    if not isinstance(moment, datetime):
        message = f"A moment is a datetime, but is {moment!r:.60}. `datetime.fromisoformat` reads one from text."
        raise ConfigError(message)
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        readings, twice = _readings(datetime.fromisoformat(moment.isoformat()))  # pandas' own would ask for a zone
    except (OverflowError, OSError, ValueError) as error:
        message = f"{moment.isoformat()} is too near to the first or the last year to be told in UTC."
        raise ConfigError(message) from error
    if len(readings) > 1:
        raise UnclearTime(moment.isoformat(), readings, twice=twice)
    return readings[0]


def first_moment(day: date) -> datetime:
    """The first moment of a local day, in UTC; also where clocks were put back or forward at midnight."""
    readings, twice = _readings(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - local on purpose
    return readings[0] if twice else readings[-1]


def _readings(local: datetime) -> tuple[list[datetime], bool]:
    """What a local time may mean, the earlier first; and whether it was then: one that never was means two as well."""
    found = sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)})
    return found, all(one.astimezone().replace(tzinfo=None) == local for one in found)


def _form(text: str) -> tuple[str | None, bool]:
    """The text as pandas reads it, None where it is none of ours; and whether it names a zone."""
    if found := _EXTENDED.fullmatch(text):
        return text.upper().replace(",", "."), found["zone"] is not None
    if found := _OTHER.fullmatch(text):
        try:
            return datetime.fromisoformat(text).isoformat(), found["zone"] is not None
        except ValueError:
            return None, False
    return None, False

"""Moments, as a person writes them."""

import re
from datetime import UTC, date, datetime, timedelta

from promotion.cli.output import Misuse
from promotion.durations import timedelta_of
from promotion.errors import ConfigError
from promotion.iso import first_moment, in_utc

AT_HELP = (
    "Write 2026-11-22 (the start of that day), 2026-11-22T14:30 or 2026-11-22T14:30+01:00; today or yesterday; or 12h "
    "or '2 days ago'. Times without an offset are local."
)
_DAYS = {"today": 0, "yesterday": 1}
_AGO = re.compile(
    r"(\d{1,9}) ?(s|m|h|d|w|(?:sec(?:ond)?|min(?:ute)?|hour|day|week)s?)(?: ago)?", re.IGNORECASE | re.ASCII
)


def timestamp_of(text: str) -> datetime:
    """The moment in UTC; of a date alone, `today` or `yesterday` the first one of that local day."""
    try:
        return _relative(text.strip()) or first_moment(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError, OSError):
        pass  # a moment may still be
    try:
        return in_utc(datetime.fromisoformat(text.strip()))
    except (ValueError, ConfigError) as error:  # years 1 and 9999 have no neighbours in other zones
        message = (
            f"'{text}' is not a valid time: expected something like 2026-11-22 or 2026-11-22T14:30, with +01:00 or Z; "
            "today or yesterday; or 12h or '2 days ago'."
        )
        raise Misuse(message) from error


def _relative(text: str) -> datetime | None:
    """The moment that a text gives relative to now; None if it gives none."""
    if text.lower() in _DAYS:
        return first_moment(date.today() - timedelta(days=_DAYS[text.lower()]))  # noqa: DTZ011 - local on purpose
    ago = _AGO.fullmatch(text)
    return datetime.now(UTC) - timedelta_of(f"{ago[1]}{ago[2][0].lower()}") if ago else None


def past(text: str, now: datetime) -> datetime:
    """Return the time that a text gives, which must be in the past."""
    moment = timestamp_of(text)
    if moment > now:
        raise Misuse(f"{written(moment)} is in the future (it is {written(now)} now).")
    return moment


def written(moment: datetime) -> str:
    """`2026-11-22 14:30:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

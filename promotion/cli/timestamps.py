"""Moments, as a person writes them."""

from datetime import UTC, date, datetime

from promotion.cli.output import Misuse
from promotion.errors import ConfigError
from promotion.iso import first_moment, in_utc

AT_HELP = (
    "Write 2026-11-22 (the start of that day), 2026-11-22T14:30 or 2026-11-22T14:30+01:00. Times without an offset are "
    "local."
)


def timestamp_of(text: str) -> datetime:
    """The moment in UTC; of a date alone the first one of that local day.

    Raises:
        Misuse: the text is no moment.
        UnclearTime: it is a local time that was twice, or never.
    """
    try:
        return first_moment(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError, OSError):
        pass  # a moment may still be
    try:
        return in_utc(datetime.fromisoformat(text.strip()))
    except (ValueError, ConfigError) as error:  # years 1 and 9999 have no neighbours in other zones
        message = (
            f"'{text}' is not a valid time: expected something like 2026-11-22 or 2026-11-22T14:30, with +01:00 or Z."
        )
        raise Misuse(message) from error


def past(text: str, now: datetime) -> datetime:
    """Return the time that a text gives, which must be in the past.

    Raises:
        Misuse: the text is not a valid time, or it is in the future.
    """
    moment = timestamp_of(text)
    if moment > now:
        message = f"{written(moment)} is in the future (it is {written(now)} now)."
        raise Misuse(message)
    return moment


def written(moment: datetime) -> str:
    """`2026-11-22 14:30:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

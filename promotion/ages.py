"""Lengths of time, as a person writes them: 12h, 3d, 2w."""

import re
from datetime import timedelta

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def length_of(text: str) -> timedelta:
    """The length; in whole hours, days or weeks.

    >>> length_of("36h")
    datetime.timedelta(days=1, seconds=43200)

    Raises:
        ValueError: the text is no length of time.
        OverflowError: it is longer than all years.
    """
    match = re.fullmatch(r"([0-9]{1,9})([hdw])", text.strip())
    if match is None:
        message = f"'{text}' is no length of time: expected hours, days or weeks, like 12h, 30d or 2w."
        raise ValueError(message)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

"""Number formats for people: four decimals for values near 1, else four significant digits."""

import math
from datetime import datetime

_USUAL = (0.01, 100.0)
_LARGEST, _SMALLEST = 9, -7
_UNITS = (("days", 86_400), ("h", 3600), ("min", 60))


def figure(number: float, *, scale: float | None = None) -> str:
    """Format a value; `scale` is the size of its neighbours, so that one row of a table has one format.

    >>> figure(0.85123), figure(1234567.8), figure(0.00012345)
    ('0.8512', '1,234,568', '0.0001234')
    """
    return _written(number, abs(number) if scale is None else scale, sign="-")


def signed(number: float, *, scale: float | None = None) -> str:
    """Format a gain, with its sign.

    >>> signed(0.0012), signed(-25.5, scale=1840.0)
    ('+0.001200', '-25.50')
    """
    return _written(number, abs(number) if scale is None else scale, sign="+")


def between(low: float, high: float, *, scale: float | None = None) -> str:
    """Format the interval of a gain: `+0.0012 … +0.0040`."""
    size = max(abs(low), abs(high)) if scale is None else scale
    return f"{signed(low, scale=size)} … {signed(high, scale=size)}"


def give_or_take(low: float, high: float, *, scale: float | None = None) -> str:
    """Format an interval by its middle and half-width, short: `+0.0026 ± 0.0014`."""
    size = max(abs(low), abs(high)) if scale is None else scale
    return f"{signed((low + high) / 2, scale=size)} ± {figure((high - low) / 2, scale=size)}"


def effective_number(number: float) -> str:
    """Format an effective number of rows or groups, alike in whatever order its weights were summed.

    >>> effective_number(6.124999999999998), effective_number(6.125000000000002)
    ('6.12', '6.12')
    """
    return f"{round(number, 9):,.3g}"


def percent(share: float) -> str:
    """Format a share as a percentage: `95 %`, `99.95 %`."""
    return f"{100 * share:g} %"


def meant_as_share(number: float) -> str:
    """Return ` Did you mean 0.95?` for a percentage given instead of a share; empty for other numbers.

    >>> meant_as_share(95)
    ' Did you mean 0.95?'
    """
    return f" Did you mean {number / 100:g}?" if 1 < number < 100 else ""  # noqa: PLR2004 - per cent


def level(alpha: float) -> str:
    """Format the level of a check: `3.04 %`, `0.338 %`."""
    return f"{100 * alpha:.3g} %"


def _written(number: float, scale: float, *, sign: str) -> str:
    if number == 0 or _USUAL[0] <= scale < _USUAL[1]:
        return f"{number:{sign}.4f}"
    magnitude = math.floor(math.log10(abs(number)))
    if not _SMALLEST <= magnitude < _LARGEST:
        return f"{number:{sign}.3e}"
    return f"{number:{sign},.{max(0, 3 - magnitude)}f}"


def minute(at: str) -> str:
    """Format a time of the ledger to the minute: `2026-11-22 11:14`."""
    return at[:16].replace("T", " ")


def ago(at: str, now: datetime) -> str:
    """Format the time since a time of the ledger: `2 h ago`; `in the future` if the writer's clock is ahead.

    >>> ago("2026-11-25T18:40:00+00:00", datetime.fromisoformat("2026-11-25T21:10:00+00:00"))
    '2 h ago'
    """
    length = duration(at, now)
    return f"{length} ago" if length else "in the future"


def duration(at: str, now: datetime) -> str:
    """Format the time since a time of the ledger, in the largest unit of which there are two; empty if in the future.

    >>> duration("2026-11-25T18:40:00+00:00", datetime.fromisoformat("2026-11-25T20:10:00+00:00"))
    '90 min'
    """
    seconds = (now - datetime.fromisoformat(at)).total_seconds()
    if seconds < 0:
        return ""
    return next((f"{int(seconds // size)} {unit}" for unit, size in _UNITS if seconds >= 2 * size), f"{int(seconds)} s")


def counted(number: int, name: str) -> str:
    """Return `1 model` or `1,200 models`."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"

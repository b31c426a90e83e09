"""Ticks of an axis, as matplotlib chooses and formats them; otherwise, only the widths of letters come from it.

All of matplotlib's settings that matter here are given, so a user's own settings change no report.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from matplotlib.ticker import LogLocator, MaxNLocator, ScalarFormatter

from promotion.visible import visible

_COMMON = ["UTC", "%Y, UTC", "%Y-%b, UTC", "%Y-%b-%d, UTC", "%Y-%b-%d, UTC", "%Y-%b-%d %H:%M, UTC"]
"""What the ticks of an axis share, from years to seconds, as `ConciseDateFormatter` takes it."""


@dataclass(frozen=True)
class Ticks:
    """Labels by value, what they share (a power of ten, a year), and whether a line crosses the plot at each."""

    written: Mapping[float, str]
    common: str = ""
    ruled: bool = True


Choose = Callable[[float, float], Ticks]
"""Chooses ticks from the lower to the higher end of an axis, and perhaps beyond."""


def round_numbers(low: float, high: float, most: int = 9) -> Ticks:
    """Choose at most about `most` round numbers."""
    at = [float(place) for place in MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    formatter = ScalarFormatter(useOffset=False, useMathText=False, useLocale=False, usetex=False)
    formatter.set_powerlimits((-5, 6))
    formatter.create_dummy_axis()
    formatter.axis.set_view_interval(low, high)  # type: ignore[union-attr]  # made in the line above
    words = (text.replace("-", "\N{MINUS SIGN}") for text in formatter.format_ticks(at))
    return Ticks(dict(zip(at, words, strict=True)), formatter.get_offset())


def powers(write: Callable[[float], str]) -> Choose:
    """Choose powers of ten, for a logarithmic axis."""
    return lambda low, high: Ticks({at: write(at) for at in map(float, LogLocator().tick_values(low, high))})


def dates(low: float, high: float) -> Ticks:
    """Choose dates or times of day in UTC, between days since 1970."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num, num2date

    start = float(date2num(datetime(1970, 1, 1, tzinfo=UTC)))  # 0, unless set otherwise
    locator = AutoDateLocator(UTC, minticks=3, maxticks=6)
    with warnings.catch_warnings():  # for 150 to 180 seconds or minutes, it takes its widest steps, which are fine
        warnings.simplefilter("ignore", UserWarning)
        at = locator.tick_values(num2date(low + start, UTC), num2date(high + start, UTC)).tolist()
    formatter = ConciseDateFormatter(locator, UTC, offset_formats=_COMMON, usetex=False)
    words = formatter.format_ticks(at)
    return Ticks({place - start: text for place, text in zip(at, words, strict=True)}, formatter.get_offset())


def named(at: Sequence[float], words: Sequence[str]) -> Choose:
    """Choose these places, with these labels in one line each and without rules."""
    labels = (visible(" ".join(text.split())) for text in words)
    ticks = Ticks(dict(zip(at, labels, strict=True)), ruled=False)
    return lambda _low, _high: ticks

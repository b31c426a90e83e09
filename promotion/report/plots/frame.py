"""The frame of a figure with one axes: title, line and row names, and margins.

matplotlib draws all of it. The margins follow from the widths of the tick labels: matplotlib's own layouts draw a
picture several times to find them, and take longer than the rest of a report.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FixedFormatter, FixedLocator

from promotion.visible import visible

NUMBERS, NAMES, TITLE = 10.5, 11.0, 12.0
"""Font sizes, in points."""
_EDGE, _GAP, _LINE, _TITLE = 3.0, 5.0, 14.0, 27.0
_ROUGHLY = (0.14, 0.14, 0.83, 0.78)
"""Provisional position of the axes while ticks are chosen; their number depends on it."""


def name_ticks(axis: Axis, at: Sequence[float], words: Sequence[str]) -> None:
    """Set ticks at these positions, with these labels."""
    axis.set_major_locator(FixedLocator(at))
    axis.set_major_formatter(FixedFormatter([_one_line(text) for text in words]))
    axis.grid(visible=False)


def name_lines(axes: Axes) -> None:
    """Draw the legend of the lines to the right of the title, where it covers nothing."""
    where: dict[str, Any] = {"bbox_to_anchor": (1.0, 1.0), "bbox_transform": axes.figure.transFigure}
    axes.legend(
        loc="upper right", ncols=2, handlelength=1.5, columnspacing=1.0, borderpad=0.2, borderaxespad=0.3, **where
    )


def put_frame(figure: Figure) -> None:
    """Size the axes so that no text is cut off, and no x tick labels overlap."""
    (axes,) = figure.axes
    width, height = figure.bbox.size
    axes.set_position(_ROUGHLY)
    axes.tick_params(length=0.0, pad=_GAP)
    _thin(axes)
    up = _written(axes.yaxis)
    left = _EDGE + (_LINE + _GAP if axes.get_ylabel() else 0.0) + _widest(up) + _GAP
    bottom = _EDGE + _LINE * (2 if axes.get_xlabel() or _common(axes.xaxis) else 1) + _GAP + _legend(figure)
    top = _TITLE + (_LINE if _common(axes.yaxis) else 0.0)
    right = 2 * _EDGE + _widest(_written(axes.xaxis)) / 2
    axes.set_position((left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height))
    _entitle(axes, height)


def _written(axis: Axis) -> dict[float, str]:
    """Return the labels of the visible ticks, by position."""
    low, high = sorted(axis.get_view_interval())
    at = [float(place) for place in axis.get_majorticklocs()]
    words = axis.get_major_formatter().format_ticks(at)
    return {place: text for place, text in zip(at, words, strict=True) if low <= place <= high}


def _common(axis: Axis) -> str:
    """Return the text shared by all ticks, such as a power of ten or a year; known after formatting the ticks."""
    return str(axis.get_major_formatter().get_offset())


def _widest(written: Mapping[float, str]) -> float:
    return max((_width(words, NUMBERS) for words in written.values()), default=0.0)


def _thin(axes: Axes) -> None:
    """Keep every second or third tick of the x axis, and so on, until no labels overlap."""
    written = _written(axes.xaxis)
    places = [axes.transData.transform((at, axes.get_ylim()[0]))[0] for at in written]
    step = 1
    while any(after - place < _widest(written) + _GAP for place, after in pairwise(places[::step])):
        step += 1
    if step > 1:
        axes.xaxis.set_major_locator(FixedLocator(list(written)[::step]))


def _legend(figure: Figure) -> float:
    """Return the height of the legend below the axes."""
    return sum(float(legend.get_window_extent(_ruler()).height) for legend in figure.legends)


def _entitle(axes: Axes, height: float) -> None:
    """Align the title with the figure's edge, and end a title that is too long with an ellipsis."""
    box, text = axes.bbox, _one_line(axes.get_title("left"))
    room = axes.figure.bbox.width - 2 * _EDGE
    while _width(text, TITLE, "bold") > room:
        text = f"{text[:-2].rstrip()}…"
    axes.set_title(text, x=(_EDGE - box.x0) / box.width, y=(height - _EDGE - TITLE - box.y0) / box.height, pad=0.0)


def _one_line(words: str) -> str:
    return visible(" ".join(words.split()))


@lru_cache(4096)
def _width(words: str, size: float, weight: str = "normal") -> float:
    """Return the width in points, in matplotlib's own font, which is wider than the fonts of most browsers."""
    font = FontProperties(size=size, weight=weight)
    measured = _ruler().get_text_width_height_descent(words, font, ismath=False)  # type: ignore[no-untyped-call]  # as above
    return float(measured[0])


@cache
def _ruler() -> RendererSVG:
    return RendererSVG(0, 0, io.StringIO())  # type: ignore[no-untyped-call]  # untyped in matplotlib

"""What stands around the curves of a figure of one axes: its title, the names of lines and rows, and the margins.

matplotlib draws all of it. The margins follow from the widths of its numbers: its own layouts draw a picture several
times to find them, and take longer than all else in a report.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from promotion.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_svg import RendererSVG
    from matplotlib.figure import Figure

NUMBERS, NAMES, TITLE = 10.5, 11.0, 12.0
"""Sizes of words, in points."""
_EDGE, _GAP, _LINE, _TITLE = 3.0, 5.0, 14.0, 27.0
_ROUGHLY = (0.14, 0.14, 0.83, 0.78)
"""Where the axes lie while their ticks are looked for; how many there are depends on it."""


def name_ticks(axis: "Axis", at: Sequence[float], words: Sequence[str]) -> None:
    """Ticks at these places, with these words."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis.set_major_locator(FixedLocator(at))
    axis.set_major_formatter(FixedFormatter([_one_line(text) for text in words]))
    axis.grid(visible=False)


def name_lines(axes: "Axes") -> None:
    """Samples of the lines with their names, to the right of the title, where they hide nothing."""
    where: dict[str, Any] = {"bbox_to_anchor": (1.0, 1.0), "bbox_transform": axes.figure.transFigure}
    axes.legend(
        loc="upper right", ncols=2, handlelength=1.5, columnspacing=1.0, borderpad=0.2, borderaxespad=0.3, **where
    )


def put_frame(figure: "Figure") -> None:
    """Size the axes so that no word is cut off, and no number under them touches the next."""
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


def _written(axis: "Axis") -> dict[float, str]:
    """The numbers at the ticks that are seen, by place."""
    low, high = sorted(axis.get_view_interval())
    at = [float(place) for place in axis.get_majorticklocs()]
    words = axis.get_major_formatter().format_ticks(at)
    return {place: text for place, text in zip(at, words, strict=True) if low <= place <= high}


def _common(axis: "Axis") -> str:
    """What is written once for all ticks, such as a power of ten, or a year; known once they were written."""
    return str(axis.get_major_formatter().get_offset())


def _widest(written: Mapping[float, str]) -> float:
    return max((_width(words, NUMBERS) for words in written.values()), default=0.0)


def _thin(axes: "Axes") -> None:
    """Every second tick under the axes, or every third, until no number touches the next."""
    from matplotlib.ticker import FixedLocator

    written = _written(axes.xaxis)
    places = [axes.transData.transform((at, axes.get_ylim()[0]))[0] for at in written]
    step = 1
    while any(after - place < _widest(written) + _GAP for place, after in pairwise(places[::step])):
        step += 1
    if step > 1:
        axes.xaxis.set_major_locator(FixedLocator(list(written)[::step]))


def _legend(figure: "Figure") -> float:
    """The height of a legend under the axes."""
    return sum(float(legend.get_window_extent(_ruler()).height) for legend in figure.legends)


def _entitle(axes: "Axes", height: float) -> None:
    """The title begins at the figure's edge; one that is too long for it ends in dots."""
    box, text = axes.bbox, _one_line(axes.get_title("left"))
    room = axes.figure.bbox.width - 2 * _EDGE
    while _width(text, TITLE, "bold") > room:
        text = f"{text[:-2].rstrip()}…"
    axes.set_title(text, x=(_EDGE - box.x0) / box.width, y=(height - _EDGE - TITLE - box.y0) / box.height, pad=0.0)


def _one_line(words: str) -> str:
    return visible(" ".join(words.split()))


@lru_cache(4096)
def _width(words: str, size: float, weight: str = "normal") -> float:
    """In points; of the font that matplotlib brings, which is wider than those of most browsers."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=size, weight=weight)
    measured = _ruler().get_text_width_height_descent(words, font, ismath=False)  # type: ignore[no-untyped-call]  # likewise
    return float(measured[0])


@cache
def _ruler() -> "RendererSVG":
    from matplotlib.backends.backend_svg import RendererSVG

    return RendererSVG(0, 0, io.StringIO())  # type: ignore[no-untyped-call]  # matplotlib's own

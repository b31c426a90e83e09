"""The frame of a figure with one axes: title, line and row names, ticks, rules and margins.

matplotlib chooses and formats the ticks. Their labels and rules are drawn here, because matplotlib makes several
objects for each tick, which took most of the time of a report. The margins follow from the widths of the labels:
matplotlib's own layouts draw a picture several times to find them.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from promotion.report.palette import light
from promotion.visible import visible

DASHED = (4, 2)
"""The pattern of dashed lines, in line widths."""
NUMBERS, NAMES, TITLE = 10.5, 11.0, 12.0
"""Font sizes, in points."""
_EDGE, _GAP, _LINE, _TITLE = 3.0, 5.0, 14.0, 27.0
_ASCENT, _MIDDLE = 0.76, 0.36
"""Height of a letter above its line, and half of it, as parts of the font size."""
_SAMPLE, _NAMED = 1.5 * NUMBERS, "named lines"
_ROUGHLY = (0.14, 0.14, 0.83, 0.78)
"""Provisional position of the axes while ticks are chosen; their number depends on it."""


def name_ticks(axis: Axis, at: Sequence[float], words: Sequence[str]) -> None:
    """Set ticks at these positions, with these labels and without rules."""
    axis.set_major_locator(FixedLocator(at))
    axis.set_major_formatter(FixedFormatter([_one_line(text) for text in words]))


def name_lines(axes: Axes) -> None:
    """Name the lines to the right of the title, where that covers nothing; `put_frame` draws the names."""
    axes.set_gid(_NAMED)


def put_frame(figure: Figure) -> str:
    """Size the axes so that no text is cut off and no x tick labels overlap; return title, ticks and rules as SVG."""
    (axes,) = figure.axes
    width, height = figure.bbox.size
    axes.set_position(_ROUGHLY)
    _thin(axes)
    across, up = _written(axes.xaxis), _written(axes.yaxis)  # once: another size could give other ticks
    left = _EDGE + (_LINE + _GAP if axes.get_ylabel() else 0.0) + _widest(up) + _GAP
    bottom = _EDGE + _LINE * (2 if axes.get_xlabel() or _common(axes.xaxis) else 1) + _GAP + _legend(figure)
    top = _TITLE + (_LINE if _common(axes.yaxis) else 0.0)
    right = 2 * _EDGE + _widest(across) / 2
    axes.set_position((left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height))
    across, up = _from_left(axes, across), _from_top(axes, up)
    svg = f"{_rules(axes, across, up)}{_title(axes)}{''.join((*_words(axes, across, up), *_names(axes)))}"
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_visible(False)
    axes.set_title("", loc="left")
    return svg


def _words(axes: Axes, across: Mapping[float, str], up: Mapping[float, str]) -> Iterator[str]:
    """Yield the labels of ticks and axes, with what the ticks of an axis share."""
    left, top, right, bottom = _box(axes)
    below = bottom + _GAP + _LINE + _ASCENT * NAMES
    for x, words in across.items():
        yield _text(x, bottom + _GAP + _ASCENT * NUMBERS, words, NUMBERS, "middle")
    for y, words in up.items():
        yield _text(left - _GAP, y + _MIDDLE * NUMBERS, words, NUMBERS, "end")
    yield _text(right, below, _common(axes.xaxis), NUMBERS, "end")
    yield _text(left, top - _EDGE, _common(axes.yaxis), NUMBERS, "start")
    yield _text((left + right) / 2, below, axes.get_xlabel(), NAMES, "middle")
    beside = left - 2 * _GAP - _widest(up)
    yield _text(beside, (top + bottom) / 2, axes.get_ylabel(), NAMES, "middle", turned=True)


def _rules(axes: Axes, across: Iterable[float], up: Iterable[float]) -> str:
    """Return a line for each tick that has no name."""
    left, top, right, bottom = _box(axes)
    lines = [f"M{x:.1f} {top:.1f}V{bottom:.1f}" for x in across if _is_ruled(axes.xaxis)]
    lines += [f"M{left:.1f} {y:.1f}H{right:.1f}" for y in up if _is_ruled(axes.yaxis)]
    return f'<path d="{"".join(lines)}" stroke="{light("line")}" stroke-width="0.6"/>' if lines else ""


def _box(axes: Axes) -> tuple[float, float, float, float]:
    """Return the edges of the axes in points from the figure's top left corner: left, top, right, bottom."""
    box, height = axes.bbox, axes.figure.bbox.height
    return box.x0, height - box.y1, box.x1, height - box.y0


def _from_left(axes: Axes, written: Mapping[float, str]) -> dict[float, str]:
    """Return the labels of x ticks by their distance from the figure's left edge, in points."""
    place, y = axes.transData.transform, axes.get_ylim()[0]
    return {float(place((x, y))[0]): words for x, words in written.items()}


def _from_top(axes: Axes, written: Mapping[float, str]) -> dict[float, str]:
    """Return the labels of y ticks by their distance from the figure's top edge, in points."""
    place, x, height = axes.transData.transform, axes.get_xlim()[0], axes.figure.bbox.height
    return {height - float(place((x, y))[1]): words for y, words in written.items()}


def _text(x: float, y: float, words: str, size: float, anchor: str, *, bold: bool = False, turned: bool = False) -> str:
    if not words:
        return ""
    weight = "font-weight: bold; " if bold else ""
    look = f"{weight}font-size: {size:g}px; text-anchor: {anchor}; fill: {light('ink')}"
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{look}"{turn}>{escape(visible(words))}</text>'


def _is_ruled(axis: Axis) -> bool:
    return not isinstance(axis.get_major_formatter(), FixedFormatter)


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


def _title(axes: Axes) -> str:
    """Return the title at the figure's left edge; ends one that is too long with an ellipsis."""
    text, room = _one_line(axes.get_title("left")), axes.figure.bbox.width - 2 * _EDGE
    while _width(text, TITLE, "bold") > room:
        text = f"{text[:-2].rstrip()}…"
    return _text(_EDGE, _EDGE + TITLE, text, TITLE, "start", bold=True)


def _names(axes: Axes) -> Iterator[str]:
    """Yield a sample of each line and its name, from the right edge to the left."""
    if axes.get_gid() != _NAMED:
        return
    right, middle = axes.figure.bbox.width - 0.5 * NUMBERS, _EDGE + 0.6 * NUMBERS
    for line, name in reversed(list(zip(*axes.get_legend_handles_labels(), strict=True))):
        words = right - _width(name, NUMBERS)
        sample = words - 0.8 * NUMBERS - _SAMPLE
        yield f"{_sample(line, sample, middle)}{_text(words, middle + _MIDDLE * NUMBERS, name, NUMBERS, 'start')}"
        right = sample - NUMBERS


def _sample(line: Any, x: float, y: float) -> str:
    """Return a short line in the style of a line or of the outline of steps, with the marker of the line."""
    is_line = isinstance(line, Line2D)
    colour, width = to_hex(line.get_color() if is_line else line.get_edgecolor()), line.get_linewidth()
    dashes = "" if line.get_linestyle() in {"-", "solid"} else ",".join(f"{width * part:g}" for part in DASHED)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    drawn = f'<path d="M{x:.1f} {y:.1f}h{_SAMPLE:.1f}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'
    marker, size = (line.get_marker(), line.get_markersize()) if is_line else ("None", 0.0)
    at, look = x + _SAMPLE / 2, f'fill="{colour}" stroke="{colour}"'
    if marker == "o":
        return f'{drawn}<circle cx="{at:.1f}" cy="{y:.1f}" r="{size / 2:g}" {look}/>'
    if marker == "s":
        place = f'x="{at - size / 2:.1f}" y="{y - size / 2:.1f}"'
        return f'{drawn}<rect {place} width="{size:g}" height="{size:g}" {look}/>'
    return drawn


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

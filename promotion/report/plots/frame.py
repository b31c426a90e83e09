"""What stands around the curves of a figure of one axes: lines and numbers at its ticks, names, title, margins.

matplotlib finds the ticks and writes their numbers; here they are drawn, each once, and the margins follow from their
widths. Its own ticks and layouts take several times as long as all else in a picture.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from promotion.report.palette import light

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


@dataclass(frozen=True)
class _Ticks:
    """Of one axis, those that are seen.

    Attributes:
        at: where.
        words: what is written there.
        common: what is written once for all of them, such as a power of ten, or a year.
        ruled: whether a line goes through each; rows that have names are told apart without.
    """

    at: tuple[float, ...]
    words: tuple[str, ...]
    common: str
    ruled: bool

    @property
    def widest(self) -> float:
        return max((_width(words, NUMBERS) for words in self.words), default=0.0)


def name_ticks(axis: "Axis", at: Sequence[float], words: Sequence[str]) -> None:
    """Ticks at these places, with these words."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis.set_major_locator(FixedLocator(at))
    axis.set_major_formatter(FixedFormatter([_one_line(text) for text in words]))


def name_lines(axes: "Axes") -> None:
    """Samples of the lines with their names, to the right of the title, where they hide nothing."""
    where: dict[str, Any] = {"bbox_to_anchor": (1.0, 1.0), "bbox_transform": axes.figure.transFigure}
    axes.legend(
        loc="upper right", ncols=2, handlelength=1.5, columnspacing=1.0, borderpad=0.2, borderaxespad=0.3, **where
    )


def put_frame(figure: "Figure") -> None:
    """Draw it, and size the axes, so that no word covers another or is cut off."""
    (axes,) = figure.axes
    width, height = figure.bbox.size
    axes.set_position(_ROUGHLY)
    across, up = _thinned(axes, _ticks(axes.xaxis)), _ticks(axes.yaxis)
    named = bool(axes.get_xlabel() or across.common)
    left = _EDGE + (_LINE + _GAP if axes.get_ylabel() else 0.0) + up.widest + _GAP
    bottom = _EDGE + _LINE * (2 if named else 1) + _GAP + _legend(figure)
    top = _TITLE + (_LINE if up.common else 0.0)
    right = max(2 * _EDGE, _overhang(axes, across, width))
    axes.set_position((left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height))
    axes.set_autoscale_on(False)
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    _rule(axes, across, up)
    _write(figure, axes, across, up)
    _entitle(axes, height)


def _ticks(axis: "Axis") -> _Ticks:
    from matplotlib.ticker import FixedLocator

    low, high = sorted(axis.get_view_interval())
    at, formatter = [float(place) for place in axis.get_majorticklocs()], axis.get_major_formatter()
    seen = [(place, words) for place, words in zip(at, formatter.format_ticks(at), strict=True) if low <= place <= high]
    return _Ticks(
        at=tuple(place for place, _ in seen),
        words=tuple(words for _, words in seen),
        common=str(formatter.get_offset()),
        ruled=not isinstance(axis.get_major_locator(), FixedLocator),
    )


def _thinned(axes: "Axes", across: _Ticks) -> _Ticks:
    """Every second tick under the axes, or every third, until no number touches the next."""
    places = [axes.transData.transform((at, axes.get_ylim()[0]))[0] for at in across.at]
    step = 1
    while any(after - place < across.widest + _GAP for place, after in pairwise(places[::step])):
        step += 1
    return replace(across, at=across.at[::step], words=across.words[::step])


def _overhang(axes: "Axes", across: _Ticks, width: float) -> float:
    """How far the numbers under the axes reach beyond its right end."""
    end = (_ROUGHLY[0] + _ROUGHLY[2]) * width
    places = (axes.transData.transform((at, axes.get_ylim()[0]))[0] for at in across.at)
    reaches = (place + _width(words, NUMBERS) / 2 for place, words in zip(places, across.words, strict=True))
    return float(max(reaches, default=0.0) - end + _EDGE)


def _legend(figure: "Figure") -> float:
    """The height of a legend under the axes."""
    return sum(float(legend.get_window_extent(_ruler()).height) for legend in figure.legends)


def _rule(axes: "Axes", across: _Ticks, up: _Ticks) -> None:
    looks: dict[str, Any] = {"colors": light("line"), "linewidth": 0.6, "zorder": 0.5}
    if across.ruled:
        axes.vlines(across.at, 0, 1, transform=axes.get_xaxis_transform(), **looks)
    if up.ruled:
        axes.hlines(up.at, 0, 1, transform=axes.get_yaxis_transform(), **looks)


def _write(figure: "Figure", axes: "Axes", across: _Ticks, up: _Ticks) -> None:
    """The numbers of both axes, what is common to them, and the names of the axes."""
    width, height = figure.bbox.size
    box = axes.bbox

    def write(x: float, y: float, words: str, size: float = NUMBERS, **looks: Any) -> None:
        if words:
            figure.text(x / width, y / height, words, fontsize=size, va="baseline", **looks)

    below = box.y0 - _LINE
    corner = axes.get_xlim()[0], axes.get_ylim()[0]
    for at, words in zip(across.at, across.words, strict=True):
        write(axes.transData.transform((at, corner[1]))[0], below, words, ha="center")
    for at, words in zip(up.at, up.words, strict=True):
        write(box.x0 - _GAP, axes.transData.transform((corner[0], at))[1] - 0.36 * NUMBERS, words, ha="right")
    write(box.x1, below - _LINE, across.common, ha="right")
    write(box.x0, box.y1 + _GAP, up.common, ha="left")
    write((box.x0 + box.x1) / 2, below - _LINE, axes.get_xlabel(), NAMES, ha="center")
    write(
        _EDGE + NAMES, (box.y0 + box.y1) / 2, axes.get_ylabel(), NAMES, ha="center", rotation=90, rotation_mode="anchor"
    )


def _entitle(axes: "Axes", height: float) -> None:
    """The title begins at the figure's edge; one that is too long for it ends in dots."""
    box, text = axes.bbox, _one_line(axes.get_title("left"))
    room = axes.figure.bbox.width - 2 * _EDGE
    while _width(text, TITLE, "bold") > room:
        text = f"{text[:-2].rstrip()}…"
    axes.set_title(text, x=(_EDGE - box.x0) / box.width, y=(height - _EDGE - TITLE - box.y0) / box.height, pad=0.0)


def _one_line(words: str) -> str:
    return " ".join(words.split())


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

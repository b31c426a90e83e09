"""The frame of a plot: title, names of lines, rows and axes, ticks, rules, and margins that fit the labels."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from html import escape
from itertools import pairwise

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

from promotion.report.palette import css
from promotion.report.plots.axes import Axes, Axis, Line, written
from promotion.report.plots.ticks import Ticks
from promotion.visible import visible

_NUMBERS, _NAMES, _TITLE, _BELOW = 10.5, 11.0, 12.0, 9.5
"""Font sizes, in pixels: of ticks and lines, of axes, of the title, and of lines below the plot."""
_EDGE, _GAP, _LINE, _TOP = 3.0, 5.0, 14.0, 27.0
_ASCENT, _MIDDLE = 0.76, 0.36
"""Height of a letter above its line, and half of it, as parts of the font size."""
_ROW = 1.5 * _BELOW


def put_frame(axes: Axes) -> str:
    """Place the axes so that no text is cut off and no x tick labels overlap; return title, ticks and rules as SVG."""
    across, up = axes.x.ticks(), axes.y.ticks()
    lines = sorted((line for line in axes.lines if line.label), key=lambda line: line.is_clipped)
    names = {name: [line for line in lines if line.label == name] for name in dict.fromkeys(one.label for one in lines)}
    below = _EDGE + _LINE * (2 if axes.x.label or across.common else 1) + _GAP
    if axes.legend_below:
        below += _ROW * ((len(names) + 1) // 2) + _EDGE
    left = _EDGE + (_LINE + _GAP if axes.y.label else 0.0) + _widest(up) + _GAP
    axes.x.ends = left, axes.width - 2 * _EDGE - _widest(across) / 2
    axes.y.ends = axes.height - below, _TOP + (_LINE if up.common else 0.0)
    across = _thinned(axes.x, across)
    legend = _names_below(axes, names) if axes.legend_below else _names_above(axes, names)
    return f"{_rules(axes, across, up)}{_title(axes)}{''.join((*_words(axes, across, up), *legend))}"


def _words(axes: Axes, across: Ticks, up: Ticks) -> Iterator[str]:
    """Yield the labels of ticks and axes, with what the ticks of an axis share."""
    (left, right), (bottom, top) = axes.x.ends, axes.y.ends
    below = bottom + _GAP + _LINE + _ASCENT * _NAMES
    for x, words in across.written.items():
        middle = max(axes.x.place(x), _EDGE + _width(words, _NUMBERS) / 2)
        yield _text(middle, bottom + _GAP + _ASCENT * _NUMBERS, words, _NUMBERS, "middle")
    for y, words in up.written.items():
        yield _text(left - _GAP, axes.y.place(y) + _MIDDLE * _NUMBERS, words, _NUMBERS, "end")
    yield _text(right, below, across.common, _NUMBERS, "end")
    yield _text(left, top - _EDGE, up.common, _NUMBERS, "start")
    yield _text((left + right) / 2, below, axes.x.label, _NAMES, "middle")
    yield _text(left - 2 * _GAP - _widest(up), (top + bottom) / 2, axes.y.label, _NAMES, "middle", turned=True)


def _rules(axes: Axes, across: Ticks, up: Ticks) -> str:
    """Return a line for each tick that has no name."""
    (left, right), (bottom, top) = axes.x.ends, axes.y.ends
    lines = [f"M{axes.x.place(x):.1f} {top:.1f}V{bottom:.1f}" for x in across.written if across.ruled]
    lines += [f"M{left:.1f} {axes.y.place(y):.1f}H{right:.1f}" for y in up.written if up.ruled]
    return f'<path d="{"".join(lines)}" stroke="{css("line")}" stroke-width="0.6"/>' if lines else ""


def _text(x: float, y: float, words: str, size: float, anchor: str, *, bold: bool = False, turned: bool = False) -> str:
    if not words:
        return ""
    weight = "font-weight: bold; " if bold else ""
    look = f"{weight}font-size: {size:g}px; text-anchor: {anchor}; fill: {css('ink')}"
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{look}"{turn}>{escape(visible(words))}</text>'


def _widest(ticks: Ticks) -> float:
    return max((_width(words, _NUMBERS) for words in ticks.written.values()), default=0.0)


def _thinned(axis: Axis, ticks: Ticks) -> Ticks:
    """Keep every second or third tick, and so on, until no labels overlap."""
    places, room, step = list(map(axis.place, ticks.written)), _widest(ticks) + _GAP, 1
    while any(after - place < room for place, after in pairwise(places[::step])):
        step += 1
    return replace(ticks, written=dict(list(ticks.written.items())[::step]))


def _title(axes: Axes) -> str:
    """Return the title at the picture's left edge; ends one that is too long with an ellipsis."""
    text, room = visible(" ".join(axes.title.split())), axes.width - 2 * _EDGE
    while _width(text, _TITLE, bold=True) > room:
        text = f"{text[:-2].rstrip()}…"
    return _text(_EDGE, _EDGE + _TITLE, text, _TITLE, "start", bold=True)


def _names_above(axes: Axes, names: dict[str, list[Line]]) -> Iterator[str]:
    """Yield a sample of each line and its name to the right of the title, from the right edge to the left."""
    right, middle = axes.width - 0.5 * _NUMBERS, _EDGE + 0.6 * _NUMBERS
    for name, lines in reversed(names.items()):
        words = right - _width(name, _NUMBERS)
        right = words - 3.3 * _NUMBERS
        yield _sample(lines, right + _NUMBERS, middle, 1.5 * _NUMBERS)
        yield _text(words, middle + _MIDDLE * _NUMBERS, name, _NUMBERS, "start")


def _names_below(axes: Axes, names: dict[str, list[Line]]) -> Iterator[str]:
    """Yield a sample of each line and its name in two columns below the plot."""
    rows, left = (len(names) + 1) // 2, 0.9 * _BELOW
    for place, (name, lines) in enumerate(names.items()):
        if place == rows:
            left += 3.6 * _BELOW + max(_width(each, _BELOW) for each in list(names)[:rows])
        middle = axes.height - _ROW * (rows - place % rows)
        yield _sample(lines, left, middle, 2.0 * _BELOW)
        yield _text(left + 2.4 * _BELOW, middle + _MIDDLE * _BELOW, name, _BELOW, "start")


def _sample(lines: Iterable[Line], x: float, y: float, length: float) -> str:
    """Return a short line from this place to the right in the style of each line, with its marker, or a bar."""
    half = length / 2
    bar, level = ((x + half, y - half / 2), (x + half, y + half / 2)), ((x, y), (x + length, y))
    samples = (written(replace(line, marker=""), bar if line.is_upright else level) for line in lines)
    return "".join((*samples, *(written(replace(line, width=0), ((x + half, y),)) for line in lines)))


def _width(words: str, size: float, *, bold: bool = False) -> float:
    """Return the width in pixels in matplotlib's font, which is wider than the fonts of most browsers."""
    return size * sum(_advance(letter, bold=bold) for letter in words)


@cache
def _advance(letter: str, *, bold: bool) -> float:
    """Return the width of a letter as part of the font size; one that the font does not have is a square."""
    glyph = _font(bold=bold).get_char_index(ord(letter))
    return _font(bold=bold).load_glyph(glyph).linearHoriAdvance / (100 << 16) if glyph else 1.0  # 16.16 fixed point


@cache
def _font(*, bold: bool) -> FT2Font:
    font = FT2Font(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' * bold}.ttf")
    font.set_size(100, 72)
    return font

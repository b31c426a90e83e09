"""What a plot shows, in the units of the data, and where that lies in the picture: lines, markers and two axes.

The pictures fill an `Axes`, `frame` gives its two axes their places, and `svg` writes it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from promotion.report.palette import css
from promotion.report.plots.ticks import Choose, Ticks, round_numbers

Point = tuple[float, float]
EDGE = math.inf
"""As a coordinate: the right or upper edge of the plot; with a minus, the left or lower one."""
DASHED, DOTTED = (4.0, 2.0), (1.0, 1.65)
"""Patterns of lines, in line widths."""
STRIPED = "striped"
"""A fill: diagonal lines in the champion's colour."""
_MARGIN, _SAME = 0.05, 1e-12
_CROSS = (-1, -2), (0, -1), (1, -2), (2, -1), (1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1), (-1, 0), (-2, -1)
_CORNERS: dict[str, tuple[Point, ...]] = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "up": ((0, -1), (-1, 1), (1, 1)),
    "down": ((0, 1), (1, -1), (-1, -1)),
    "diamond": ((0, -1.414), (1.414, 0), (0, 1.414), (-1.414, 0)),
    "x": ((-1, -1), (1, 1), (0, 0), (1, -1), (-1, 1), (0, 0)),
    "cross": tuple((x / 2, y / 2) for x, y in _CROSS),
}
"""The corners of each marker but the circle, from its middle, in half sizes."""


@dataclass(frozen=True)
class Line:
    """Points that a line connects, or that markers show, or both.

    Attributes:
        x, y: the places of the points; one that is not a number interrupts the line.
        colour: of the line and of the outlines of markers.
        width: of the line, in pixels; 0 for none.
        dashes: lengths in widths; empty for a solid line.
        marker, size: name of a marker, and its size in pixels; empty for none.
        face: fill of the markers; the colour by default.
        fill: fill of the area within the line.
        label: name in the legend; empty for none.
        is_upright: whether it consists of upright bars, and is a bar in the legend.
        is_clipped: whether the edges of the plot cut it off.
    """

    x: Sequence[float]
    y: Sequence[float]
    colour: str
    width: float = 1.8
    dashes: tuple[float, ...] = ()
    marker: str = ""
    size: float = 0.0
    face: str = ""
    fill: str = "none"
    label: str = ""
    is_upright: bool = False
    is_clipped: bool = True


@dataclass
class Axis:
    """One direction of a plot: `ends` are the places of the limits in the picture, in pixels."""

    limits: tuple[float, float]
    label: str = ""
    choose: Choose = round_numbers
    is_log: bool = False
    ends: tuple[float, float] = (0.0, 1.0)

    def place(self, value: float) -> float:
        """Return where a value lies in the picture, in pixels."""
        if math.isinf(value):
            return self.ends[value > 0]
        low, high = self.limits
        if self.is_log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        share = (value - low) / (high - low) if high != low else 0.5
        return self.ends[0] + share * (self.ends[1] - self.ends[0])

    def ticks(self) -> Ticks:
        """Return the ticks between the ends."""
        low, high = sorted(self.limits)
        ticks = self.choose(low, high)
        return replace(ticks, written={at: text for at, text in ticks.written.items() if low <= at <= high})


@dataclass
class Axes:
    """A plot; its size is in CSS pixels: a width of 360 fits a phone, and two side by side fit a desktop."""

    title: str
    x: Axis
    y: Axis
    lines: list[Line] = field(default_factory=list)
    width: float = 360.0
    height: float = 290.0
    legend_below: bool = False
    has_left_edge: bool = True

    def drawn(self, name: str) -> str:
        """Return lines, markers and edges as SVG; `name` is that of the picture."""
        (left, right), (bottom, top) = self.x.ends, self.y.ends
        area = f'x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" height="{bottom - top:.2f}"'
        corner = f"M{left:.2f} {top:.2f}V{bottom:.2f}" if self.has_left_edge else f"M{left:.2f} {bottom:.2f}"
        edges = f'<path d="{corner}H{right:.2f}" fill="none" stroke="{css("quiet")}" stroke-width="0.8"/>'
        within = "".join(self._written(line, name) for line in self.lines if line.is_clipped)
        above = "".join(self._written(line, name) for line in self.lines if not line.is_clipped)
        known = f'<clipPath id="{name}-plot"><rect {area}/></clipPath>{_stripes(name) if STRIPED in within else ""}'
        return f'{known}<g clip-path="url(#{name}-plot)">{within}</g>{edges}{above}'

    def _written(self, line: Line, name: str) -> str:
        fill = f"url(#{name}-{STRIPED})" if line.fill == STRIPED else line.fill
        points = zip(map(self.x.place, line.x), map(self.y.place, line.y), strict=True)
        return written(replace(line, fill=fill), list(points))


def bars(x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return upright bars, from the lower to the higher value at each place."""
    y = [end for both in zip(low, high, strict=True) for end in (*both, math.nan)]
    return [place for place in x for _ in range(3)], y


def around(values: Iterable[float]) -> tuple[float, float]:
    """Return limits with the values and a margin between them; leaves out infinite values."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = _MARGIN * (high - low if high - low > _SAME * abs(high) else abs(high) or 1.0)
    return low - margin, high + margin


def written(line: Line, points: Sequence[Point]) -> str:
    """Return a line and its markers through these places in the picture, as SVG."""
    svg = ""
    if line.width:
        dashes = ",".join(f"{line.width * part:.3g}" for part in line.dashes)
        ends = f' stroke-dasharray="{dashes}"' if dashes else "" if line.is_upright else ' stroke-linecap="square"'
        path = f"{_path(points)}{'' if line.fill == 'none' else 'z'}"
        svg += f'<path d="{path}" fill="{line.fill}" stroke="{line.colour}" stroke-width="{line.width:g}"{ends}/>'
    if line.marker:
        markers = "".join(_marker(line, x, y) for x, y in points if not math.isnan(x + y))
        svg += f'<path d="{markers}" fill="{line.face or line.colour}" stroke="{line.colour}"/>'
    return svg


def _marker(line: Line, x: float, y: float) -> str:
    half = line.size / 2
    if line.marker == "circle":
        arc = f"a{half:g} {half:g} 0 1 0"
        return f"M{x - half:.2f} {y:.2f}{arc} {2 * half:g} 0{arc} {-2 * half:g} 0z"
    return f"{_path((x + across * half, y + down * half) for across, down in _CORNERS[line.marker])}z"


def _path(points: Iterable[Point]) -> str:
    path, pen = "", "M"
    for x, y in points:
        is_gap = math.isnan(x + y)
        path += "" if is_gap else f"{pen}{x:.2f} {y:.2f}"
        pen = "M" if is_gap else "L"
    return path


def _stripes(name: str) -> str:
    path = "".join(f"M{at} 0l-72 72" for at in range(0, 145, 4))  # large, because browsers blur the edges of small ones
    lines = f'<path d="{path}" stroke="{css("champion")}"/>'
    return f'<pattern id="{name}-{STRIPED}" patternUnits="userSpaceOnUse" width="72" height="72">{lines}</pattern>'

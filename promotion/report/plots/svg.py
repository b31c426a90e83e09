"""Turn a matplotlib figure into an `<svg>` for a page: small, reproducible, in the page's own colours.

`blank` makes a figure and `drawn` finishes it, both under `style`; pyplot, with its windows, is never loaded.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Any

from promotion.report.palette import PALETTE, light
from promotion.report.plots.frame import NAMES, NUMBERS, TITLE, put_frame
from promotion.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72.0
"""Points per inch, as in SVG: a figure of width 360 is 360 CSS pixels wide on a phone."""

_REACH = 7
"""Distance at which a pointer still selects a point, in CSS pixels."""

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a slice may be named `$`
    "svg.fonttype": "none",  # keep text as text: smaller than outlines, and in the page's own font
    "svg.hashsalt": "promotion",
    "font.size": NAMES,
    "axes.edgecolor": light("quiet"),
    "axes.titlecolor": light("ink"),
    "axes.titlesize": TITLE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.formatter.useoffset": False,
    "figure.facecolor": "none",
    "figure.edgecolor": "none",
    "text.color": light("ink"),
    "xtick.labelsize": NUMBERS,
    "ytick.labelsize": NUMBERS,
    "legend.frameon": False,
    "legend.fontsize": NUMBERS,
    "lines.linewidth": 1.8,
    "path.simplify": False,
}
_ONE_AT_A_TIME = Lock()  # matplotlib's settings are global to the process

_ID = re.compile(r' id="([^"]+)"')
_REFERRED = re.compile(r'(?:url\(#|href="#)([^")]+)')
_NOTHING = re.compile(r"<!--.*?-->\s*|<defs>\s*<style.*?</style>\s*</defs>\s*|<metadata>.*?</metadata>\s*", re.DOTALL)
_FAMILY = re.compile(r"(?<= )font-family: [^;\"]+; ")
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_FONT = re.compile(r"font: (?:(bold|\d+) )?([\d.]+)px [^;\"]+")
_TAG = re.compile(r"<[^>]*>")
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_SPACES = re.compile(r"(?<=>)\s+(?=<)|\s+(?=\")")


@dataclass(frozen=True)
class Spot:
    """Where a pointer shows a text: around a point, or from the floor to the ceiling between two places.

    Attributes:
        x: place in the unit of the x axis, or the two ends.
        y: place in the unit of the y axis; None between two ends.
        text: what it shows.
    """

    x: float | tuple[float, float]
    y: float | None
    text: str


@contextmanager
def style() -> Iterator[None]:
    """Apply the project's style inside the block, whatever the user's matplotlib settings, and restore those after."""
    import matplotlib as mpl

    with _ONE_AT_A_TIME, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def blank(width: float = 360.0, height: float = 290.0) -> "Figure":
    """Return an empty figure for one axes.

    The size is in CSS pixels: a width of 360 fits a phone, and two side by side fit a desktop.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), dpi=POINTS_PER_INCH)


def drawn(figure: "Figure", *, name: str, title: str, sentence: str, spots: Sequence[Spot] = ()) -> str:
    """Return the figure as an `<svg>` element.

    Args:
        figure: made by `blank`, within the same `style`.
        name: unique among the pictures of a page, of letters, digits and `-`; every id in the
            element begins with it.
        title: what the figure is, in a few words.
        sentence: alt text with the numbers.
        spots: what a pointer shows.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    frame = put_frame(figure)
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(written, metadata=nothing)  # type: ignore[no-untyped-call]  # `savefig` draws twice
    text = written.getvalue()
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    width, height = (size * POINTS_PER_INCH for size in figure.get_size_inches())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'aria-labelledby="{name}-title" aria-describedby="{name}-told">'
        f'<title id="{name}-title">{escape(visible(title))}</title>'
        f'<desc id="{name}-told">{escape(visible(sentence))}</desc>'
    )
    return f"{head}{_coloured(frame + _named(_light(inner), name))}{_pointed(figure.axes[0], height, spots)}</svg>"


def _pointed(axes: "Axes", height: float, spots: Sequence[Spot]) -> str:
    """Return unseen shapes with titles, which browsers show when a pointer rests on them."""
    if not spots:
        return ""
    return f'<g fill="none" pointer-events="all">{"".join(_shape(axes, height, spot) for spot in spots)}</g>'


def _shape(axes: "Axes", height: float, spot: Spot) -> str:
    title, box, place = f"<title>{escape(visible(spot.text))}</title>", axes.bbox, axes.transData.transform
    if isinstance(spot.x, tuple):
        left, right = (place((x, 0.0))[0] for x in spot.x)
        size = f'width="{right - left:.1f}" height="{box.height:.1f}"'
        return f'<rect x="{left:.1f}" y="{height - box.y1:.1f}" {size}>{title}</rect>'
    x, y = place((spot.x, spot.y or 0.0))
    return f'<circle cx="{x:.1f}" cy="{height - y:.1f}" r="{_REACH}">{title}</circle>'


def _light(inner: str) -> str:
    """Remove what readers do not need: the page sets the font, and two decimals of a pixel are enough."""
    plain = _FAMILY.sub("", _FONT.sub(_font, _UNTURNED.sub("", _NOTHING.sub("", inner))))
    shorter = _TAG.sub(lambda tag: _DECIMALS.sub(r"\1", tag[0]), plain)  # leave visible text unchanged
    return _SPACES.sub("", shorter).strip()


def _font(found: re.Match[str]) -> str:
    weight = f"font-weight: {found[1]}; " if found[1] else ""
    return f"{weight}font-size: {found[2]}px"


def _named(inner: str, name: str) -> str:
    """Prefix referenced ids with the picture's name, and remove the others."""
    referred = set(_REFERRED.findall(inner))
    kept = _ID.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in referred else "", inner)
    return _REFERRED.sub(lambda found: f"{found[0][: -len(found[1])]}{name}-{found[1]}", kept)


def _coloured(inner: str) -> str:
    """Replace the drawn colours with the page's colour variables."""
    for name, colour in PALETTE.items():
        inner = inner.replace(colour.light, f"var(--{name}, {colour.light})")
    return inner

"""Write a plot as an `<svg>` for a page: small, reproducible, in the page's own colours, with texts for a pointer."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from promotion.report.plots.axes import Axes
from promotion.report.plots.frame import put_frame
from promotion.visible import visible

_REACH = 7
"""Distance at which a pointer still selects a point, in CSS pixels."""


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


def drawn(axes: Axes, *, name: str, title: str, sentence: str, spots: Sequence[Spot] = ()) -> str:
    """Return the plot as an `<svg>` element.

    Args:
        axes: the plot.
        name: unique among the pictures of a page, of letters, digits and `-`; every id in the
            element begins with it.
        title: what the plot is, in a few words.
        sentence: alt text with the numbers.
        spots: what a pointer shows.
    """
    frame = put_frame(axes)  # which gives the axes their places
    shapes = "".join(_shape(axes, spot) for spot in spots)
    pointed = f'<g fill="none" pointer-events="all">{shapes}</g>' if shapes else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {axes.width:g} {axes.height:g}" width="{axes.width:g}" height="{axes.height:g}" '
        f'aria-labelledby="{name}-title" aria-describedby="{name}-told">'
        f'<title id="{name}-title">{escape(visible(title))}</title>'
        f'<desc id="{name}-told">{escape(visible(sentence))}</desc>'
        f"{frame}{axes.drawn(name)}{pointed}</svg>"
    )


def _shape(axes: Axes, spot: Spot) -> str:
    """Return an unseen shape with a title, which browsers show when a pointer rests on it."""
    title = f"<title>{escape(visible(spot.text))}</title>"
    if isinstance(spot.x, tuple):
        (left, right), (bottom, top) = map(axes.x.place, spot.x), axes.y.ends
        size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
        return f'<rect x="{left:.1f}" y="{top:.1f}" {size}>{title}</rect>'
    x, y = axes.x.place(spot.x), axes.y.place(spot.y or 0.0)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_REACH}">{title}</circle>'

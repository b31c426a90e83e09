"""The colours of pages and plots, each for light and dark mode; CSS uses the same names."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One colour by purpose: `#rrggbb` in light mode (and on paper), and in dark mode."""

    light: str
    dark: str


PALETTE = {
    "paper": Colour("#ffffff", "#13171c"),
    "panel": Colour("#f4f6f8", "#1b2128"),
    "line": Colour("#d3d9e0", "#36404b"),
    "ink": Colour("#1a1f26", "#e7ebf0"),
    "quiet": Colour("#56606b", "#a3adb9"),
    "link": Colour("#0a58a6", "#82b8ff"),
    "champion": Colour("#2062ae", "#7fb3f5"),
    "challenger": Colour("#b4450c", "#ffa45c"),
    "good": Colour("#13672f", "#58cc7d"),
    "bad": Colour("#b2251d", "#ff8f86"),
    "unsure": Colour("#875700", "#e5b64d"),
}
"""All colours are readable as text on `paper` and `panel` (WCAG 2.2, AA), except `line`, which only divides."""


def css(name: str) -> str:
    """Return the colour as CSS: the page's own, or the light one in a file of its own."""
    return f"var(--{name}, {PALETTE[name].light})"

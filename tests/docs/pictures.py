"""Draws the picture of docs/concepts/dependence.md: `python tests/docs/pictures.py` updates it."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from promotion import compare

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "dependence.svg"
LINE, ROW, NONE = "#1d4ed8", "#93a4c3", "#6b7280"


def drawn_rows():
    """Prices of ten shops by two equally good models, each of which suits some shops better."""
    rng = np.random.default_rng(1)
    shops = np.repeat(np.arange(10), 40)
    price = rng.normal(size=400)
    models = [price + rng.normal(size=10)[shops] * 0.5 + rng.normal(size=400) * 0.6 for _ in range(2)]
    return shops, price, models


def figure():
    """Left, what each row says of the gain, shop by shop; right, the interval by rows and by shops."""
    shops, price, (champion, challenger) = drawn_rows()
    gains = np.square(champion - price) - np.square(challenger - price)
    shown = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = shown.subplots(1, 2, width_ratios=(3, 2))
    jitter = np.random.default_rng(1).uniform(-0.25, 0.25, len(shops))
    left.scatter(shops + 1 + jitter, gains, s=6, color=ROW)
    for shop in range(10):
        mean = gains[shops == shop].mean()
        left.plot([shop + 0.65, shop + 1.35], [mean, mean], color=LINE, linewidth=2.5)
    left.set(title="Gain row by row, and each shop's mean", xlabel="shop", ylim=(-4, 4), xticks=range(1, 11))
    for place, (name, groups) in enumerate((("by shops", shops), ("by rows", None))):
        found = compare(price, champion, challenger, metrics=["mse"], groups=groups)["mse"]
        right.plot([found.low, found.high], [place, place], color=LINE, linewidth=2.5)
        right.plot(found.gain, place, "o", color=LINE)
        right.text(found.gain, place + 0.14, name, ha="center")
    right.set(title="95 % interval of the mean gain", ylim=(-0.5, 1.6), yticks=[])
    for axes, line in ((left, left.axhline), (right, right.axvline)):
        line(0, color=NONE, linewidth=0.8, linestyle="--")
        axes.spines[["top", "right"]].set_visible(False)
    return shown


if __name__ == "__main__":
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "promotion", "font.family": "sans-serif", "font.size": 9}
    ):
        figure().savefig(PICTURE, metadata={"Date": None})

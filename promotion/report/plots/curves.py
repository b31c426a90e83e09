"""Curves of two classifiers: ROC, precision-recall, and cost. Each picture has alt text."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from promotion.comparison.curves import Curve, ScoreCurves
from promotion.number_format import percent
from promotion.report.page import Picture
from promotion.report.palette import light
from promotion.report.plots.frame import name_lines
from promotion.report.plots.svg import blank, drawn

LINES = {"champion": (0, (4, 2)), "challenger": "solid"}
"""Line styles that distinguish both models without colour; the challenger is drawn on top."""


def roc_picture(curves: ScoreCurves) -> Picture:
    """Draw the true positive rate at each false positive rate."""
    figure, axes = unit_square("ROC", "false positive rate", "true positive rate")
    axes.plot((0, 1), (0, 1), color=light("quiet"), linewidth=0.8, linestyle=":")
    lines = dict(sides(curves, "roc"))
    _draw(axes, lines)
    at = (0.01, 0.1)
    told = "; ".join(f"at {percent(rate)} false positives {_each(lines, rate)} of the positives" for rate in at)
    return Picture(
        svg=drawn(figure, name="roc", title="ROC curves", told=f"Found: {told}."),
        caption="Positives found, over false alarms, at every cut-off. Dotted: no better than chance.",
    )


def precision_picture(curves: ScoreCurves) -> Picture:
    """Draw the precision at each recall."""
    figure, axes = unit_square("Precision and recall", "recall", "precision")
    axes.axhline(curves.prevalence, color=light("quiet"), linewidth=0.8, linestyle=":")
    lines = dict(sides(curves, "precision_recall"))
    _draw(axes, lines)
    told = "; ".join(
        f"at a recall of {percent(recall)} precision is {_each(lines, recall)}" for recall in (0.2, 0.5, 0.8)
    )
    return Picture(
        svg=drawn(figure, name="precision-recall", title="Precision over recall", told=f"{told.capitalize()}."),
        caption=(
            "Precision that can be had at each recall, or at a higher one. Dotted: the share of positives, "
            f"{_percent(curves.prevalence)}."
        ),
    )


def cost_picture(curves: ScoreCurves) -> Picture:
    """Draw each model's expected cost at its best threshold, for every cost ratio of misses and false alarms."""
    figure = blank()
    axes = figure.add_subplot()
    axes.set(title="Cost", xlabel="share of the cost at stake on positives", ylabel="expected cost", xlim=(0, 1))
    lines = dict(sides(curves, "cost"))
    axes.plot((0, 0.5, 1), (0, 0.5, 0), color=light("quiet"), linewidth=0.8, linestyle=":")
    axes.axvline(curves.prevalence, color=light("quiet"), linewidth=0.8)
    _draw(axes, lines)
    top = max(max(line.y) for line in lines.values())
    axes.set_ylim(0, max(0.02, 1.1 * top))
    told = f"Where half of the cost is at stake on positives, {_each(lines, 0.5)} of it is lost"
    return Picture(
        svg=drawn(figure, name="cost", title="Cost curves", told=f"{told}."),
        caption=(
            "Expected cost with the best cut-off for it, from 0 (all right) to 1; lower is better. Upright line: a "
            "miss and a false alarm cost the same; to its right misses cost more. Dotted: flag all, or none."
        ),
    )


def unit_square(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    """Return axes from 0 to 1 in both directions."""
    figure = blank()
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up, xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    return figure, axes


def sides(curves: ScoreCurves, name: str) -> Iterator[tuple[str, Curve]]:
    """Yield one curve of the champion, if any, and of the challenger."""
    if curves.champion:
        yield "champion", getattr(curves.champion, name)
    yield "challenger", getattr(curves.challenger, name)


def _draw(axes: Axes, lines: dict[str, Curve]) -> None:
    for side, line in lines.items():
        axes.plot(line.x, line.y, color=light(side), linestyle=LINES[side], label=side)
    name_lines(axes)


def _at(line: Curve, x: float) -> float:
    return float(np.interp(x, line.x, line.y))


def _each(lines: dict[str, Curve], x: float) -> str:
    """Give each model's value at `x`, in words."""
    return " and ".join(f"{_percent(_at(line, x))} by the {side}" for side, line in lines.items())


def _percent(share: float) -> str:
    return percent(float(f"{share:.3g}"))

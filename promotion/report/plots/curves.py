"""Curves of two classifiers: ROC, precision-recall, and cost. Each picture has alt text."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from promotion.comparison.curves import Curve, ScoreCurves
from promotion.number_format import percent
from promotion.report.page import Picture, Table, left, right, row
from promotion.report.palette import light
from promotion.report.plots.frame import DASHED, name_lines
from promotion.report.plots.svg import Spot, blank, drawn

_AT = (0.01, 0.05, *(tenth / 10 for tenth in range(1, 10)))
LINES = {"champion": (0, DASHED), "challenger": "solid"}
"""Line styles that distinguish both models without colour; the challenger is drawn on top."""


def roc_picture(curves: ScoreCurves) -> Picture:
    """Draw the true positive rate at each false positive rate."""
    figure, axes = unit_square("ROC", "false positive rate", "true positive rate")
    axes.plot((0, 1), (0, 1), color=light("quiet"), linewidth=0.8, linestyle=":")
    lines = dict(sides(curves, "roc"))
    _draw(axes, lines)
    at = (0.01, 0.1)
    sentence = "; ".join(
        f"at a false positive rate of {percent(rate)}, {_each(lines, rate)} of the positives" for rate in at
    )
    spots, numbers = numbers_of(lines, "false positive rate", "true positive rate")
    return Picture(
        svg=drawn(figure, name="roc", title="ROC curves", sentence=f"Found: {sentence}.", spots=spots),
        caption="True positive rate at each false positive rate. The dotted line is chance.",
        numbers=numbers,
    )


def precision_picture(curves: ScoreCurves) -> Picture:
    """Draw the precision at each recall."""
    figure, axes = unit_square("Precision and recall", "recall", "precision")
    axes.axhline(curves.prevalence, color=light("quiet"), linewidth=0.8, linestyle=":")
    lines = dict(sides(curves, "precision_recall"))
    _draw(axes, lines)
    sentence = "; ".join(
        f"at a recall of {percent(recall)} precision is {_each(lines, recall)}" for recall in (0.2, 0.5, 0.8)
    )
    spots, numbers = numbers_of(lines, "recall", "precision")
    title = "Precision over recall"
    return Picture(
        svg=drawn(figure, name="precision-recall", title=title, sentence=f"{sentence.capitalize()}.", spots=spots),
        caption=(
            "Best precision at each recall or a higher one. The dotted line is the share of positives, "
            f"{_percent(curves.prevalence)}."
        ),
        numbers=numbers,
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
    sentence = f"Share of the cost that is lost where half of it is at stake on positives: {_each(lines, 0.5)}"
    spots, numbers = numbers_of(lines, "share of the cost at stake on positives", "expected cost")
    return Picture(
        svg=drawn(figure, name="cost", title="Cost curves", sentence=f"{sentence}.", spots=spots),
        caption=(
            "Expected cost at the best threshold, from 0 (no errors) to 1. Lower is better. At the vertical line, a "
            "miss costs as much as a false alarm; to its right, misses cost more. The dotted line flags all rows or "
            "none."
        ),
        numbers=numbers,
    )


def numbers_of(
    lines: Mapping[str, Curve], across: str, up: str, at: Sequence[float] = _AT
) -> tuple[tuple[Spot, ...], Table]:
    """Return the values of both models at some places, as what a pointer shows and as a table.

    Args:
        lines: a curve by model.
        across: name of the x axis.
        up: name of the y axis.
        at: the places, ascending.
    """
    values = [(x, {side: _at(line, x) for side, line in lines.items()}) for x in at]
    ends = (0.0, *((x + after) / 2 for x, after in pairwise(at)), 1.0)
    spots = tuple(
        Spot(band, None, f"{across} {_percent(x)}: {up} {_listed(found)}")
        for band, (x, found) in zip(pairwise(ends), values, strict=True)
    )
    rows = (row(_percent(x), *map(_percent, found.values())) for x, found in values)
    title = f"{up.capitalize()} at each {across}"
    return spots, Table(title=title, columns=(*left(across), *right(*lines)), rows=tuple(rows))


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
    return _listed({side: _at(line, x) for side, line in lines.items()})


def _listed(found: Mapping[str, float]) -> str:
    return " and ".join(f"{_percent(value)} by the {side}" for side, value in found.items())


def _percent(share: float) -> str:
    return percent(float(f"{share:.3g}"))

"""Curves of two classifiers: ROC, precision-recall, and cost. Each picture has alt text."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from promotion.comparison.curves import Curve, ScoreCurves
from promotion.number_format import percent
from promotion.report.page import Picture, Table, left, right, row
from promotion.report.palette import css
from promotion.report.plots.axes import DASHED, DOTTED, EDGE, Axes, Axis, Line
from promotion.report.plots.svg import Spot, drawn

_AT = (0.01, 0.05, *(tenth / 10 for tenth in range(1, 10)))
LINES: dict[str, tuple[float, ...]] = {"champion": DASHED, "challenger": ()}
"""Dashes that distinguish both models without colour; the challenger is drawn on top."""


def roc_picture(curves: ScoreCurves) -> Picture:
    """Draw the true positive rate at each false positive rate."""
    lines = dict(sides(curves, "roc"))
    axes = _unit_square("ROC", "false positive rate", "true positive rate", [dotted((0, 1), (0, 1)), *_styled(lines)])
    at = (0.01, 0.1)
    sentence = "; ".join(
        f"at a false positive rate of {percent(rate)}, {_each(lines, rate)} of the positives" for rate in at
    )
    spots, numbers = numbers_of(lines, "false positive rate", "true positive rate")
    return Picture(
        svg=drawn(axes, name="roc", title="ROC curves", sentence=f"Found: {sentence}.", spots=spots),
        caption="True positive rate at each false positive rate. The dotted line is chance.",
        numbers=numbers,
    )


def precision_picture(curves: ScoreCurves) -> Picture:
    """Draw the precision at each recall."""
    lines = dict(sides(curves, "precision_recall"))
    chance = dotted((-EDGE, EDGE), (curves.prevalence,) * 2)
    axes = _unit_square("Precision and recall", "recall", "precision", [chance, *_styled(lines)])
    sentence = "; ".join(
        f"at a recall of {percent(recall)} precision is {_each(lines, recall)}" for recall in (0.2, 0.5, 0.8)
    )
    spots, numbers = numbers_of(lines, "recall", "precision")
    title = "Precision over recall"
    return Picture(
        svg=drawn(axes, name="precision-recall", title=title, sentence=f"{sentence.capitalize()}.", spots=spots),
        caption=(
            "Best precision at each recall or a higher one. The dotted line is the share of positives, "
            f"{as_percent(curves.prevalence)}."
        ),
        numbers=numbers,
    )


def cost_picture(curves: ScoreCurves) -> Picture:
    """Draw each model's expected cost at its best threshold, for every cost ratio of misses and false alarms."""
    lines = dict(sides(curves, "cost"))
    top = max(0.02, 1.1 * max(max(line.y) for line in lines.values()))
    even = Line((curves.prevalence,) * 2, (-EDGE, EDGE), css("quiet"), width=0.8)
    x, y = Axis((0, 1), "share of the cost at stake on positives"), Axis((0, top), "expected cost")
    axes = Axes("Cost", x, y, [dotted((0, 0.5, 1), (0, 0.5, 0)), even, *_styled(lines)])
    sentence = f"Share of the cost that is lost where half of it is at stake on positives: {_each(lines, 0.5)}"
    spots, numbers = numbers_of(lines, "share of the cost at stake on positives", "expected cost")
    return Picture(
        svg=drawn(axes, name="cost", title="Cost curves", sentence=f"{sentence}.", spots=spots),
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
        Spot(band, None, f"{across} {as_percent(x)}: {up} {_listed(found)}")
        for band, (x, found) in zip(pairwise(ends), values, strict=True)
    )
    rows = (row(as_percent(x), *map(as_percent, found.values())) for x, found in values)
    title = f"{up.capitalize()} at each {across}"
    return spots, Table(title=title, columns=(*left(across), *right(*lines)), rows=tuple(rows))


def dotted(x: Sequence[float], y: Sequence[float]) -> Line:
    """Return a thin line to compare with."""
    return Line(x, y, css("quiet"), width=0.8, dashes=DOTTED)


def sides(curves: ScoreCurves, name: str) -> Iterator[tuple[str, Curve]]:
    """Yield one curve of the champion, if any, and of the challenger."""
    if curves.champion:
        yield "champion", getattr(curves.champion, name)
    yield "challenger", getattr(curves.challenger, name)


def _unit_square(title: str, across: str, up: str, lines: list[Line]) -> Axes:
    return Axes(title, Axis((-0.01, 1.01), across), Axis((-0.01, 1.02), up), lines)


def _styled(lines: Mapping[str, Curve]) -> Iterator[Line]:
    for side, line in lines.items():
        yield Line(line.x, line.y, css(side), dashes=LINES[side], label=side)


def _at(line: Curve, x: float) -> float:
    return float(np.interp(x, line.x, line.y))


def _each(lines: dict[str, Curve], x: float) -> str:
    """Give each model's value at `x`, in words."""
    return _listed({side: _at(line, x) for side, line in lines.items()})


def _listed(found: Mapping[str, float]) -> str:
    return " and ".join(f"{as_percent(value)} by the {side}" for side, value in found.items())


def as_percent(share: float) -> str:
    """Write a share with three digits."""
    return percent(float(f"{share:.3g}"))

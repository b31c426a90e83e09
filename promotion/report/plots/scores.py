"""Score distributions: calibration, histograms of each class, and regression errors."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from promotion.comparison import Calibration
from promotion.comparison.curves import ErrorBins, ScoreCurves
from promotion.number_format import figure as written
from promotion.report.page import Picture, Table, left, right, row
from promotion.report.palette import css
from promotion.report.plots.axes import EDGE, Axes, Axis, Line
from promotion.report.plots.curves import LINES, as_percent, dotted
from promotion.report.plots.svg import Spot, drawn
from promotion.report.plots.ticks import powers

_CROWDED = 0.5
_TOGETHER = 4
_MARKERS = {"champion": "square", "challenger": "circle"}


def calibration_picture(sides: Mapping[str, Sequence[Calibration]]) -> Picture:
    """Draw the observed frequency in each decile of a model's scores against the mean score."""
    top = 1.05 * max(max(part.score, part.observed) for parts in sides.values() for part in parts)
    ends = -0.02 * top, top
    axes = Axes("Calibration", Axis(ends, "mean score of each tenth"), Axis(ends, "observed rate"))
    axes.lines.append(dotted((0, top), (0, top)))
    for side, parts in sides.items():
        points = [part.score for part in parts], [part.observed for part in parts]
        axes.lines.append(Line(*points, css(side), dashes=LINES[side], marker=_MARKERS[side], size=4, label=side))
    sentence = "; ".join(
        f"in the {side}'s highest tenth, the mean score is {written(parts[-1].score, scale=1)} and the observed rate "
        f"{written(parts[-1].observed, scale=1)}"
        for side, parts in sides.items()
    )
    rows = tuple(
        (side, place, written(part.score, scale=1), written(part.observed, scale=1))
        for side, parts in sides.items()
        for place, part in enumerate(parts, 1)
    )
    values = [part for parts in sides.values() for part in parts]
    spots = [
        Spot(part.score, part.observed, f"{side}, tenth {place}: mean score {score}, observed rate {observed}")
        for part, (side, place, score, observed) in zip(values, rows, strict=True)
    ]
    columns = (*left("model"), *right("tenth", "mean score", "observed rate"))
    return Picture(
        svg=drawn(axes, name="calibration", title="Calibration", sentence=f"{sentence.capitalize()}.", spots=spots),
        caption=(
            "On the dotted line, the observed rate equals the mean score. Above it, scores are too low; below it, too "
            "high."
        ),
        numbers=Table(columns=columns, rows=tuple(row(*map(str, cells)) for cells in rows), title="Calibration"),
    )


def score_pictures(curves: ScoreCurves) -> tuple[Picture, ...]:
    """Draw histograms of the scores of positives and of negatives."""
    return tuple(_of_class(curves, name) for name in ("positives", "negatives"))


def errors_picture(bins: ErrorBins) -> Picture:
    """Draw a histogram of predicted minus true values."""
    found = {"champion": bins.champion_errors, "challenger": bins.challenger_errors}
    shares = {side: share for side, share in found.items() if share}
    return _histogram(
        shares, (bins.low, bins.high), name="errors", title="Errors", across="predicted minus true value", of="rows"
    )


def _of_class(curves: ScoreCurves, name: str) -> Picture:
    found = {"champion": curves.champion, "challenger": curves.challenger}
    shares = {side: getattr(one, name) for side, one in found.items() if one}
    ends = curves.low, curves.high
    return _histogram(shares, ends, name=name, title=f"Scores of the {name}", across="score", of=name)


def _histogram(
    shares: Mapping[str, Sequence[float]], ends: tuple[float, float], *, name: str, title: str, across: str, of: str
) -> Picture:
    edges = np.linspace(*ends, len(next(iter(shares.values()))) + 1)
    most = max(map(max, shares.values()))
    crowded = most > _CROWDED
    least = min(one for share in shares.values() for one in share if one > 0) / 2
    y = Axis((0.0, 1.05 * most), f"share of the {of}")
    if crowded:
        y = Axis((least, 2.0), y.label, powers(as_percent), is_log=True)
    axes = Axes(title.replace(" of the ", " of "), Axis(ends, across), y, height=250.0)
    for side, share in shares.items():
        heights = np.repeat(np.maximum(share, least) if crowded else share, 2)
        x, up = np.repeat(edges, 2).tolist(), (-EDGE, *heights.tolist(), -EDGE)
        axes.lines.append(Line(x, up, css(side), width=1.6, dashes=LINES[side], label=side))
    sentence = "; ".join(f"the {side}'s median is {written(_middle(share, edges))}" for side, share in shares.items())
    scale = " The scale is logarithmic, because most values are in few bins." if crowded else ""
    spots = [
        Spot(ends, None, f"{across} {_between(*ends)}: {_listed(found)}") for ends, found in _bins(shares, edges, 1)
    ]
    rows = (row(_between(*ends), *map(as_percent, found.values())) for ends, found in _bins(shares, edges, _TOGETHER))
    numbers = Table(columns=(*left(across), *right(*shares)), rows=tuple(rows), title=title)
    return Picture(
        svg=drawn(axes, name=f"scores-{name}", title=title, sentence=f"{sentence.capitalize()}.{scale}", spots=spots),
        caption=f"Share of the {of} in each of {len(edges) - 1} bins.{scale}",
        numbers=numbers,
    )


def _bins(
    shares: Mapping[str, Sequence[float]], edges: "np.ndarray[tuple[int], np.dtype[np.float64]]", together: int
) -> Iterator[tuple[tuple[float, float], dict[str, float]]]:
    """Yield the ends of each bin, or of each few bins together, and the share in it by model."""
    for place in range(0, len(edges) - 1, together):
        high = min(place + together, len(edges) - 1)
        yield (float(edges[place]), float(edges[high])), {side: sum(one[place:high]) for side, one in shares.items()}


def _listed(found: Mapping[str, float]) -> str:
    return ", ".join(f"{side} {as_percent(share)}" for side, share in found.items())


def _between(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"


def _middle(share: Sequence[float], edges: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Return the median of the histogram."""
    below = np.append(0.0, np.cumsum(share))
    return float(np.interp(0.5 * below[-1], below, edges))

"""Score distributions: calibration, histograms of each class, and regression errors."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from promotion.comparison import Calibration
from promotion.comparison.curves import ErrorBins, ScoreCurves
from promotion.number_format import figure as written
from promotion.number_format import percent
from promotion.report.page import Picture, Table, left, right, row
from promotion.report.palette import light
from promotion.report.plots.curves import LINES
from promotion.report.plots.frame import name_lines
from promotion.report.plots.svg import Spot, blank, drawn

_CROWDED = 0.5
_TOGETHER = 4
_MARKERS = {"champion": "s", "challenger": "o"}


def calibration_picture(sides: Mapping[str, Sequence[Calibration]]) -> Picture:
    """Draw the observed frequency in each decile of a model's scores against the mean score."""
    figure = blank()
    axes = figure.add_subplot()
    top = 1.05 * max(max(part.score, part.observed) for parts in sides.values() for part in parts)
    axes.set(title="Calibration", xlabel="mean score of each tenth", ylabel="observed rate")
    axes.set(xlim=(-0.02 * top, top), ylim=(-0.02 * top, top))
    axes.plot((0, top), (0, top), color=light("quiet"), linewidth=0.8, linestyle=":")
    for side, parts in sides.items():
        points = [part.score for part in parts], [part.observed for part in parts]
        axes.plot(*points, color=light(side), linestyle=LINES[side], marker=_MARKERS[side], markersize=4, label=side)
    name_lines(axes)
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
        svg=drawn(figure, name="calibration", title="Calibration", sentence=f"{sentence.capitalize()}.", spots=spots),
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
    figure = blank(height=250.0)
    axes = figure.add_subplot()
    axes.set(title=title.replace(" of the ", " of "), xlabel=across, ylabel=f"share of the {of}", xlim=ends)
    edges = np.linspace(*ends, len(next(iter(shares.values()))) + 1)
    crowded = max(map(max, shares.values())) > _CROWDED
    least = min(one for share in shares.values() for one in share if one > 0) / 2
    for side, share in shares.items():
        heights = np.maximum(share, least) if crowded else share
        axes.stairs(heights, edges, color=light(side), linestyle=LINES[side], linewidth=1.6, label=side)
    if crowded:
        axes.set(yscale="log", ylim=(least, 2.0))
        axes.yaxis.set_major_formatter(lambda share, _: _percent(share))  # the default one uses TeX
        axes.minorticks_off()
    name_lines(axes)
    sentence = "; ".join(f"the {side}'s median is {written(_middle(share, edges))}" for side, share in shares.items())
    scale = " The scale is logarithmic, because most values are in few bins." if crowded else ""
    spots = [
        Spot(ends, None, f"{across} {_between(*ends)}: {_listed(found)}") for ends, found in _bins(shares, edges, 1)
    ]
    rows = (row(_between(*ends), *map(_percent, found.values())) for ends, found in _bins(shares, edges, _TOGETHER))
    numbers = Table(columns=(*left(across), *right(*shares)), rows=tuple(rows), title=title)
    return Picture(
        svg=drawn(figure, name=f"scores-{name}", title=title, sentence=f"{sentence.capitalize()}.{scale}", spots=spots),
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
    return ", ".join(f"{side} {_percent(share)}" for side, share in found.items())


def _percent(share: float) -> str:
    return percent(float(f"{share:.3g}"))


def _between(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"


def _middle(share: Sequence[float], edges: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Return the median of the histogram."""
    below = np.append(0.0, np.cumsum(share))
    return float(np.interp(0.5 * below[-1], below, edges))

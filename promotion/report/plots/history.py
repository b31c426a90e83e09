"""Plots over time: metric values of champions and challengers with intervals, and champion periods.

Times are in UTC. The line of the champion ends where another version became champion.
"""

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from promotion.history.lineage import ChampionPeriod
from promotion.history.metric_history import CHALLENGER, CHAMPION, MetricPoint
from promotion.metrics.bounds import quantile
from promotion.number_format import between, figure, minute, signed
from promotion.report.html import ORIGIN
from promotion.report.page import Picture, counted
from promotion.report.palette import css
from promotion.report.plots.axes import DASHED, DOTTED, EDGE, STRIPED, Axes, Axis, Line, around, bars
from promotion.report.plots.svg import Spot, drawn
from promotion.report.plots.ticks import Choose, dates, named
from promotion.report.record import version_of

WIDTH, HEIGHT = 360.0, 290.0
MOST_REIGNS = 12
MOST_DECISIONS = 200
_MANY = 40
_LONGEST = 17
_SIDE = 0.025
HOW_TO_READ = (
    "Each decision measures champion and challenger on the same rows of its own holdout, so both move from decision to "
    "decision. Lines are 95 % intervals of each value alone (by Student's t; with few groups of rows, much wider than "
    "two standard errors on either side); the interval of the gain, which decides, is paired by row and narrower."
)
"""Explanation shown beside the metric plots."""
_LOOKS: dict[str, dict[str, Any]] = {
    "champion": {"colour": css("champion"), "width": 1.2, "marker": "circle", "size": 4, "label": "champion"},
    "promote": {"marker": "up", "size": 7, "label": "challenger, promoted"},
    "hold": {"marker": "circle", "size": 5, "face": "none", "label": "challenger, held"},
    "reject": {"marker": "x", "size": 6, "label": "challenger, rejected"},
}
_CHALLENGER: dict[str, Any] = {"colour": css("challenger"), "width": 0}
_MARKS: dict[str, tuple[tuple[str, tuple[float, ...]], dict[str, Any]]] = {
    "promotion": ((css("quiet"), DOTTED), {"colour": css("good"), "marker": "up", "label": "new champion"}),
    "rollback": ((css("bad"), DASHED), {"colour": css("bad"), "marker": "down", "label": "rollback"}),
}
"""The line's colour and dashes, and the mark, at a change of champion."""


def metric_pictures(among: Sequence[MetricPoint], served: Sequence[ChampionPeriod] = ()) -> tuple[Picture, ...]:
    """Return one plot per metric, in order of appearance; shows at most the last `MOST_DECISIONS` decisions.

    Args:
        among: the values.
        served: the champion periods, oldest first; each beginning is marked.
    """
    among = newest(among)
    names = dict.fromkeys(one.metric for one in among)
    return tuple(
        _metric_picture([one for one in among if one.metric == name], served, f"history-{place}")
        for place, name in enumerate(names, 1)
    )


def newest(among: Sequence[MetricPoint]) -> list[MetricPoint]:
    """Return the values of the last `MOST_DECISIONS` decisions, which the plots show."""
    last = set(sorted({one.seq for one in among})[-MOST_DECISIONS:])
    return [one for one in among if one.seq in last]


def metrics_svg(among: Sequence[MetricPoint], served: Sequence[ChampionPeriod] = ()) -> str:
    """Return the plots of all metrics, one below the other, as one SVG file on white."""
    pictures = [picture.svg for picture in metric_pictures(among, served)]
    placed = "".join(svg.replace("<svg ", f'<svg y="{HEIGHT * place:g}" ', 1) for place, svg in enumerate(pictures))
    height = HEIGHT * len(pictures)
    return (
        f'{ORIGIN}\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
        f'height="{height:g}" font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="#ffffff"/>'
        f"{placed}</svg>\n"
    )


def timeline_picture(served: Sequence[ChampionPeriod], *, until: str) -> Picture:
    """Draw one bar per champion period; shows at most the last `MOST_REIGNS`.

    The present champion's bar ends at `until`, the moment that the picture shows. There is at least one period.
    """
    shown = served[-MOST_REIGNS:]
    since, last = _when(shown[0].champion.since), max(_when(until), _when(shown[-1].champion.since))
    names = [_short(version_of(period.champion.tag)) for period in shown]
    x = Axis((since, around((since, last))[1]), choose=_dates((since, last)))
    y = Axis((len(shown) - 0.4, -0.6), choose=named(range(len(shown)), names))
    lines = [_bar(place, period, until) for place, period in enumerate(shown)]
    axes = Axes("In production", x, y, lines, WIDTH, 68.0 + 18.5 * len(shown))
    svg = drawn(axes, name="timeline", title="Who was in production when", sentence=_champion_periods_sentence(shown))
    left_out = len(served) - len(shown)
    caption = "Filled: by a decision. Striped: by hand." + (
        f" The last {len(shown)} champions; {left_out} before them stand in the table." if left_out else ""
    )
    return Picture(svg=svg, caption=caption)


def _metric_picture(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod], name: str) -> Picture:
    metric = points[0].metric
    shown = _while_shown(points, served)
    moments = [_when(one.at) for one in points]
    low, high = around(value for one in points for value in (one.value - _half(one), one.value + _half(one)))
    marks = [line for look in _MARKS for line in _marks(low, shown, look)]
    intervals, values = zip(*(_points(chosen, served, look) for look, chosen in _by_look(points)), strict=True)
    x = Axis(around((*moments, *(_when(period.champion.since) for period in shown))), choose=_dates(moments))
    heading = f"{metric} ({points[0].direction.value} is better)"
    axes = Axes(heading, x, Axis((low, high)), [*marks, *intervals, *values], WIDTH, HEIGHT, legend_below=True)
    spots = [Spot(_when(period.champion.since), low, _change_sentence(period)) for period in shown]
    spots += map(_spot, points)
    svg = drawn(axes, name=name, title=f"{metric} over time", sentence=_points_sentence(points, shown), spots=spots)
    return Picture(svg=svg)


def _while_shown(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod]) -> list[ChampionPeriod]:
    """Return the champion periods that began while the values were measured, or after."""
    first = min(one.at for one in points)
    return [period for period in served if _when(period.champion.since) >= _when(first)]


def _by_look(points: Sequence[MetricPoint]) -> Iterator[tuple[str, list[MetricPoint]]]:
    for look in _LOOKS:
        if chosen := [one for one in points if (CHAMPION if one.role == CHAMPION else one.verdict) == look]:
            yield look, chosen


def _points(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod], look: str) -> tuple[Line, Line]:
    """Return the intervals and the values; where the champion changed, a value that is not a number ends the line."""
    began = [period.champion.seq for period in served]
    ordered = sorted(points, key=lambda one: (_when(one.at), one.seq))
    x, y = list[float](), list[float]()
    for place, one in enumerate(ordered):
        is_new = place and _reign(began, one) != _reign(began, ordered[place - 1])
        x += [_when(one.at)] * (2 if is_new else 1)
        y += [math.nan, one.value] if is_new else [one.value]
    values = Line(x, y, **{**_CHALLENGER, **_LOOKS[look]})
    ends = ([one.value + sign * _half(one) for one in ordered] for sign in (-1, 1))
    intervals = bars([_when(one.at) for one in ordered], *ends)
    width = 0.7 if len(points) > _MANY else 1.1
    return Line(*intervals, values.colour, width, label=values.label, is_upright=True), values


def _half(one: MetricPoint) -> float:
    """Return half the length of the interval of a value."""
    return quantile(_SIDE, one.dof) * one.stderr


def _reign(began: Sequence[int], one: MetricPoint) -> tuple[str, int]:
    """Return what identifies the champion period that a value belongs to: a version may serve several times."""
    return one.tag, bisect(began, one.seq)


def _marks(floor: float, served: Sequence[ChampionPeriod], look: str) -> Iterator[Line]:
    """Yield marks of the beginnings of champion periods at the lower edge, and a thin line above each."""
    at = [_when(one.champion.since) for one in served if (one.cause == "rollback") is (look == "rollback")]
    if at:
        line, mark = _MARKS[look]
        yield Line(*bars(at, [-EDGE] * len(at), [EDGE] * len(at)), line[0], 0.7, line[1], is_upright=True)
        yield Line(at, [floor] * len(at), width=0, size=5, is_clipped=False, **mark)


def _change_sentence(period: ChampionPeriod) -> str:
    champion = period.champion
    return f"{minute(champion.since)} UTC: {period.cause}, {version_of(champion.tag)} serves, by {period.actor}"


def _spot(one: MetricPoint) -> Spot:
    half = figure(_half(one), scale=abs(one.value))
    gain = f", gain {between(one.gain.low, one.gain.high, scale=abs(one.value))}" if one.gain else ""
    verdict = f", {one.verdict}" if one.role == CHALLENGER else ""
    value = f"{figure(one.value)} ± {half}{gain}{verdict}"
    return Spot(_when(one.at), one.value, f"{minute(one.at)} UTC, {one.role} {version_of(one.tag)}: {value}")


def _bar(place: int, period: ChampionPeriod, until: str) -> Line:
    since = _when(period.champion.since)
    end = max(_when(period.until or until), since)
    y, fill = [place + half for half in (-0.275, -0.275, 0.275, 0.275)], css("champion") if period.decision else STRIPED
    return Line((since, end, end, since), y, css("champion"), width=1.0, fill=fill)


def _dates(moments: Sequence[float]) -> Choose:
    """Choose dates, or a moment if it is the only one."""
    if min(moments) < max(moments):
        return dates
    moment = datetime.fromtimestamp(moments[0] * 86_400, UTC)
    return named(moments[:1], [f"{moment:%Y-%m-%d %H:%M} UTC"])


def _when(at: str) -> float:
    """Return days since 1970 in UTC."""
    return datetime.fromisoformat(at).timestamp() / 86_400


def _short(version: str) -> str:
    return version if len(version) <= _LONGEST else f"{version[: _LONGEST - 1]}…"


def _champion_periods_sentence(shown: Sequence[ChampionPeriod]) -> str:
    last = shown[-1]
    return (
        f"{counted(len(shown), 'period')} in production, the first from {minute(shown[0].champion.since)} UTC. "
        f"{version_of(last.champion.tag)} has served since {minute(last.champion.since)} UTC. The table lists them all."
    )


def _points_sentence(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod]) -> str:
    champions = [one for one in points if one.role == CHAMPION]
    challengers = [one for one in points if one.role == CHALLENGER]
    back = sum(period.cause == "rollback" for period in served)
    sentences = [
        f"{counted(len(challengers), 'challenger')} and {counted(len(champions), 'measurement')} of champions."
    ]
    sentences += [f"{counted(len(served), 'new champion')}, {back} of them by a rollback."] if served else []
    if champions:
        sentences.append(
            f"The champion's value was {figure(champions[0].value)} at first and {figure(champions[-1].value)} last."
        )
    gains = [one.gain for one in challengers if one.gain]
    if gains:
        sentences.append(
            f"Gains ranged from {signed(min(g.value for g in gains))} to {signed(max(g.value for g in gains))}."
        )
    return " ".join(sentences)

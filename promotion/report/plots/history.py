"""Plots over time: metric values of champions and challengers with intervals, and champion periods.

Times are in UTC. The line of the champion ends where another version became champion.
"""

import math
from bisect import bisect
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes

from promotion.history.lineage import ChampionPeriod
from promotion.history.metric_history import CHALLENGER, CHAMPION, MetricPoint
from promotion.metrics.bounds import quantile
from promotion.number_format import between, figure, minute, signed
from promotion.report.html import ORIGIN
from promotion.report.page import Picture, counted
from promotion.report.palette import light
from promotion.report.plots.frame import name_ticks
from promotion.report.plots.svg import Spot, blank, drawn, style
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
    "champion": {"color": light("champion"), "marker": "o", "ms": 4, "label": "champion"},
    "promote": {"color": light("challenger"), "marker": "^", "ms": 7, "ls": "none", "label": "challenger, promoted"},
    "hold": {
        "color": light("challenger"), "marker": "o", "ms": 5, "ls": "none", "mfc": "none", "label": "challenger, held",
    },
    "reject": {"color": light("challenger"), "marker": "x", "ms": 6, "ls": "none", "label": "challenger, rejected"},
}  # fmt: skip

_MARKS: dict[str, dict[str, dict[str, Any]]] = {
    "promotion": {
        "line": {"color": light("quiet"), "ls": ":"},
        "mark": {"color": light("good"), "marker": "^", "ms": 5, "label": "new champion"},
    },
    "rollback": {
        "line": {"color": light("bad"), "ls": (0, (4, 2))},
        "mark": {"color": light("bad"), "marker": "v", "ms": 5, "label": "rollback"},
    },
}
_COMMON = ["UTC", "%Y, UTC", "%Y-%b, UTC", "%Y-%b-%d, UTC", "%Y-%b-%d, UTC", "%Y-%b-%d %H:%M, UTC"]
"""What the ticks of an axis share, from years to seconds, as `ConciseDateFormatter` takes it."""


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
    with style():
        figure_ = blank(WIDTH, 68.0 + 18.5 * len(shown))
        axes = figure_.subplots()
        for place, period in enumerate(shown):
            _bar(axes, place, period, until)
        name_ticks(axes.yaxis, range(len(shown)), [_short(version_of(period.champion.tag)) for period in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_title("In production")
        _dates(axes, [*(_when(period.champion.since) for period in shown), _when(until)])
        svg = drawn(
            figure_, name="timeline", title="Who was in production when", sentence=_champion_periods_sentence(shown)
        )
    left_out = len(served) - len(shown)
    caption = "Filled: by a decision. Striped: by hand." + (
        f" The last {len(shown)} champions; {left_out} before them stand in the table." if left_out else ""
    )
    return Picture(svg=svg, caption=caption)


def _metric_picture(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod], name: str) -> Picture:
    metric = points[0].metric
    shown = _while_shown(points, served)
    with style():
        figure_ = blank(WIDTH, HEIGHT)
        axes = figure_.subplots()
        for look, chosen in _by_look(points):
            _points(axes, chosen, served, _LOOKS[look])
        floor = axes.get_ylim()[0]
        marks = [mark for look in _MARKS for mark in _marks(axes, floor, shown, look)]
        axes.set_title(f"{metric} ({points[0].direction.value} is better)")
        _dates(axes, [_when(one.at) for one in points])
        figure_.legend(
            loc="lower left", bbox_to_anchor=(0.0, 0.0), ncols=2, handletextpad=0.4, columnspacing=1.2, fontsize=9.5
        )
        spots = (*marks, *map(_spot, points))
        svg = drawn(
            figure_, name=name, title=f"{metric} over time", sentence=_points_sentence(points, shown), spots=spots
        )
    return Picture(svg=svg)


def _while_shown(points: Sequence[MetricPoint], served: Sequence[ChampionPeriod]) -> list[ChampionPeriod]:
    """Return the champion periods that began while the values were measured, or after."""
    first = min(one.at for one in points)
    return [period for period in served if _when(period.champion.since) >= _when(first)]


def _by_look(points: Iterable[MetricPoint]) -> Iterable[tuple[str, list[MetricPoint]]]:
    points = list(points)
    by_look = {
        look: [one for one in points if (CHAMPION if one.role == CHAMPION else one.verdict) == look] for look in _LOOKS
    }
    return [(look, chosen) for look, chosen in by_look.items() if chosen]


def _points(axes: Axes, points: Sequence[MetricPoint], served: Sequence[ChampionPeriod], look: dict[str, Any]) -> None:
    """Draw the values; where the champion changed, a value that is not a number ends the line."""
    began = [period.champion.seq for period in served]
    x, y, errors = list[float](), list[float](), list[float]()
    for place, one in enumerate(ordered := sorted(points, key=lambda one: (_when(one.at), one.seq))):
        if place and _reign(began, one) != _reign(began, ordered[place - 1]):
            x, y, errors = [*x, x[-1]], [*y, math.nan], [*errors, math.nan]
        x.append(_when(one.at))
        y.append(one.value)
        errors.append(quantile(_SIDE, one.dof) * one.stderr)
    axes.errorbar(x, y, yerr=errors, elinewidth=0.7 if len(points) > _MANY else 1.1, lw=1.2, **look)


def _reign(began: Sequence[int], one: MetricPoint) -> tuple[str, int]:
    """Return what identifies the champion period that a value belongs to: a version may serve several times."""
    return one.tag, bisect(began, one.seq)


def _marks(axes: Axes, floor: float, served: Sequence[ChampionPeriod], look: str) -> list[Spot]:
    """Mark the beginnings of champion periods at the lower edge, with a thin line above each."""
    rolled = [period for period in served if (period.cause == "rollback") is (look == "rollback")]
    at = [_when(period.champion.since) for period in rolled]
    if at:
        axes.vlines(at, 0, 1, transform=axes.get_xaxis_transform(), lw=0.7, zorder=0.5, **_MARKS[look]["line"])
        axes.plot(at, [floor] * len(at), ls="none", clip_on=False, zorder=3, **_MARKS[look]["mark"])
        axes.set_ylim(bottom=floor)
    return [Spot(x, floor, _change_sentence(period)) for x, period in zip(at, rolled, strict=True)]


def _change_sentence(period: ChampionPeriod) -> str:
    champion = period.champion
    return f"{minute(champion.since)} UTC: {period.cause}, {version_of(champion.tag)} serves, by {period.actor}"


def _spot(one: MetricPoint) -> Spot:
    half = figure(quantile(_SIDE, one.dof) * one.stderr, scale=abs(one.value))
    gain = f", gain {between(one.gain.low, one.gain.high, scale=abs(one.value))}" if one.gain else ""
    verdict = f", {one.verdict}" if one.role == CHALLENGER else ""
    value = f"{figure(one.value)} ± {half}{gain}{verdict}"
    return Spot(_when(one.at), one.value, f"{minute(one.at)} UTC, {one.role} {version_of(one.tag)}: {value}")


def _bar(axes: Axes, place: int, period: ChampionPeriod, until: str) -> None:
    since, end = _when(period.champion.since), max(_when(period.until or until), _when(period.champion.since))
    colour = light("champion")
    looks: dict[str, Any] = {"facecolor": colour} if period.decision else {"facecolor": "none", "hatch": "//////"}
    axes.barh(place, end - since, left=since, height=0.55, edgecolor=colour, **looks)


def _dates(axes: Axes, moments: Sequence[float]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # untyped in matplotlib
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=_COMMON))  # type: ignore[no-untyped-call]  # as above
    if min(moments) == max(moments):
        moment = datetime.fromtimestamp(moments[0] * 86_400, UTC)
        name_ticks(axes.xaxis, [moments[0]], [f"{moment:%Y-%m-%d %H:%M} UTC"])


def _when(at: str) -> float:
    """Return days since 1970 in UTC, matplotlib's unit of time."""
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

"""Gains with their intervals per metric, on all rows and by slice (a forest plot)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from promotion.comparison import Comparison, MetricComparison
from promotion.number_format import between, percent, signed
from promotion.policy import Check, Decision, Kind
from promotion.report.page import Picture
from promotion.report.palette import css
from promotion.report.plots.axes import EDGE, Axes, Axis, Line, around
from promotion.report.plots.svg import Spot, drawn
from promotion.report.plots.ticks import named, round_numbers
from promotion.vocabulary import Outcome

MAX_SLICES = 12
"""Maximum number of slices drawn per metric: failed ones first, then those with the lowest gain."""

_LONGEST = 22
_ROW, _AROUND = 22.0, 78.0
_LOOKS = {
    Outcome.PASSED: ("good", "circle", True),
    Outcome.FAILED: ("bad", "cross", True),
    Outcome.INCONCLUSIVE: ("unsure", "diamond", False),
    None: ("quiet", "square", False),
}
"""Colour, marker, and whether it is filled; distinguishable without colour."""


@dataclass(frozen=True)
class _GainRow:
    """A gain on all rows (`by` is empty) or on a slice, with the checks on it."""

    by: str
    value: str
    found: MetricComparison
    checks: tuple[Check, ...]

    @property
    def where(self) -> str:
        return f"{self.by} = {self.value}" if self.by else self.value

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome of its checks; None if there is no check."""
        outcomes = [check.outcome for check in self.checks]
        return next((one for one in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED) if one in outcomes), None)


def gain_pictures(decision: Decision) -> tuple[Picture, ...]:
    """Return one picture per compared metric."""
    comparison = decision.evidence
    if not isinstance(comparison, Comparison):
        return ()
    return tuple(
        _picture(name, place, list(_rows(decision, comparison, name)), comparison)
        for place, name in enumerate(_names(comparison))
    )


def _picture(metric: str, place: int, rows: list[_GainRow], comparison: Comparison) -> Picture:
    shown = _chosen(rows)
    lines = _under_headings(shown)
    words = [_short(line.value) if isinstance(line, _GainRow) else f"{_short(line)}:" for line in lines]
    placed = [(height, row) for height, row in enumerate(lines) if isinstance(row, _GainRow)]
    shapes = [Line((0.0, 0.0), (-EDGE, EDGE), css("quiet"), width=1.0)]
    shapes += (shape for height, row in placed for shape in _shapes(height, row))
    x = Axis(around(x for shape in shapes for x in shape.x), "gain", partial(round_numbers, most=4))
    y = Axis((len(lines) - 0.4, -0.6), choose=named(range(len(lines)), words))
    axes = Axes(metric, x, y, shapes, height=_AROUND + _ROW * len(lines), has_left_edge=False)
    spots = [Spot(row.found.gain, height, _sentence(row, comparison)) for height, row in placed]
    caption = ""
    if len(shown) < len(rows):
        caption = f"Shows {len(shown) - 1} of {len(rows) - 1} slices: failed ones first, then the lowest gains."
    all_of_it = " ".join((*(spot.text for spot in spots), caption)).strip()
    return Picture(
        svg=drawn(axes, name=f"gain-{place}", title=f"Gain in {metric}", sentence=all_of_it, spots=spots),
        caption=caption,
    )


def _shapes(height: int, row: _GainRow) -> Iterator[Line]:
    """Yield the interval, the gain, and the required gains."""
    look, marker, filled = _LOOKS[row.outcome]
    yield Line((row.found.low, row.found.high), (height, height), css(look), width=2.0)
    face, edge = (css(look), css("paper")) if filled else (css("paper"), css(look))
    size = 10 if marker == "cross" else 8
    yield Line((row.found.gain,), (height,), edge, width=0, marker=marker, size=size, face=face)
    for required in sorted({check.required for check in row.checks if check.required is not None}):
        yield Line((required,) * 2, (height - 0.4, height + 0.4), css("ink"), width=1.4, dashes=(2.0, 1.5))


def _sentence(row: _GainRow, comparison: Comparison) -> str:
    return (
        f"{row.where.capitalize() if row.where == 'all rows' else row.where}: {signed(row.found.gain)}, "
        f"{percent(comparison.confidence)} interval {between(row.found.low, row.found.high)}"
        f"{f', {row.outcome}' if row.outcome else ''}."
    )


def _names(comparison: Comparison) -> Iterable[str]:
    parts = (comparison.metrics, *(part.metrics for part in comparison.slices))
    return dict.fromkeys(found.metric for metrics in parts for found in metrics)


def _rows(decision: Decision, comparison: Comparison, metric: str) -> Iterator[_GainRow]:
    """Yield the gain on all rows first, then those of the slices in order."""
    checks: dict[str, list[Check]] = {}
    for check in decision.checks:
        if check.kind in {Kind.PRIMARY, Kind.GUARDRAIL, Kind.SLICE} and check.required is not None:
            checks.setdefault(check.subject, []).append(check)
    places = [("", "all rows", metric, comparison.metrics)]
    places += [(part.by, part.value, f"{metric} where {part.name}", part.metrics) for part in comparison.slices]
    for by, value, subject, metrics in places:
        found = next((one for one in metrics if one.metric == metric), None)
        if found:
            yield _GainRow(by, value, found, tuple(checks.get(subject, ())))


def _under_headings(rows: Sequence[_GainRow]) -> list[_GainRow | str]:
    """Return each slicing's rows below its name."""
    lines: list[_GainRow | str] = []
    by = ""
    for row in rows:
        lines += [row] if row.by == by else [row.by, row]
        by = row.by
    return lines


def _chosen(rows: list[_GainRow]) -> list[_GainRow]:
    """Return the first row, and at most `MAX_SLICES` slices, in order."""
    if len(rows) <= MAX_SLICES + 1:
        return rows
    first, *slices = rows
    lowest = sorted(slices, key=lambda row: (row.outcome is not Outcome.FAILED, row.found.gain))[:MAX_SLICES]
    return [first, *(row for row in slices if any(row is one for one in lowest))]


def _short(where: str) -> str:
    return where if len(where) <= _LONGEST else f"{where[: _LONGEST - 1]}…"

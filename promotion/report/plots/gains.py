"""Gains with their intervals per metric, on all rows and by slice (a forest plot)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from promotion.comparison import Comparison, MetricComparison
from promotion.number_format import between, percent, signed
from promotion.policy import Check, Decision, Kind
from promotion.report.document import Picture
from promotion.report.palette import light
from promotion.report.plots.frame import name_ticks
from promotion.report.plots.svg import blank, drawn
from promotion.vocabulary import Outcome

MOST = 30
"""Maximum number of slices drawn per metric: failed ones first, then those with the lowest gain."""

_LONGEST = 22
_ROW, _AROUND = 22.0, 78.0
_LOOKS = {
    Outcome.PASSED: ("good", "o", True),
    Outcome.FAILED: ("bad", "X", True),
    Outcome.INCONCLUSIVE: ("unsure", "D", False),
    None: ("quiet", "s", False),
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
    figure = blank(height=_AROUND + _ROW * len(lines))
    axes = figure.add_subplot()
    axes.set(title=metric, xlabel="gain", ylim=(len(lines) - 0.4, -0.6))
    words = [_short(line.value) if isinstance(line, _GainRow) else f"{_short(line)}:" for line in lines]
    name_ticks(axes.yaxis, range(len(lines)), words)
    axes.spines["left"].set_visible(False)
    axes.axvline(0.0, color=light("quiet"), linewidth=1.0)
    for height, row in enumerate(lines):
        if isinstance(row, str):
            continue
        colour, marker, filled = _LOOKS[row.outcome]
        axes.plot((row.found.low, row.found.high), (height, height), color=light(colour), linewidth=2.0)
        face, edge = (light(colour), light("paper")) if filled else (light("paper"), light(colour))
        axes.plot(
            row.found.gain,
            height,
            marker,
            markerfacecolor=face,
            markeredgecolor=edge,
            markersize=10 if marker == "X" else 8,
        )
        for required in sorted({check.required for check in row.checks if check.required is not None}):
            axes.plot(
                (required, required),
                (height - 0.4, height + 0.4),
                color=light("ink"),
                linewidth=1.4,
                linestyle=(0, (2, 1.5)),
            )
    axes.locator_params(axis="x", nbins=4)
    left_out = f" The {len(shown) - 1} slices of lowest gain out of {len(rows) - 1}." if len(shown) < len(rows) else ""
    return Picture(
        svg=drawn(figure, name=f"gain-{place}", title=f"Gain in {metric}", told=_told(shown, comparison) + left_out),
        caption=left_out.strip(),
    )


def _told(rows: Sequence[_GainRow], comparison: Comparison) -> str:
    """Describe every row in words."""
    sentences = (
        f"{row.where.capitalize() if row.where == 'all rows' else row.where}: {signed(row.found.gain)}, "
        f"{percent(comparison.confidence)} interval {between(row.found.low, row.found.high)}"
        f"{f', {row.outcome}' if row.outcome else ''}."
        for row in rows
    )
    return " ".join(sentences)


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
    """Return all rows, or the first and the slices to draw, in order."""
    if len(rows) <= MOST + 1:
        return rows
    first, *slices = rows
    lowest = sorted(slices, key=lambda row: (row.outcome is not Outcome.FAILED, row.found.gain))[:MOST]
    return [first, *(row for row in slices if any(row is one for one in lowest))]


def _short(where: str) -> str:
    return where if len(where) <= _LONGEST else f"{where[: _LONGEST - 1]}…"

"""The gains of a comparison as tables: on all rows, and by slice."""

from collections.abc import Sequence

from promotion.comparison import Comparison, MetricComparison, SliceComparison
from promotion.number_format import between, figure, give_or_take, percent, signed
from promotion.report.page import Align, Column, Table, Tone, Words, left, right, row

_NAMED = 3


def metrics_table(
    comparison: Comparison, *, champion: str = "champion", challenger: str = "challenger", intervals: bool = True
) -> Table:
    """Return a table of champion, challenger and gain, with the gain's interval if the policy uses one."""
    interval = f"{percent(comparison.confidence)} interval of the gain"
    titles = (champion, challenger, "gain", *((interval,) if intervals else ()))
    cells = (_cells(found) for found in comparison.metrics)
    return Table(
        columns=(*left("metric"), *right(*titles)), rows=tuple(row(*each[: len(titles) + 1]) for each in cells)
    )


def slices_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return one table per slicing with the gain of each slice, ± half its interval; significant gains are coloured."""
    slicings = dict.fromkeys(part.by for part in comparison.slices)
    return tuple(_slices_table(comparison, [part for part in comparison.slices if part.by == by]) for by in slicings)


def _slices_table(comparison: Comparison, parts: Sequence[SliceComparison]) -> Table:
    counted = ("rows",) if comparison.positives is None else ("rows", "positives")
    compared = (found for metrics in (comparison.metrics, *(part.metrics for part in parts)) for found in metrics)
    names = tuple(dict.fromkeys(found.metric for found in compared))
    rows = (
        row(part.value, *(f"{getattr(part, count):,}" for count in counted), *(_gain(part, name) for name in names))
        for part in parts
    )
    return Table(
        title=f"Gain by {parts[0].by}, ± half of its {percent(comparison.confidence)} interval",
        columns=(*left(parts[0].by), *right(*counted), *(Column(name, Align.RIGHT) for name in names)),
        rows=tuple(rows),
    )


def missing_table(comparison: Comparison) -> Table:
    """Return a table of what could not be compared, where and why; equal reasons share a row."""
    places: dict[tuple[str, str], list[str]] = {(gap.metric, gap.reason): ["all rows"] for gap in comparison.missing}
    for part in comparison.slices:
        for gap in part.missing:
            places.setdefault((gap.metric, gap.reason), []).append(part.name)
    rows = tuple(row(metric, _listed(where), reason) for (metric, reason), where in places.items())
    return Table(title="What could not be compared", columns=left("metric", "where", "why"), rows=rows)


def tone_of(found: MetricComparison) -> Tone:
    """Return `GOOD` if the interval lies above zero, `BAD` if it lies below, otherwise `PLAIN`."""
    if found.low > 0:
        return Tone.GOOD
    return Tone.BAD if found.high < 0 else Tone.PLAIN


def _cells(found: MetricComparison) -> tuple[str | Words, ...]:
    scale = max(abs(found.champion), abs(found.challenger))
    return (
        found.metric,
        figure(found.champion, scale=scale),
        figure(found.challenger, scale=scale),
        Words(signed(found.gain, scale=scale), tone_of(found)),
        between(found.low, found.high, scale=scale),
    )


def _gain(part: SliceComparison, name: str) -> Words:
    found = next((each for each in part.metrics if each.metric == name), None)
    if found is None:
        return Words("-", Tone.QUIET)
    scale = max(abs(found.champion), abs(found.challenger))
    return Words(give_or_take(found.low, found.high, scale=scale), tone_of(found))


def _listed(places: list[str]) -> str:
    more = len(places) - _NAMED
    return "; ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "")

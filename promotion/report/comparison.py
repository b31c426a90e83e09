"""A comparison as a page: significant differences, numbers, slices, and score calibration and shift."""

from collections.abc import Sequence
from itertools import zip_longest

from promotion.comparison import Calibration, Comparison, Evaluation, MetricComparison, ScoreSummary, SliceComparison
from promotion.number_format import between, figure, give_or_take, percent, signed
from promotion.report.page import Align, Column, Page, Table, Tone, Words, left, quiet, right, row

_NAMED = 3


def metrics_table(
    comparison: Comparison, *, champion: str = "champion", challenger: str = "challenger", intervals: bool = True
) -> Table:
    """Return a table of champion, challenger and gain, with the gain's interval if the policy uses one."""
    interval = f"{percent(comparison.confidence)} interval of the gain"
    titles = (champion, challenger, "gain", *((interval,) if intervals else ()))
    cells = (metric_cells(found) for found in comparison.metrics)
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
        row(
            part.value, *(f"{getattr(part, count):,}" for count in counted), *(slice_gain(part, name) for name in names)
        )
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


def metric_cells(found: MetricComparison) -> tuple[str | Words, ...]:
    """Return name, champion, challenger, gain and interval of a metric."""
    scale = max(abs(found.champion), abs(found.challenger))
    return (
        found.metric,
        figure(found.champion, scale=scale),
        figure(found.challenger, scale=scale),
        Words(signed(found.gain, scale=scale), tone_of(found)),
        between(found.low, found.high, scale=scale),
    )


def slice_gain(part: SliceComparison, name: str) -> Words:
    """Return the gain by a metric on a slice, ± half its interval; a dash if it was not compared."""
    found = next((each for each in part.metrics if each.metric == name), None)
    if found is None:
        return Words("-", Tone.QUIET)
    scale = max(abs(found.champion), abs(found.challenger))
    return Words(give_or_take(found.low, found.high, scale=scale), tone_of(found))


def _listed(places: list[str]) -> str:
    more = len(places) - _NAMED
    return "; ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "")


_LITTLE, _MUCH = 0.1, 0.25
"""Common thresholds of the population stability index: below the first a small shift, above the second a large one."""


def comparison_page(
    comparison: Comparison, *, champion: str = "champion", challenger: str = "challenger", data: str = ""
) -> Page:
    """Show two models side by side, without a decision."""
    scores = comparison.scores
    return Page(
        headline=f"{challenger} against {champion}",
        summary=(
            _found(comparison, challenger),
            f"Compared as {comparison.task} models on {_rows(comparison)}{' of ' * bool(data)}{data}.",
        ),
        tables=(
            metrics_table(comparison, champion=champion, challenger=challenger),
            *slices_tables(comparison),
            missing_table(comparison),
            *((_calibration(scores, champion, challenger),) if scores else ()),
        ),
        notes=quiet(comparison.dependence.sentence if comparison.dependence else "", _shift(scores) if scores else ""),
    )


def evaluation_page(evaluation: Evaluation) -> Page:
    """Show one model by itself."""
    gaps = (f"{gap.metric} could not be measured: {gap.reason}" for gap in evaluation.missing)
    return Page(
        headline="One model",
        summary=(f"Measured as a {evaluation.task} model on {_rows(evaluation)}.",),
        tables=(evaluation_table(evaluation, "value"),),
        notes=quiet(evaluation.dependence.sentence if evaluation.dependence else "", *gaps),
    )


def evaluation_table(evaluation: Evaluation, title: str) -> Table:
    """Return a table of values and standard errors."""
    rows = (
        row(each.metric, figure(each.value), figure(each.stderr, scale=abs(each.value))) for each in evaluation.metrics
    )
    return Table(columns=(*left("metric"), *right(title, "standard error")), rows=tuple(rows))


def _rows(measured: Comparison | Evaluation) -> str:
    positives = "" if measured.positives is None else f" ({measured.positives:,} positive)"
    return f"{measured.rows:,} rows{positives}"


def _found(comparison: Comparison, challenger: str) -> str:
    """Say which metrics are significantly better or worse, each by its own interval."""
    if not comparison.metrics:
        return "Nothing could be compared."
    said = {
        Tone.GOOD: "significantly better",
        Tone.BAD: "significantly worse",
        Tone.PLAIN: "not significantly different",
    }
    by_tone = {tone: [each.metric for each in comparison.metrics if tone_of(each) is tone] for tone in said}
    told = [f"{words} by {', '.join(by_tone[tone])}" for tone, words in said.items() if by_tone[tone]]
    return f"{challenger} is {'; '.join(told)} ({percent(comparison.confidence)} confidence each)."


def _shift(scores: ScoreSummary) -> str:
    if scores.shift < _LITTLE:
        meaning = "they are distributed about as before"
    elif scores.shift <= _MUCH:
        meaning = "they have shifted somewhat, so a score cutoff selects different rows than before"
    else:
        meaning = "they have shifted a lot, so choose all score cutoffs again"
    return f"Shift of the scores (population stability index): {figure(scores.shift)}; {meaning}."


def _calibration(scores: ScoreSummary, champion: str, challenger: str) -> Table:
    """Return the calibration by deciles of each model's own scores; tied scores give fewer deciles."""
    sides = tuple(zip_longest(map(_cells, scores.champion), map(_cells, scores.challenger), fillvalue=("", "")))
    return Table(
        title="Calibration: mean score and observed rate, by tenths of the rows",
        columns=(*left("tenth"), *right(f"{champion} score", "observed", f"{challenger} score", "observed")),
        rows=tuple(row(str(place), *before, *after) for place, (before, after) in enumerate(sides, start=1)),
    )


def _cells(part: Calibration) -> tuple[str, str]:
    return figure(part.score, scale=1.0), figure(part.observed, scale=1.0)

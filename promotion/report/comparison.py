"""A comparison as a page: significant differences, numbers, slices, and score calibration and shift."""

from itertools import zip_longest

from promotion.comparison import Calibration, Comparison, ScoreSummary
from promotion.number_format import figure, percent
from promotion.report.gains import metrics_table, missing_table, slices_tables, tone_of
from promotion.report.page import Page, Table, Tone, left, quiet, right, row

_LITTLE, _MUCH = 0.1, 0.25
"""Common thresholds of the population stability index: below the first a small shift, above the second a large one."""


def comparison_page(
    comparison: Comparison, *, champion: str = "champion", challenger: str = "challenger", data: str = ""
) -> Page:
    """Show two models side by side, without a decision.

    Args:
        comparison: the comparison to show.
        champion: display name of the baseline.
        challenger: display name of the other model.
        data: where the rows come from.
    """
    positives = "" if comparison.positives is None else f" ({comparison.positives:,} positive)"
    scores = comparison.scores
    return Page(
        headline=f"{challenger} against {champion}",
        summary=(
            _found(comparison, challenger),
            f"Compared as {comparison.task} models on {comparison.rows:,} rows{positives}{' of ' * bool(data)}{data}.",
        ),
        tables=(
            metrics_table(comparison, champion=champion, challenger=challenger),
            *slices_tables(comparison),
            missing_table(comparison),
            *((_calibration(scores, champion, challenger),) if scores else ()),
        ),
        notes=quiet(comparison.dependence.sentence if comparison.dependence else "", _shift(scores) if scores else ""),
    )


def _found(comparison: Comparison, challenger: str) -> str:
    """Say which metrics are significantly better or worse, each by its own interval."""
    if not comparison.metrics:
        return "Nothing could be compared."
    said = (("better", Tone.GOOD), ("worse", Tone.BAD), ("not shown to differ", Tone.PLAIN))
    by_tone = {tone: [each.metric for each in comparison.metrics if tone_of(each) is tone] for _, tone in said}
    told = [f"{word} by {', '.join(by_tone[tone])}" for word, tone in said if by_tone[tone]]
    return f"{challenger} is {'; '.join(told)} ({percent(comparison.confidence)} confidence each)."


def _shift(scores: ScoreSummary) -> str:
    if scores.shift < _LITTLE:
        meaning = "about the same as before"
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
        columns=(*left("tenth"), *right(f"{champion} says", "came true", f"{challenger} says", "came true")),
        rows=tuple(row(str(place), *before, *after) for place, (before, after) in enumerate(sides, start=1)),
    )


def _cells(part: Calibration) -> tuple[str, str]:
    return figure(part.score, scale=1.0), figure(part.observed, scale=1.0)

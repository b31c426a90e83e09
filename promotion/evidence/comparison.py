"""The steps that measure: `compare` sets two models against each other, `measure` takes one alone."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from promotion.errors import ConfigError, DataError, require_once
from promotion.evidence.arrays import TABLE, Columns, TakenColumns, names_of
from promotion.evidence.containers import floats
from promotion.evidence.influence import Estimate, paired_error
from promotion.evidence.metrics import Metric, metric, task_of
from promotion.evidence.rows import ScoredRows, read_rows
from promotion.evidence.scale import TINY
from promotion.evidence.slices import Slice, Slicing, divide, read_slicings
from promotion.evidence.summaries import summarise
from promotion.evidence.values import (
    Comparison,
    Evaluation,
    Measurement,
    MetricComparison,
    MissingMetric,
    SliceComparison,
    quantile,
    require_share,
)

FARTHEST = 40.0
"""Standard errors; no bound lies farther off, as the normal distribution ends there in double precision."""


def compare(
    y_true: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    metrics: Iterable[str],
    sample_weight: ArrayLike | None = None,
    slices: Iterable[str | Slicing] | None = None,
    columns: Columns | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two models' scores on the same rows. What they predict follows from the input, see `task_of`.

    Args:
        y_true: labels, shape `(n_rows,)`: 0 or 1, a class from 0 to `n_classes - 1`, or a number.
        champion: the champion's scores: of class 1, or predicted numbers, shape `(n_rows,)`; of each class, shape
            `(n_rows, n_classes)`.
        challenger: the challenger's scores, likewise.
        metrics: names, see `METRIC_NAMES`.
        sample_weight: a number from 0 up per row, shape `(n_rows,)`; equal when left out.
        slices: parts of the rows to compare on as well: names of columns and `Slicing`s; or a mapping from name to
            column, or DataFrame, short for slices by each of these.
        columns: arrays of shape `(n_rows,)` by name, such as a DataFrame, for what slices and metrics name.
        confidence: of the two-sided interval of each gain.

    Raises:
        DataError: the arrays are not of that kind. NaN or infinite scores do not raise: the metric goes to `missing`.
        UnknownName: there is no such metric, or no such column.
        ConfigError: the confidence does not lie between 0 and 1, no metric is named, or one does not fit the task.
    """
    require_share("confidence", confidence)
    chosen, z = _choose(metrics, columns), quantile((1.0 - confidence) / 2)
    task, scores = task_of(chosen, champion), {"champion": champion, "challenger": challenger}
    before, after = read_rows(y_true, scores, sample_weight, task=task, columns=columns)
    parts = _parts(slices, columns, sample_weight, after)
    compared, missing = _compare_rows(chosen, before, after, z)
    return Comparison(
        rows=len(after),
        positives=after.positives,
        weight=after.weight,
        confidence=float(confidence),
        metrics=compared,
        missing=missing,
        slices=tuple(_compare_slice(by, part, chosen, before, after, z) for by, part in parts),
        scores=summarise(before, after),
        task=task,
    )


def measure(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    metrics: Iterable[str],
    sample_weight: ArrayLike | None = None,
    columns: Columns | None = None,
) -> Evaluation:
    """Measure one model by itself; arguments and errors are those of `compare`."""
    chosen = _choose(metrics, columns)
    task = task_of(chosen, scores)
    (rows,) = read_rows(y_true, {"model": scores}, sample_weight, task=task, columns=columns)
    results = [_measure_by(each, rows) for each in chosen]
    return Evaluation(
        rows=len(rows),
        positives=rows.positives,
        weight=rows.weight,
        metrics=tuple(result for result in results if isinstance(result, Measurement)),
        missing=tuple(result for result in results if isinstance(result, MissingMetric)),
        task=task,
    )


def _choose(names: Iterable[str], columns: Columns | None) -> tuple[Metric, ...]:
    """The metrics of these names, each once; each of the columns that they read is there no more than once."""
    chosen = dict.fromkeys([names] if isinstance(names, str) else names)
    if not chosen:
        message = "At least one metric is needed, but none is named. Name one, for example roc_auc."
        raise ConfigError(message)
    metrics = tuple(metric(name) for name in chosen)
    for column in {column for one in metrics for column in one.columns}:
        require_once(column, names_of(columns), TABLE)
    return metrics


def _parts(
    slices: Iterable[str | Slicing] | None, columns: Columns | None, sample_weight: ArrayLike | None, rows: ScoredRows
) -> Iterator[tuple[str, Slice]]:
    """The slices asked for, by the names of their slicings, of the rows that have weight, as `rows` are.

    Names are checked at once; columns are read and divided one slicing after another.
    """
    kept = np.ones(len(rows), dtype=bool) if sample_weight is None else floats(sample_weight) > 0
    slicings, every = read_slicings(() if slices is None else slices, columns, len(kept))
    taken = TakenColumns(every, kept, len(kept))
    return ((slicing.name, part) for slicing in slicings for part in divide(slicing, taken, rows.weights))


def _compare_slice(
    by: str, part: Slice, chosen: tuple[Metric, ...], champion: ScoredRows, challenger: ScoredRows, z: float
) -> SliceComparison:
    before, after = champion.take(part.rows), challenger.take(part.rows)
    compared, missing = _compare_rows(chosen, before, after, z)
    return SliceComparison(by, part.name, len(after), after.positives, compared, missing)


def _compare_rows(
    chosen: tuple[Metric, ...], champion: ScoredRows, challenger: ScoredRows, z: float
) -> tuple[tuple[MetricComparison, ...], tuple[MissingMetric, ...]]:
    """What can be compared on these rows, and what cannot."""
    results = [_compare_by(each, champion, challenger, z) for each in chosen]
    return (
        tuple(result for result in results if isinstance(result, MetricComparison)),
        tuple(result for result in results if isinstance(result, MissingMetric)),
    )


def _compare_by(
    chosen: Metric, champion: ScoredRows, challenger: ScoredRows, z: float
) -> MetricComparison | MissingMetric:
    before, after = _estimate(chosen, champion), _estimate(chosen, challenger)
    if isinstance(before, str) or isinstance(after, str):
        reasons = dict.fromkeys(reason for reason in (before, after) if isinstance(reason, str))
        return MissingMetric(chosen.name, " ".join(reasons))
    gain = chosen.direction.gain(before.value, after.value)
    with np.errstate(all="ignore"):  # what overflows is caught below
        same = chosen.same_for(champion, challenger)
        stderr = 0.0 if same else paired_error(before, after, challenger)
    if not same and not stderr:
        return MissingMetric(
            chosen.name,
            "The scores differ, but no row tells how sure the gain is: its error came out as exactly 0. See whether "
            "all numbers are tiny, or judge by another metric.",
        )
    if not math.isfinite(abs(gain) + FARTHEST * stderr):
        return MissingMetric(
            chosen.name, f"Its gain came out as {gain} +- {stderr}; see whether some numbers are huge."
        )
    return MetricComparison(
        metric=chosen.name,
        direction=chosen.direction,
        champion=before.value,
        challenger=after.value,
        gain=gain,
        stderr=stderr,
        low=gain - z * stderr,
        high=gain + z * stderr,
        p_value=_p_value(gain, stderr),
        champion_stderr=before.stderr,
        challenger_stderr=after.stderr,
    )


def _measure_by(chosen: Metric, rows: ScoredRows) -> Measurement | MissingMetric:
    found = _estimate(chosen, rows)
    if isinstance(found, str):
        return MissingMetric(chosen.name, found)
    return Measurement(chosen.name, chosen.direction, found.value, found.stderr)


def _estimate(chosen: Metric, rows: ScoredRows) -> Estimate | str:
    """The estimate, or the sentence that says why there is none."""
    try:
        with np.errstate(all="ignore"):  # what overflows is caught below
            reason = chosen.why_undefined(rows)
            if reason:
                return reason
            estimate = chosen.estimate(rows)
            numbers = (estimate.value, estimate.stderr)
    except DataError as error:  # of a user's own metric
        return str(error)
    if any(0 < abs(number) < TINY for number in numbers):
        return (
            f"It came out as {estimate.value:g} +- {estimate.stderr:g} for the {rows.whose}, where double precision "
            "loses digits; scale the labels, scores or costs."
        )
    if math.isfinite(abs(estimate.value) + FARTHEST * estimate.stderr):
        return estimate
    return (
        f"It came out as {estimate.value} for the {rows.whose}; "
        "see whether some weights or numbers are vastly larger than others."
    )


def _p_value(gain: float, stderr: float) -> float:
    """Chance of such a gain or a larger one if there were none; erfc stays exact in the far tail."""
    if stderr == 0:
        return 0.0 if gain > 0 else 1.0
    return math.erfc(gain / stderr / math.sqrt(2)) / 2

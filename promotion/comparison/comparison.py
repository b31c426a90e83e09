"""The measuring functions: `compare` for two models, `measure` for one."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.comparison.slices import Slice, divide, read_slicings
from promotion.comparison.slicing import Slicing
from promotion.comparison.spread import FARTHEST, gain_error, ways_of
from promotion.comparison.summaries import summarise
from promotion.comparison.values import (
    Comparison,
    Evaluation,
    Measurement,
    MetricComparison,
    MissingMetric,
    SliceComparison,
)
from promotion.errors import ConfigError, require_once
from promotion.metrics.arrays import TABLE, Columns, Floats, TakenColumns, column_names, floats
from promotion.metrics.bounds import Error, half_width, require_share, tail
from promotion.metrics.definition import Metric, task_of
from promotion.metrics.groups import Asked, as_equal, read_groups
from promotion.metrics.lookup import metric
from promotion.metrics.rows import ScoredRows, checked_rows
from promotion.metrics.usual import USUAL, task_of_rows

_ONE_SIDE = 0.025  # for a two-sided interval of 95 %


def compare(
    y_true: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    metrics: Iterable[str] | None = None,
    sample_weight: ArrayLike | None = None,
    slices: Iterable[str | Sequence[str] | Slicing] | None = None,
    columns: Columns | None = None,
    groups: ArrayLike | str | None = None,
    time: ArrayLike | str | None = None,
    day: float | None = None,
    dependence: str = "auto",
    confidence: float = 0.95,
) -> Comparison:
    """Compare two models' scores on the same rows. The task is inferred from the input, see `task_of`.

    Args:
        y_true: labels, shape `(n_rows,)`: 0 or 1, a class from 0 to `n_classes - 1`, or a number.
        champion: the champion's scores: for class 1, or predicted numbers, shape `(n_rows,)`; for
            each class, shape `(n_rows, n_classes)`.
        challenger: the challenger's scores, likewise.
        metrics: names, see `METRIC_NAMES`. Defaults to the usual metrics of the task.
        sample_weight: a number from 0 up per row, shape `(n_rows,)`; equal when left out.
        slices: subsets of the rows to compare on as well: names of columns and `Slicing`s; or a
            mapping from name to column, or a DataFrame, as a shorthand for slices by each of these.
        columns: arrays of shape `(n_rows,)` by name, such as a DataFrame; slices, metrics and
            groups refer to these names.
        groups: groups of dependent rows, such as those of one customer: one hashable value per row,
            shape `(n_rows,)`, or the name of a column. Groups, not rows, are then the independent
            draws; rows without a value form one group. The name of a Series becomes the name of the
            groups.
        time: time of each row, shape `(n_rows,)`, numbers or datetimes, or the name of a column.
            Without groups, rows close in time are then assumed to be dependent: errors are computed
            by blocks of time and by single rows, and the larger half-width counts (see
            `promotion.metrics.blocks`).
        day: length of a day in the unit of numeric times, 86400.0 for seconds; None if unknown.
        dependence: `auto` as described above; `independent` if you know that the rows are
            independent. It is recorded.
        confidence: confidence level of the two-sided interval of each gain.

    Raises:
        DataError: the arrays have wrong types or shapes. NaN or infinite scores do not raise: the
            metric is `missing`.
        UnknownName: there is no such metric, or no such column.
        ConfigError: the confidence is not between 0 and 1, no metric is given, or one does not
            apply to the task.
    """
    require_share("confidence", confidence)
    chosen, alpha = _choose(metrics, y_true, champion, columns), (1.0 - confidence) / 2
    task, scores = task_of(chosen, champion), {"champion": champion, "challenger": challenger}
    before, after = checked_rows(y_true, scores, sample_weight, task=task, columns=columns)
    kept = _kept(sample_weight, after)
    found, drawn = read_groups(Asked(groups, time, day, dependence), after, kept, columns)
    before, after = replace(before, groups=found), replace(after, groups=found)
    parts = _parts(slices, columns, kept, after)
    influences: dict[str, Floats] = {}
    compared, missing = _compare_rows(chosen, before, after, alpha, influences)
    comparison = Comparison(
        rows=len(after),
        positives=after.positives,
        weight=after.weight,
        confidence=float(confidence),
        metrics=compared,
        missing=missing,
        slices=tuple(_compare_slice(by, part, chosen, before, after, alpha) for by, part in parts),
        scores=summarise(before, after),
        task=task,
        dependence=drawn,
        as_equal=as_equal(after),
    )
    return comparison.with_influences({name: _of_all(each, kept) for name, each in influences.items()})


def measure(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    metrics: Iterable[str] | None = None,
    sample_weight: ArrayLike | None = None,
    columns: Columns | None = None,
    groups: ArrayLike | str | None = None,
    time: ArrayLike | str | None = None,
    day: float | None = None,
    dependence: str = "auto",
) -> Evaluation:
    """Measure a single model; the arguments and errors are those of `compare`."""
    chosen = _choose(metrics, y_true, scores, columns)
    task = task_of(chosen, scores)
    (rows,) = checked_rows(y_true, {"model": scores}, sample_weight, task=task, columns=columns)
    found, drawn = read_groups(Asked(groups, time, day, dependence), rows, _kept(sample_weight, rows), columns)
    results = [_measure_by(each, replace(rows, groups=found)) for each in chosen]
    return Evaluation(
        rows=len(rows),
        positives=rows.positives,
        weight=rows.weight,
        metrics=tuple(result for result in results if isinstance(result, Measurement)),
        missing=tuple(result for result in results if isinstance(result, MissingMetric)),
        task=task,
        dependence=drawn,
        as_equal=as_equal(rows),
    )


def _choose(
    names: Iterable[str] | None, y_true: ArrayLike, scores: ArrayLike, columns: Columns | None
) -> tuple[Metric, ...]:
    """Return the metrics with these names, without duplicates, or the usual ones.

    Checks that each column that they read occurs at most once.
    """
    if names is None:
        names = USUAL[task_of_rows(y_true, scores)]
    given = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else (names,)
    wrong = [name for name in given if not isinstance(name, str)]
    if wrong:
        raise ConfigError(f"Each metric must be named by a string, for example 'roc_auc', but one is {wrong[0]!r:.80}.")
    chosen = dict.fromkeys(given)
    if not chosen:
        raise ConfigError("No metric is named. Name at least one, for example roc_auc.")
    metrics = tuple(metric(name) for name in chosen)
    for column in {column for one in metrics for column in one.columns}:
        require_once(column, column_names(columns), TABLE)
    return metrics


def _kept(sample_weight: ArrayLike | None, rows: ScoredRows) -> NDArray[np.bool_]:
    """Return the mask of the given rows that have weight and so are among `rows`."""
    return np.ones(len(rows), dtype=bool) if sample_weight is None else floats(sample_weight) > 0


def _of_all(influence: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Return the influence of each given row; 0 for rows without weight."""
    if kept.all():
        return influence
    every = np.zeros(len(kept))
    every[kept] = influence
    return every


def _parts(
    slices: Iterable[str | Sequence[str] | Slicing] | None,
    columns: Columns | None,
    kept: NDArray[np.bool_],
    rows: ScoredRows,
) -> Iterator[tuple[str, Slice]]:
    """Return the requested slices by the name of their slicing, for the rows that have weight, as in `rows`.

    Names are checked at once; columns are read and divided one slicing at a time.
    """
    slicings, every = read_slicings(() if slices is None else slices, columns, len(kept))
    taken = TakenColumns(every, kept, len(kept))
    return ((slicing.name, part) for slicing in slicings for part in divide(slicing, taken, rows.weights))


def _compare_slice(
    by: str, part: Slice, chosen: tuple[Metric, ...], champion: ScoredRows, challenger: ScoredRows, alpha: float
) -> SliceComparison:
    before, after = champion.take(part.rows), challenger.take(part.rows)
    before = replace(before, groups=after.groups)
    compared, missing = _compare_rows(chosen, before, after, alpha, {})
    drawn = after.groups.dependence if after.groups else None
    return SliceComparison(by, part.name, len(after), after.positives, compared, missing, drawn, as_equal(after))


def _compare_rows(
    chosen: tuple[Metric, ...],
    champion: ScoredRows,
    challenger: ScoredRows,
    alpha: float,
    influences: dict[str, Floats],
) -> tuple[tuple[MetricComparison, ...], tuple[MissingMetric, ...]]:
    """Compare on these rows; return the comparisons and the missing metrics, and add row influences to `influences`."""
    results = [_compare_by(each, champion, challenger, alpha, influences) for each in chosen]
    return (
        tuple(result for result in results if isinstance(result, MetricComparison)),
        tuple(result for result in results if isinstance(result, MissingMetric)),
    )


def _compare_by(
    chosen: Metric, champion: ScoredRows, challenger: ScoredRows, alpha: float, influences: dict[str, Floats]
) -> MetricComparison | MissingMetric:
    before, after = ways_of(chosen, champion), ways_of(chosen, challenger)
    if isinstance(before, str) or isinstance(after, str):
        reasons = dict.fromkeys(reason for reason in (before, after) if isinstance(reason, str))
        return MissingMetric(chosen.name, " ".join(reasons))
    old, new = before[0].estimate, after[0].estimate
    gain = chosen.direction.gain(old.value, new.value)
    with np.errstate(all="ignore"):  # overflow is caught below
        same = chosen.same_for(champion, challenger)
        found = [Error(0.0)] if same else [gain_error(*pair, challenger) for pair in zip(before, after, strict=True)]
        by, beside = _larger(found, alpha)
        half = half_width(alpha, by, beside)
    if not same and not all(each.stderr for each in found):
        return MissingMetric(
            chosen.name,
            f"The scores differ, but the standard error of the gain in {chosen.name} is exactly 0, so no test is "
            "possible. Check whether the labels and scores are extremely small, or use another metric.",
        )
    if not math.isfinite(abs(gain) + max(FARTHEST * by.stderr, half)):
        return MissingMetric(
            chosen.name,
            f"The gain in {chosen.name} must be finite, but is {gain} ± {by.stderr}. Look for huge numbers.",
        )
    if not new.resampled:
        influences[chosen.name] = (new.influence - old.influence) * chosen.direction.gain(0.0, 1.0)
    of_new, beside_new = _larger((way.error for way in after), alpha)
    return MetricComparison(
        metric=chosen.name,
        direction=chosen.direction,
        champion=old.value,
        challenger=new.value,
        gain=gain,
        stderr=by.stderr,
        low=gain - half,
        high=gain + half,
        p_value=tail(gain, by, beside),
        champion_stderr=_larger((way.error for way in before), alpha)[0].stderr,
        challenger_stderr=of_new.stderr,
        dof=by.dof,
        beside=beside,
        challenger_dof=of_new.dof,
        challenger_beside=beside_new,
    )


def _larger(found: Iterable[Error], alpha: float) -> tuple[Error, Error | None]:
    """Return the error with the larger half-width, then the other one, if any."""
    first, *others = sorted(found, key=lambda each: -each.half_width(alpha))
    return first, others[0] if others else None


def _measure_by(chosen: Metric, rows: ScoredRows) -> Measurement | MissingMetric:
    found = ways_of(chosen, rows)
    if isinstance(found, str):
        return MissingMetric(chosen.name, found)
    by, beside = _larger((way.error for way in found), _ONE_SIDE)
    return Measurement(chosen.name, chosen.direction, found[0].estimate.value, by.stderr, by.dof, beside)

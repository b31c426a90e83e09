"""The steps that measure: `compare` sets two models against each other, `measure` takes one alone."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from promotion.errors import ConfigError
from promotion.evidence.influence import Estimate, standard_error
from promotion.evidence.metrics import Metric, metric
from promotion.evidence.rows import ScoredRows, read_rows
from promotion.evidence.values import (
    Comparison,
    Evaluation,
    Measurement,
    MetricComparison,
    MissingMetric,
    quantile,
    require_share,
)


def compare(
    y_true: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    metrics: Iterable[str],
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two models' scores on the same rows.

    Args:
        y_true: labels, 0 or 1, shape `(n_rows,)`.
        champion: the champion's scores of class 1, shape `(n_rows,)`.
        challenger: the challenger's scores of class 1, shape `(n_rows,)`.
        metrics: names, see `METRIC_NAMES`.
        sample_weight: a number from 0 up per row, shape `(n_rows,)`; equal when left out.
        confidence: of the two-sided interval of each gain.

    Raises:
        DataError: the arrays are not of that kind. NaN or infinite scores do not raise: the metric goes to `missing`.
        UnknownName: there is no such metric.
        ConfigError: the confidence does not lie between 0 and 1, or no metric is named.
    """
    require_share("confidence", confidence)
    chosen, z = _choose(metrics), quantile((1.0 - confidence) / 2)
    before, after = read_rows(y_true, {"champion": champion, "challenger": challenger}, sample_weight)
    results = [_compare_by(each, before, after, z) for each in chosen]
    return Comparison(
        rows=len(after),
        positives=after.positives,
        weight=float(after.weights.sum()),
        confidence=float(confidence),
        metrics=tuple(result for result in results if isinstance(result, MetricComparison)),
        missing=tuple(result for result in results if isinstance(result, MissingMetric)),
    )


def measure(
    y_true: ArrayLike, scores: ArrayLike, *, metrics: Iterable[str], sample_weight: ArrayLike | None = None
) -> Evaluation:
    """Measure one model by itself; arguments and errors are those of `compare`."""
    chosen = _choose(metrics)
    (rows,) = read_rows(y_true, {"model": scores}, sample_weight)
    results = [_measure_by(each, rows) for each in chosen]
    return Evaluation(
        rows=len(rows),
        positives=rows.positives,
        weight=float(rows.weights.sum()),
        metrics=tuple(result for result in results if isinstance(result, Measurement)),
        missing=tuple(result for result in results if isinstance(result, MissingMetric)),
    )


def _choose(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of these names, each once."""
    chosen = dict.fromkeys([names] if isinstance(names, str) else names)
    if not chosen:
        message = "At least one metric is needed, but none is named. Name one, for example roc_auc."
        raise ConfigError(message)
    return tuple(metric(name) for name in chosen)


def _compare_by(
    chosen: Metric, champion: ScoredRows, challenger: ScoredRows, z: float
) -> MetricComparison | MissingMetric:
    before, after = _estimate(chosen, champion), _estimate(chosen, challenger)
    if isinstance(before, str) or isinstance(after, str):
        reasons = dict.fromkeys(reason for reason in (before, after) if isinstance(reason, str))
        return MissingMetric(chosen.name, " ".join(reasons))
    gain = chosen.direction.gain(before.value, after.value)
    stderr = standard_error(after.influence - before.influence)
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
    reason = chosen.why_undefined(rows)
    if reason:
        return reason
    with np.errstate(all="ignore"):  # what overflows is caught by the next line
        estimate = chosen.estimate(rows)
    if math.isfinite(estimate.value) and math.isfinite(estimate.stderr):
        return estimate
    return (
        f"It came out as {estimate.value} for the {rows.whose}; see whether some weights are vastly larger than others."
    )


def _p_value(gain: float, stderr: float) -> float:
    """Chance of such a gain or a larger one if there were none; erfc stays exact in the far tail."""
    if stderr == 0:
        return 0.0 if gain > 0 else 1.0
    return math.erfc(gain / stderr / math.sqrt(2)) / 2

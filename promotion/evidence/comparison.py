"""What the rows say of one model, or of two side by side: the step that measures and the values it returns.

`compare` sets two models against each other and returns a `Comparison`; `measure` takes one model, as for a first
champion, and returns an `Evaluation`. The two are separate so that no field of a comparison is ever empty. Both give
the judged model's own values by `measurement(name)`, which is all that a floor needs. All values are plain numbers,
words and tuples, never NaN, so that a ledger can keep them as JSON and read them back.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from promotion.errors import ConfigError, UnknownName
from promotion.evidence.influence import Estimate, standard_error
from promotion.evidence.metrics import Metric, metric
from promotion.evidence.rows import ScoredRows, read_rows
from promotion.vocabulary import Direction


@dataclass(frozen=True)
class MissingMetric:
    """A metric that was asked for and is not defined on these rows.

    Attributes:
        metric: its name.
        reason: why, as a sentence.
    """

    metric: str
    reason: str


@dataclass(frozen=True)
class Measurement:
    """One model's value of one metric, and its standard error."""

    metric: str
    direction: Direction
    value: float
    stderr: float

    def lower_bound(self, alpha: float) -> float:
        """The value is above this, with one-sided error alpha."""
        return self.value - _quantile(alpha) * self.stderr

    def upper_bound(self, alpha: float) -> float:
        """The value is below this, with one-sided error alpha."""
        return self.value + _quantile(alpha) * self.stderr


@dataclass(frozen=True)
class MetricComparison:
    """Champion and challenger by one metric, on the same rows.

    Attributes:
        metric: its name.
        direction: which way it improves.
        champion: the champion's value.
        challenger: the challenger's value.
        gain: how much better the challenger is; positive is better whatever the direction.
        stderr: standard error of the gain, paired by row.
        low: lower end of the two-sided interval of the gain, at the comparison's confidence.
        high: upper end of it.
        p_value: one-sided, of the hypothesis that there is no gain; small speaks for the challenger.
        champion_stderr: standard error of the champion's value.
        challenger_stderr: standard error of the challenger's value.
    """

    metric: str
    direction: Direction
    champion: float
    challenger: float
    gain: float
    stderr: float
    low: float
    high: float
    p_value: float
    champion_stderr: float
    challenger_stderr: float

    def lower_bound(self, alpha: float) -> float:
        """The gain is above this, with one-sided error alpha."""
        return self.gain - _quantile(alpha) * self.stderr

    def upper_bound(self, alpha: float) -> float:
        """The gain is below this, with one-sided error alpha."""
        return self.gain + _quantile(alpha) * self.stderr

    def challenger_lower_bound(self, alpha: float) -> float:
        """The challenger's own value is above this, with one-sided error alpha."""
        return self.measurement.lower_bound(alpha)

    def challenger_upper_bound(self, alpha: float) -> float:
        """The challenger's own value is below this, with one-sided error alpha."""
        return self.measurement.upper_bound(alpha)

    @property
    def measurement(self) -> Measurement:
        """The challenger by itself."""
        return Measurement(self.metric, self.direction, self.challenger, self.challenger_stderr)


@dataclass(frozen=True)
class Comparison:
    """Champion and challenger, metric by metric, on one holdout.

    Attributes:
        rows: number of rows that judged; those of weight zero are not counted.
        positives: how many of them are labelled 1.
        weight: sum of their weights; the number of rows when none were given.
        confidence: of each metric's two-sided interval.
        metrics: what was compared, in the order asked for.
        missing: what was asked for and could not be.
    """

    rows: int
    positives: int
    weight: float
    confidence: float
    metrics: tuple[MetricComparison, ...]
    missing: tuple[MissingMetric, ...] = ()

    def __getitem__(self, name: str) -> MetricComparison:
        for found in self.metrics:
            if found.metric == name:
                return found
        raise _not_among(name, self.metrics, self.missing)

    def measurement(self, name: str) -> Measurement | None:
        """The challenger's own value of a metric; None when it was not compared."""
        return next((found.measurement for found in self.metrics if found.metric == name), None)


@dataclass(frozen=True)
class Evaluation:
    """One model, metric by metric, on one holdout; the attributes are those of `Comparison`."""

    rows: int
    positives: int
    weight: float
    metrics: tuple[Measurement, ...]
    missing: tuple[MissingMetric, ...] = ()

    def __getitem__(self, name: str) -> Measurement:
        for found in self.metrics:
            if found.metric == name:
                return found
        raise _not_among(name, self.metrics, self.missing)

    def measurement(self, name: str) -> Measurement | None:
        """The model's value of a metric; None when it was not measured."""
        return next((found for found in self.metrics if found.metric == name), None)


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
    _require_share("confidence", confidence)
    chosen, z = _choose(metrics), _quantile((1.0 - confidence) / 2)
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


def _quantile(alpha: float) -> float:
    """How many standard errors off a bound of one-sided error alpha lies; from the lower tail, which is exact."""
    _require_share("alpha", alpha)
    return -NormalDist().inv_cdf(alpha)


def _require_share(what: str, number: float) -> None:
    if not 0 < number < 1:
        message = f"The {what} must lie between 0 and 1, without them, but is {number:g}. Write 5 % as 0.05."
        raise ConfigError(message)


def _not_among(
    name: str, found: tuple[MetricComparison, ...] | tuple[Measurement, ...], missing: tuple[MissingMetric, ...]
) -> UnknownName:
    reason = next((absent.reason for absent in missing if absent.metric == name), "")
    known = () if reason else tuple(each.metric for each in found)
    return UnknownName("measured metric", name, known, hint=reason)

"""The results of measuring one model, or two side by side, as values.

A `Comparison` has two models, an `Evaluation` one, e.g. a first champion. They are separate classes so that no field of
a comparison is ever empty. Both give the judged model's own values by `measurement(name)`, which is all that a floor
needs. All values are plain numbers, strings and tuples, never NaN, so a ledger can store them as JSON and read them
back.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from promotion.canonical import LATER
from promotion.displayed import Displayed
from promotion.errors import DataError, UnknownName
from promotion.metrics.bounds import AsEqual, Dependence, Error, half_width, tail
from promotion.vocabulary import Direction, Task

if TYPE_CHECKING:
    from promotion.metrics.arrays import Floats


@dataclass(frozen=True)
class MissingMetric:
    """A requested metric that is not defined on these rows.

    Attributes:
        metric: its name.
        reason: why it is undefined, as a sentence.
    """

    metric: str
    reason: str


@dataclass(frozen=True)
class Measurement:
    """One model's value of one metric, and its standard error.

    Attributes:
        metric: its name.
        direction: the direction of improvement.
        value: the value.
        stderr: standard error of the value.
        dof: degrees of freedom of the Student's t distribution of its bounds; None for the normal distribution.
        beside: a second error, if errors are computed by single rows and by blocks of time: at each level the larger
            half-width counts. `stderr` is the one with the larger half-width at the usual level.
    """

    metric: str
    direction: Direction
    value: float
    stderr: float
    dof: Annotated[float | None, LATER] = None
    beside: Annotated[Error | None, LATER] = None

    def lower_bound(self, alpha: float) -> float:
        """Return the one-sided lower confidence bound of the value at level alpha."""
        return self.value - half_width(alpha, Error(self.stderr, self.dof), self.beside)

    def upper_bound(self, alpha: float) -> float:
        """Return the one-sided upper confidence bound of the value at level alpha."""
        return self.value + half_width(alpha, Error(self.stderr, self.dof), self.beside)


@dataclass(frozen=True)
class MetricComparison:
    """Champion and challenger compared by one metric, on the same rows.

    Attributes:
        metric: its name.
        direction: the direction of improvement.
        champion: the champion's value.
        challenger: the challenger's value.
        gain: how much better the challenger is; positive is better whatever the direction.
        stderr: standard error of the gain, paired by row.
        low: lower end of the two-sided interval of the gain, at the comparison's confidence.
        high: upper end of the interval.
        p_value: one-sided p-value of the null hypothesis of no gain; small values favour the challenger.
        champion_stderr: standard error of the champion's value.
        challenger_stderr: standard error of the challenger's value.
        dof, beside: for the gain, as in a `Measurement`.
        challenger_dof, challenger_beside: for the challenger's value, likewise.
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
    dof: Annotated[float | None, LATER] = None
    beside: Annotated[Error | None, LATER] = None
    challenger_dof: Annotated[float | None, LATER] = None
    challenger_beside: Annotated[Error | None, LATER] = None

    @property
    def error(self) -> Error:
        """Standard error of the gain, with its degrees of freedom."""
        return Error(self.stderr, self.dof)

    def half_width(self, alpha: float) -> float:
        """Return the distance from the gain to its bound with one-sided error alpha."""
        return half_width(alpha, self.error, self.beside)

    def tail(self, distance: float) -> float:
        """Return the probability that the gain exceeds the true one by `distance` or more; the larger one counts."""
        return tail(distance, self.error, self.beside)

    def lower_bound(self, alpha: float) -> float:
        """Return the one-sided lower confidence bound of the gain at level alpha."""
        return self.gain - self.half_width(alpha)

    def upper_bound(self, alpha: float) -> float:
        """Return the one-sided upper confidence bound of the gain at level alpha."""
        return self.gain + self.half_width(alpha)

    def challenger_lower_bound(self, alpha: float) -> float:
        """Return the one-sided lower confidence bound of the challenger's own value at level alpha."""
        return self.measurement.lower_bound(alpha)

    def challenger_upper_bound(self, alpha: float) -> float:
        """Return the one-sided upper confidence bound of the challenger's own value at level alpha."""
        return self.measurement.upper_bound(alpha)

    @property
    def measurement(self) -> Measurement:
        """The challenger's own value."""
        return Measurement(
            metric=self.metric,
            direction=self.direction,
            value=self.challenger,
            stderr=self.challenger_stderr,
            dof=self.challenger_dof,
            beside=self.challenger_beside,
        )


@dataclass(frozen=True)
class SliceComparison:
    """Champion and challenger compared on the rows of one slice.

    Attributes:
        by: name of the slicing, e.g. `ProductCD`.
        value: name of the slice, e.g. `W`; `(missing)` for rows without a value.
        rows, positives, metrics, missing, dependence, as_equal: as in a `Comparison`.
    """

    by: str
    value: str
    rows: int
    positives: int | None
    metrics: tuple[MetricComparison, ...]
    missing: tuple[MissingMetric, ...] = ()
    dependence: Annotated[Dependence | None, LATER] = None
    as_equal: Annotated[AsEqual | None, LATER] = None

    @property
    def name(self) -> str:
        """Full name, e.g. `ProductCD = W`."""
        return f"{self.by} = {self.value}"


@dataclass(frozen=True)
class Calibration:
    """One model's scores against the observed outcomes, in one bin of its score.

    Attributes:
        low, high: the lowest and highest score in the bin.
        rows: number of rows in the bin.
        score: mean score of these rows.
        observed: share of these rows that is positive.
    """

    low: float
    high: float
    rows: int
    score: float
    observed: float


@dataclass(frozen=True)
class ScoreSummary:
    """Distribution of the two models' scores; for the report only: no check uses it.

    Attributes:
        shift: population stability index of the challenger's scores against the champion's: sum over the champion's
            score deciles of `(q - p) ln(q / p)`. Below 0.1 is a small shift, above 0.25 a significant one.
        champion, challenger: calibration, by deciles of the model's own score.
    """

    shift: float
    champion: tuple[Calibration, ...]
    challenger: tuple[Calibration, ...]


@dataclass(frozen=True, repr=False)
class Comparison(Displayed):
    """Champion and challenger compared, metric by metric, on one holdout.

    Attributes:
        rows: number of evaluation rows; rows with weight zero are not counted.
        positives: number of rows labelled 1; None unless the task is binary.
        weight: sum of the rows' weights; the number of rows if no weights were given.
        confidence: confidence level of each metric's two-sided interval.
        metrics: the compared metrics, in the requested order.
        missing: the requested metrics that could not be compared.
        slices: the same for subsets of the rows, slicing by slicing.
        scores: calibration and shift of the scores, if they are probabilities of class 1.
        task: the task of the models.
        dependence: how the rows were assumed to depend on each other; None if this was not specified, and each row
            counts as an independent draw.
        as_equal: effective number of equally weighted rows; None if all weights are equal.
    """

    rows: int
    positives: int | None
    weight: float
    confidence: float
    metrics: tuple[MetricComparison, ...]
    missing: tuple[MissingMetric, ...] = ()
    slices: tuple[SliceComparison, ...] = ()
    scores: ScoreSummary | None = None
    task: Task = Task.BINARY
    dependence: Annotated[Dependence | None, LATER] = None
    as_equal: Annotated[AsEqual | None, LATER] = None

    def __getitem__(self, name: str) -> MetricComparison:
        return _named(name, self.metrics, self.missing)

    def influence(self, name: str) -> "Floats":
        """Return the first-order influence of each weighted row on the gain in a metric; shape `(n_rows,)`.

        Positive values favour the challenger. For independent rows of equal weight the squares add up to `stderr ** 2`
        (for a share of few rows, `stderr ** 2` is slightly larger); rows without weight have influence 0. Influences
        are stored neither by a ledger nor by `pickle`.

        Raises:
            UnknownName: the metric was not compared.
            DataError: the standard error of the metric is estimated by resampling; or the comparison was read back.
        """
        found, kept = self[name], getattr(self, "_influences", None)
        if kept is None:
            raise DataError("A comparison restored from a record has no influence values. Compare the scores again.")
        if name not in kept:
            raise DataError(
                f"The standard error of {found.metric} is estimated by resampling, so there are no influence values "
                "for single rows."
            )
        influence: Floats = kept[name]
        return influence

    def with_influences(self, influences: "dict[str, Floats]") -> "Comparison":
        """Return the same comparison with row influences by metric, which do not count for equality."""
        object.__setattr__(self, "_influences", influences)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_influences"}

    def measurement(self, name: str) -> Measurement | None:
        """Return the challenger's own value of a metric; None if it was not compared."""
        return next((found.measurement for found in self.metrics if found.metric == name), None)


@dataclass(frozen=True, repr=False)
class Evaluation(Displayed):
    """One model measured, metric by metric, on one holdout; the attributes are those of `Comparison`."""

    rows: int
    positives: int | None
    weight: float
    metrics: tuple[Measurement, ...]
    missing: tuple[MissingMetric, ...] = ()
    task: Task = Task.BINARY
    dependence: Annotated[Dependence | None, LATER] = None
    as_equal: Annotated[AsEqual | None, LATER] = None

    def __getitem__(self, name: str) -> Measurement:
        return _named(name, self.metrics, self.missing)

    def measurement(self, name: str) -> Measurement | None:
        """Return the model's value of a metric; None if it was not measured."""
        return next((found for found in self.metrics if found.metric == name), None)


_OfMetric = TypeVar("_OfMetric", MetricComparison, Measurement)


def _named(name: str, among: tuple[_OfMetric, ...], missing: tuple[MissingMetric, ...]) -> _OfMetric:
    for found in among:
        if found.metric == name:
            return found
    reason = next((absent.reason for absent in missing if absent.metric == name), "")
    known = () if reason else tuple(each.metric for each in among)
    raise UnknownName("measured metric", name, known, hint=reason)

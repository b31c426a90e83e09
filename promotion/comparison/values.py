"""What the rows say of one model, or of two side by side, as values.

A `Comparison` is of two models, an `Evaluation` of one alone, as of a first champion; they are separate so that no
field of a comparison is ever empty. Both give the judged model's own values by `measurement(name)`, which is all that a
floor needs. All values are plain numbers, words and tuples, never NaN, so that a ledger can keep them as JSON and read
them back.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from promotion.canonical import LATER
from promotion.errors import DataError, UnknownName
from promotion.metrics.arrays import Floats
from promotion.metrics.bounds import AsEqual, Dependence, Error, half_width, tail
from promotion.vocabulary import Direction, Task


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
    """One model's value of one metric, and its standard error.

    Attributes:
        metric: its name.
        direction: which way it improves.
        value: what it comes to.
        stderr: its standard error.
        dof: degrees of freedom of the Student's t by which its bounds are made; None for the normal distribution.
        beside: a second error, where both single rows and blocks of time are asked: at each level the larger
            half-width counts. `stderr` is of the one that is larger at the usual level.
    """

    metric: str
    direction: Direction
    value: float
    stderr: float
    dof: Annotated[float | None, LATER] = None
    beside: Annotated[Error | None, LATER] = None

    def lower_bound(self, alpha: float) -> float:
        """The value is above this, with one-sided error alpha."""
        return self.value - half_width(alpha, Error(self.stderr, self.dof), self.beside)

    def upper_bound(self, alpha: float) -> float:
        """The value is below this, with one-sided error alpha."""
        return self.value + half_width(alpha, Error(self.stderr, self.dof), self.beside)


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
        dof, beside: of the gain, and
        challenger_dof, challenger_beside: of the challenger's value; as of a `Measurement`.
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
        """The gain's standard error with its degrees of freedom."""
        return Error(self.stderr, self.dof)

    def half_width(self, alpha: float) -> float:
        """How far off the gain a bound of one-sided error alpha lies."""
        return half_width(alpha, self.error, self.beside)

    def tail(self, distance: float) -> float:
        """The chance that a gain comes out so far above the true one, or farther, one-sided; less sure error counts."""
        return tail(distance, self.error, self.beside)

    def lower_bound(self, alpha: float) -> float:
        """The gain is above this, with one-sided error alpha."""
        return self.gain - self.half_width(alpha)

    def upper_bound(self, alpha: float) -> float:
        """The gain is below this, with one-sided error alpha."""
        return self.gain + self.half_width(alpha)

    def challenger_lower_bound(self, alpha: float) -> float:
        """The challenger's own value is above this, with one-sided error alpha."""
        return self.measurement.lower_bound(alpha)

    def challenger_upper_bound(self, alpha: float) -> float:
        """The challenger's own value is below this, with one-sided error alpha."""
        return self.measurement.upper_bound(alpha)

    @property
    def measurement(self) -> Measurement:
        """The challenger by itself."""
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
    """Champion and challenger on the rows of one slice.

    Attributes:
        by: name of the slicing, e.g. `ProductCD`.
        value: which slice of it, e.g. `W`; `(missing)` for rows without a value.
        rows, positives, metrics, missing, dependence, as_equal: as of a `Comparison`.
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
        """E.g. `ProductCD = W`."""
        return f"{self.by} = {self.value}"


@dataclass(frozen=True)
class Calibration:
    """One model's scores beside what came true, in one bin of its score.

    Attributes:
        low, high: the lowest and highest score in the bin.
        rows: number of rows in it.
        score: their mean score.
        observed: the share of them that is positive.
    """

    low: float
    high: float
    rows: int
    score: float
    observed: float


@dataclass(frozen=True)
class ScoreSummary:
    """How the scores of the two models lie; for the report, nothing is decided by it.

    Attributes:
        shift: population stability index of the challenger's scores against the champion's: sum over the champion's
            score deciles of `(q - p) ln(q / p)`. Below 0.1 little has moved, above 0.25 much has.
        champion, challenger: calibration, by deciles of the model's own score.
    """

    shift: float
    champion: tuple[Calibration, ...]
    challenger: tuple[Calibration, ...]


@dataclass(frozen=True)
class Comparison:
    """Champion and challenger, metric by metric, on one holdout.

    Attributes:
        rows: number of rows that judged; those of weight zero are not counted.
        positives: how many of them are labelled 1; None unless the task is binary.
        weight: sum of their weights; the number of rows when none were given.
        confidence: of each metric's two-sided interval.
        metrics: what was compared, in the order asked for.
        missing: what was asked for and could not be.
        slices: the same for parts of the rows, slicing by slicing.
        scores: calibration and shift of the scores, where they are probabilities of class 1.
        task: what the models predict.
        dependence: how the rows were taken to depend on each other; None where nothing was said, and each counts as a
            draw of its own.
        as_equal: how many rows of equal weight would tell as much; None where all weigh the same.
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

    def influence(self, name: str) -> Floats:
        """How each row moves the gain in a metric, to first order, with its weight; shape `(n_rows,)`.

        Positive speaks for the challenger. Where rows are draws of their own and weigh the same the squares add up to
        `stderr ** 2` (in a share of few rows that is a little more); rows without weight have none. It is not stored,
        neither by a ledger nor by `pickle`.

        Raises:
            UnknownName: the metric was not compared.
            DataError: its error is resampled, so that there is no influence; or the comparison was read back.
        """
        found, kept = self[name], getattr(self, "_influences", None)
        if kept is None:
            raise DataError("A comparison that was read back holds no influence of rows. Compare the scores again.")
        if name not in kept:
            raise DataError(f"The error of {found.metric} is resampled, so there is no influence of single rows.")
        influence: Floats = kept[name]
        return influence

    def with_influences(self, influences: dict[str, Floats]) -> "Comparison":
        """The same, with the influence of each row by metric, which is not part of its value."""
        object.__setattr__(self, "_influences", influences)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_influences"}

    def measurement(self, name: str) -> Measurement | None:
        """The challenger's own value of a metric; None when it was not compared."""
        return next((found.measurement for found in self.metrics if found.metric == name), None)


@dataclass(frozen=True)
class Evaluation:
    """One model, metric by metric, on one holdout; the attributes are those of `Comparison`."""

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
        """The model's value of a metric; None when it was not measured."""
        return next((found for found in self.metrics if found.metric == name), None)


_OfMetric = TypeVar("_OfMetric", MetricComparison, Measurement)


def _named(name: str, among: tuple[_OfMetric, ...], missing: tuple[MissingMetric, ...]) -> _OfMetric:
    for found in among:
        if found.metric == name:
            return found
    reason = next((absent.reason for absent in missing if absent.metric == name), "")
    known = () if reason else tuple(each.metric for each in among)
    raise UnknownName("measured metric", name, known, hint=reason)

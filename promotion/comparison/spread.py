"""Standard errors of values and gains: by independent rows, by groups, or by both.

An estimate's influence gives a standard error by rows, see `influence`. Summed by group and
corrected as in `groups`, it gives one by groups. The degrees of freedom of the latter are the
effective number of groups, minus one. That number is at most that of the groups' weights (Kish
1965, for the class with the fewest), and at most what the groups' squares show,

    3 (sum U_g^2)^2 / sum U_g^4,

the number of groups that share the variance: Satterthwaite's (1946) degrees of freedom, with the
squares themselves for the variances (Fay and Graubard 2001; Pan and Wall 2002), and the factor 3
because the fourth moment of a normal variable is three times its squared variance. It matters if a
few heavy groups carry the error, as they do when rows of a group agree.

A value has fewer degrees of freedom, `sqrt(effective number) - 1.5`. A gain is nearly symmetric,
because the common part of two models cancels. A value is not: groups that happen to be easy improve
it and reduce its error. The error of Student's t from this falls with the square root of the number
of groups (Johnson 1978; Hall 1992, section 2.3), while the effect of degrees of freedom falls with
the number itself. Taking the square root of the number compensates for this at any number. Average
precision is also biased upward, so 2.75 is subtracted for it. Both numbers come from simulations,
see ADR 22, in which correcting by the estimated skewness was worse.

Influences are the first-order effects of a group. For average precision that is not enough: one group at the top of the
ranking changes the precision of all below. The groups with the largest effects are therefore actually left out, and
the influence serves for the rest.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.errors import DataError
from promotion.metrics.arrays import Floats
from promotion.metrics.bounds import Error
from promotion.metrics.definition import Metric
from promotion.metrics.groups import Groups, Leverage, single_rows
from promotion.metrics.influence import Estimate, Over, paired_error, raised
from promotion.metrics.rows import ScoredRows
from promotion.metrics.scale import TINY, root_of_squares
from promotion.number_format import effective_number

HEAVY = 30
"""Maximum number of groups that are actually left out; using all made no standard error 1 % larger in simulations."""

MIN_EFFECTIVE_ROWS = 10
"""With fewer effective rows, if rows have unequal weights, there is no error: one row may have all the influence."""

LEAST = 0.01
"""Groups with a smaller share of the sum of squares are not left out either."""

SKEWED, SKEWED_MORE = 1.5, 2.75
"""Subtracted from the root of the effective number of groups for the degrees of freedom of a single model's value;
the larger one for metrics where the influences do not predict well how leaving out a group changes the value.
"""

FARTHEST = 40.0
"""Maximum distance of a bound in standard errors; the normal distribution ends there in double precision."""

_FEW = (
    f"{{}} needs an effective number of at least {MIN_EFFECTIVE_ROWS} rows (Kish; in a classification, of each class) "
    "for a standard error, but unequal weights reduce it to {}. Use weights that differ less, or more rows."
)

_ALONE = (
    "{} needs rows from at least two groups (in a classification, for each class) for a standard error, but all come "
    "from one. Use rows from more groups, or group them by another column."
)

Refit: TypeAlias = Callable[[NDArray[np.intp]], float]
"""A function from positions of rows to the value without these rows."""


@dataclass(frozen=True, eq=False)
class Way:
    """One way to treat a model's rows: each as an independent draw, or in groups.

    Attributes:
        estimate: the estimate of the metric for this treatment.
        groups: the groups of the rows; None if each row is an independent draw.
        refit: builds the function that computes the value without some rows, for metrics that have
            one.
    """

    estimate: Estimate
    groups: Groups | None = None
    refit: Callable[[], Refit] | None = None

    @cached_property
    def sums(self) -> Floats:
        """Change of the value due to each group, shape `(n_groups,)`; for a bootstrap, due to each replicate."""
        estimate, groups = self.estimate, self.groups
        assert groups is not None  # noqa: S101 - called for groups only
        if estimate.resampled:
            return estimate.influence
        by_cell = groups.by_cell(estimate.influence)
        if estimate.over is Over.ROWS:
            by_cell = by_cell.sum(axis=1, keepdims=True)
        sums: Floats = (by_cell * self._factor(groups)).sum(axis=1)
        return sums

    def _factor(self, groups: Groups) -> Floats:
        """Return the leverage correction; it replaces the small-sample factor of rows if the estimate has that."""
        if self.estimate.over is Over.ROWS:
            return groups.of_rows.factor / raised(len(groups.codes))
        return groups.of_classes.factor / (groups.raised if self.estimate.over is Over.CLASSES else 1.0)

    @property
    def leverage(self) -> Leverage:
        """Leverage of the groups, for all rows or by class."""
        assert self.groups is not None  # noqa: S101 - called for groups only
        return self.groups.of_rows if self.estimate.over is Over.ROWS else self.groups.of_classes

    @property
    def alone(self) -> bool:
        """Whether one group has all the weight, of all rows or of a class that counts, so that there is no error."""
        return self.groups is not None and self.leverage.alone

    @property
    def too_few(self) -> bool:
        """Whether a few heavy rows dominate, so that the error is not reliable."""
        return self.groups is not None and self.groups.unequal_rows and self.leverage.effective < MIN_EFFECTIVE_ROWS

    @cached_property
    def error(self) -> Error:
        """Standard error of the value; for a share at least that of two rows, see `Estimate.stderr`."""
        if self.groups is None:
            return Error(self.estimate.stderr)
        sums = self.sums.copy()
        heavy = self.heavy(sums)
        sums[heavy] = self.moved_by(heavy)
        skewed = SKEWED if self.refit is None else SKEWED_MORE
        dof = max(math.sqrt(self.effective(sums)) - skewed, 1.0)
        return Error(max(root_of_squares(sums), 2 * self.estimate.one_row), dof)

    def heavy(self, sums: Floats) -> NDArray[np.intp]:
        """Return the groups with the largest effects, which are actually left out if the metric supports it.

        These are groups of several rows, or rows of unequal weight.
        """
        heavy: NDArray[np.intp] = np.argsort(-np.abs(sums), kind="stable")[:HEAVY]
        if self.refit is None or self.groups is None or not sums.any():
            return heavy[:0]
        squares = np.square(sums / np.abs(sums).max())
        heavy = heavy[squares[heavy] > LEAST * squares.sum()]
        if self.groups.unequal_rows:
            return heavy
        return heavy[np.bincount(self.groups.codes, minlength=self.groups.count)[heavy] > 1]

    def moved_by(self, heavy: NDArray[np.intp]) -> Floats:
        """Return the change of the value when each of these groups is left out, on the scale of `sums`."""
        if self.groups is None or not len(heavy):
            return np.empty(0)
        found = (np.flatnonzero(self.groups.codes == group) for group in heavy)
        without = np.array([self._without(out) for out in found])
        return (self.estimate.value - without) * self.leverage.unequal

    @cached_property
    def _without(self) -> Refit:
        assert self.refit is not None  # noqa: S101 - otherwise no group is heavy
        return self.refit()

    def effective(self, sums: Floats) -> float:
        """Return the effective number of groups for the error computed from these sums."""
        top = float(np.abs(sums).max())
        if self.estimate.over is Over.REPLICATES or top == 0:
            return self.leverage.effective
        squares = np.square(sums / top)
        return min(self.leverage.effective, 3 * float(squares.sum()) ** 2 / float(np.square(squares).sum()))


def ways(chosen: Metric, rows: ScoredRows) -> tuple[Way, ...]:
    """Return the treatments that apply: rows only, named groups only, or rows and blocks of time.

    Rows of unequal weight become groups of one row each, see `single_rows`.

    Blocks give no error if one block holds all rows of a class, and are then dropped; named groups are kept and report
    it.
    """
    refit = partial(chosen.without, rows) if chosen.without else None
    if rows.groups is None:
        return (_by_rows(chosen.estimate(rows), rows, refit),)
    found = Way(chosen.estimate(rows), rows.groups, refit)
    if not rows.groups.beside_rows:
        return (found,)
    estimate = chosen.estimate(replace(rows, groups=None)) if found.estimate.resampled else found.estimate
    by_rows = _by_rows(estimate, rows, refit)
    return (by_rows,) if found.alone else (by_rows, found)


def _by_rows(estimate: Estimate, rows: ScoredRows, refit: Callable[[], Refit] | None) -> Way:
    if not rows.unequal:
        return Way(estimate)
    singles = single_rows(rows)
    if estimate.resampled:
        estimate = estimate._replace(influence=estimate.influence * singles.of_classes.shortfall)
    return Way(estimate, singles, refit)


def gain_error(before: Way, after: Way, rows: ScoredRows) -> Error:
    """Compute the error of the gain, paired by row, of two models whose scores differ; `rows` are one model's."""
    if after.groups is None:
        return Error(paired_error(before.estimate, after.estimate, rows))
    sums = after.sums - before.sums
    heavy = after.heavy(sums)
    sums[heavy] = after.moved_by(heavy) - before.moved_by(heavy)
    return Error(paired_error(before.estimate, after.estimate, rows, sums), max(after.effective(sums) - 1.0, 1.0))


def ways_of(chosen: Metric, rows: ScoredRows) -> tuple[Way, ...] | str:
    """Return the estimate for each treatment, or the sentence that explains why there is none."""
    try:
        with np.errstate(all="ignore"):  # overflow is caught below
            reason = chosen.why_undefined(rows)
            found = () if reason else ways(chosen, rows)
            if reason := reason or _why_no_error(chosen, found):
                return reason
            value, errors = found[0].estimate.value, [way.error.stderr for way in found]
    except DataError as wrong:  # raised by a user's own metric
        return str(wrong)
    if any(0 < abs(number) < TINY for number in (value, *errors)):
        return (
            f"{chosen.name} is {value:g} ± {max(errors):g} for the {rows.whose}, too small for double precision. "
            "Scale the labels, scores or costs."
        )
    if math.isfinite(abs(value) + FARTHEST * max(errors)):
        return found
    return (
        f"{chosen.name} must be finite, but is {value} for the {rows.whose}. "
        "Check whether some weights or numbers are far larger than others."
    )


def _why_no_error(chosen: Metric, found: tuple[Way, ...]) -> str:
    """Return why too few rows or groups have the weight for an error; empty if enough do."""
    few = next((way.leverage.effective for way in found if way.too_few), None)
    if few is not None:
        return _FEW.format(chosen.name, effective_number(few))
    return _ALONE.format(chosen.name) if any(way.alone for way in found) else ""

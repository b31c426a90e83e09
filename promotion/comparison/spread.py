"""The errors of values and gains: by rows that are draws of their own, by groups, or by both.

An estimate's influence gives an error by rows, as `influence` says; summed by group and corrected as `groups` says, one
by groups. The degrees of freedom of the latter are the effective number of groups, less one. That number is at most
that of the groups' weights (Kish 1965, of the class with the fewest), and at most what the groups' own squares show,

    3 (sum U_g^2)^2 / sum U_g^4,

which is how many groups share the variance: Satterthwaite's (1946) degrees of freedom, with the squares themselves for
the variances (Fay and Graubard 2001; Pan and Wall 2002), and 3 since the fourth power of a normal number is three times
its squared variance. It matters where a few heavy groups carry the error, as they do when rows of a group agree.

A value has fewer, `sqrt(effective number) - 1.5`. A gain is near symmetric, since what two models share cancels in it.
A value is not: groups that happen to be easy make it look better and its error smaller. Student's t errs to that side
by a share of the level that falls with the root of the number of groups (Johnson 1978; Hall 1992, section 2.3), while
what degrees of freedom change falls with their number. So it takes the root of the number to make up for it whatever
the number is. Average precision comes out too high beside, so that 2.75 is taken off. Both numbers are from
simulations, see ADR 22, where correcting by the skewness found made it worse.

Influences are the first order of what a group does. Of average precision that is too little: one group at the top of
the ranking changes the precision of all below. So the groups of which the most comes are left out for real; the
influence does for the rest.
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
from promotion.metrics.groups import Groups, Leverage, single_rows
from promotion.metrics.influence import Estimate, Over, paired_error, raised
from promotion.metrics.lookup import Metric
from promotion.metrics.rows import ScoredRows
from promotion.metrics.scale import TINY, root_of_squares

HEAVY = 30
"""No more groups are left out for real; with all of them no standard error was 1 % larger in simulations."""

FEWEST = 10
"""With fewer effective rows, where rows weigh unequally, there is no error: one row may have all the influence."""

LEAST = 0.01
"""Nor is one that has a smaller share of the sum of squares."""

SKEWED, SKEWED_MORE = 1.5, 2.75
"""Taken off the root of the effective number of groups, for the degrees of freedom of a single model's value; more of
one that leaving out a group moves otherwise than influences say.
"""

FARTHEST = 40.0
"""Standard errors; no bound lies farther off, as the normal distribution ends there in double precision."""

_FEW = (
    "Its rows differ so much in weight that they tell as much as {:.3g} of equal weight (of each class, where there "
    f"are classes), and it takes {FEWEST} for a standard error; level the weights, or judge on more rows."
)

_ALONE = (
    "It takes rows of at least two groups, of each class where there are classes, for a standard error, but all are of "
    "one; judge on more groups, or name others."
)

Refit: TypeAlias = Callable[[NDArray[np.intp]], float]
"""The value without some rows, of their positions."""


@dataclass(frozen=True, eq=False)
class Way:
    """One way to see a model's rows: each as a draw of its own, or in groups.

    Attributes:
        estimate: made in that way.
        groups: of the rows; None where each is a draw of its own.
        refit: makes what tells the value without some rows, of their positions, where the metric has that.
    """

    estimate: Estimate
    groups: Groups | None = None
    refit: Callable[[], Refit] | None = None

    @cached_property
    def sums(self) -> Floats:
        """What each group moves the value by, shape `(n_groups,)`; of a bootstrap, what each replicate does."""
        estimate, groups = self.estimate, self.groups
        assert groups is not None  # noqa: S101 - asked of groups only
        if estimate.resampled:
            return estimate.influence
        by_cell = groups.by_cell(estimate.influence)
        if estimate.over is Over.ROWS:
            by_cell = by_cell.sum(axis=1, keepdims=True)
        sums: Floats = (by_cell * self._factor(groups)).sum(axis=1)
        return sums

    def _factor(self, groups: Groups) -> Floats:
        """The leverage correction, in the place of the factor for small samples of rows where the estimate has that."""
        if self.estimate.over is Over.ROWS:
            return groups.of_rows.factor / raised(len(groups.codes))
        return groups.of_classes.factor / (groups.raised if self.estimate.over is Over.CLASSES else 1.0)

    @property
    def leverage(self) -> Leverage:
        """What the groups weigh, of all rows or by class."""
        assert self.groups is not None  # noqa: S101 - asked of groups only
        return self.groups.of_rows if self.estimate.over is Over.ROWS else self.groups.of_classes

    @property
    def alone(self) -> bool:
        """Whether one group has all the weight, of all rows or of a class that counts, so that there is no error."""
        return self.groups is not None and self.leverage.alone

    @property
    def too_few(self) -> bool:
        """Whether a few heavy rows decide alone, so that the error says nothing."""
        return self.groups is not None and self.groups.unequal_rows and self.leverage.effective < FEWEST

    @cached_property
    def error(self) -> Error:
        """Of the value; of a share never less than two rows, see `Estimate.stderr`."""
        if self.groups is None:
            return Error(self.estimate.stderr)
        sums = self.sums.copy()
        heavy = self.heavy(sums)
        sums[heavy] = self.moved_by(heavy)
        skewed = SKEWED if self.refit is None else SKEWED_MORE
        dof = max(math.sqrt(self.effective(sums)) - skewed, 1.0)
        return Error(max(root_of_squares(sums), 2 * self.estimate.one_row), dof)

    def heavy(self, sums: Floats) -> NDArray[np.intp]:
        """The groups of which the most comes, to be left out for real where the metric can; those of several rows.

        And rows of unequal weight.
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
        """What leaving out each of some groups moves the value by, in the scale of `sums`."""
        if self.groups is None or not len(heavy):
            return np.empty(0)
        found = (np.flatnonzero(self.groups.codes == group) for group in heavy)
        without = np.array([self._without(out) for out in found])
        return (self.estimate.value - without) * self.leverage.unequal

    @cached_property
    def _without(self) -> Refit:
        assert self.refit is not None  # noqa: S101 - else nothing is heavy
        return self.refit()

    def effective(self, sums: Floats) -> float:
        """The effective number of groups, of an error made of such sums over them."""
        top = float(np.abs(sums).max())
        if self.estimate.over is Over.REPLICATES or top == 0:
            return self.leverage.effective
        squares = np.square(sums / top)
        return min(self.leverage.effective, 3 * float(squares.sum()) ** 2 / float(np.square(squares).sum()))


def ways(chosen: Metric, rows: ScoredRows) -> tuple[Way, ...]:
    """The ways that are asked: rows alone, named groups alone, or rows and blocks of time.

    Rows of unequal weight are groups of one row each, see `single_rows`.

    Blocks of which one has all rows of a class tell no error, and are left out; named groups stay, and say so.
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
    """Of the gain, paired by row; of two models whose scores differ. The rows are those of one model."""
    if after.groups is None:
        return Error(paired_error(before.estimate, after.estimate, rows))
    sums = after.sums - before.sums
    heavy = after.heavy(sums)
    sums[heavy] = after.moved_by(heavy) - before.moved_by(heavy)
    return Error(paired_error(before.estimate, after.estimate, rows, sums), max(after.effective(sums) - 1.0, 1.0))


def ways_of(chosen: Metric, rows: ScoredRows) -> tuple[Way, ...] | str:
    """The estimate in each way that is asked, or the sentence that says why there is none."""
    try:
        with np.errstate(all="ignore"):  # what overflows is caught below
            reason = chosen.why_undefined(rows)
            found = () if reason else ways(chosen, rows)
            if reason := reason or _why_no_error(found):
                return reason
            value, errors = found[0].estimate.value, [way.error.stderr for way in found]
    except DataError as wrong:  # of a user's own metric
        return str(wrong)
    if any(0 < abs(number) < TINY for number in (value, *errors)):
        return (
            f"It came out as {value:g} +- {max(errors):g} for the {rows.whose}, where double precision loses digits; "
            "scale the labels, scores or costs."
        )
    if math.isfinite(abs(value) + FARTHEST * max(errors)):
        return found
    return (
        f"It came out as {value} for the {rows.whose}; "
        "see whether some weights or numbers are vastly larger than others."
    )


def _why_no_error(found: tuple[Way, ...]) -> str:
    """Why too few rows or groups have the weight for an error; empty where enough do."""
    few = next((way.leverage.effective for way in found if way.too_few), None)
    if few is not None:
        return _FEW.format(few)
    return _ALONE if any(way.alone for way in found) else ""

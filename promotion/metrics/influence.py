"""Metric estimates: values with the influence of each row on them.

The influence of row i is `w_i * d value / d w_i`: how the value changes, to first order, with the
row's weight. The squared influences add up to the variance of the value (infinitesimal jackknife:
Jaeckel 1972, Efron 1982 chapter 6), and the squared differences of two models' influences to the
variance of their difference on the same rows.

Small samples: squared deviations from a mean of n rows underestimate the variance by (n - 1) / n, so each influence is
multiplied by `sqrt(n / (n - 1))`. For a mean over all rows, n counts all rows. For a metric that depends on the
classes, n counts the rows of the row's own class, which makes the variance of the area under the ROC curve that of
DeLong, DeLong and Clarke-Pearson (1988). n counts rows rather than weight, as for a weighted mean in survey sampling
(Cochran 1977, 6.3).
"""

import math
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from promotion.metrics.arrays import Floats
from promotion.metrics.rows import ScoredRows
from promotion.metrics.scale import largest, root_of_squares

_HALF_A_ROW = math.sqrt(0.5)
"""The contribution of half a row to a standard error, which is the square root of a variance."""

_ROUNDING = 1e-14
"""Errors below this share of the value are rounding errors: influences have no more digits."""


class Over(Enum):
    """What the influence of an estimate ranges over; this decides how influences of groups are derived from it."""

    ROWS = auto()
    """One number per row, for a mean over all rows."""
    CLASSES = auto()
    """One number per row, for a metric that depends on the share of each class."""
    GIVEN = auto()
    """One number per row as the user's function returns it, without a small-sample factor."""
    GROUPS = auto()
    """One number per group: the change of the value without it."""
    REPLICATES = auto()
    """One number per bootstrap replicate."""


class Estimate(NamedTuple):
    """A metric's value, and the components of its error.

    Attributes:
        value: the value of the metric.
        influence: numbers with squares that add up to the variance of the value; the squared
            differences of two models add up likewise to the variance of their difference. One per
            row, shape `(n_rows,)`; for a bootstrapped metric, the replicates' deviations from their
            mean over `sqrt(n_replicates - 1)`, shape `(n_replicates,)`.
        one_row: the largest effect of a single row, if the value is a share of few rows and jumps
            from row to row.
        over: what the influence ranges over.
    """

    value: float
    influence: Floats
    one_row: float = 0.0
    over: Over = Over.ROWS

    @property
    def resampled(self) -> bool:
        """Whether the influence is something other than one number per row."""
        return self.over in {Over.GROUPS, Over.REPLICATES}

    @property
    def stderr(self) -> float:
        """Standard error of the value; for a share at least that of two rows, since a share of exactly 0 or 1 has none.

        For example, a share of 1 in 50 rows is shown to be above 0.934; the exact bound (Clopper and Pearson 1934) is
        0.942.
        """
        return max(root_of_squares(self.influence), 2 * self.one_row)


def paired_error(before: Estimate, after: Estimate, rows: ScoredRows, by_group: Floats | None = None) -> float:
    """Compute the standard error of the difference of two models' values on the same rows, if their scores differ.

    If the value is a share of few rows, the models may differ on a handful of them; three rows to
    zero in favour of the challenger would look certain, as would zero to zero. The variance is
    therefore increased by half the square of the largest difference, at least of one row: half an
    additional discordant row, in the spirit of Agresti and Min (2005), who add a half to each count
    of discordant rows.

    If the influences differ only by rounding, that half row is the whole error; 0 if it is zero as
    well.

    Args:
        before: one model's estimate.
        after: the other model's estimate.
        rows: one model's rows.
        by_group: the difference by group of rows, shape `(n_groups,)`; row by row when left out.
    """
    apart = after.influence - before.influence
    one_row = max(before.one_row, after.one_row)
    of_one_row = max(largest(apart), one_row) * _HALF_A_ROW if one_row else 0.0
    found = root_of_squares(apart if by_group is None else by_group, of_one_row)
    rounding = _ROUNDING * max(abs(before.value), abs(after.value))
    return found if found > rounding else _of_half_a_row(before, after, rows)


def _of_half_a_row(before: Estimate, after: Estimate, rows: ScoredRows) -> float:
    """Compute the error of half a row: from the largest influence on either value, at least its share of the value."""
    share = float(rows.weights.max() / rows.weights.sum())
    of_values = share * max(abs(before.value), abs(after.value))
    return max(of_values, largest(before.influence), largest(after.influence)) * _HALF_A_ROW


def of_all_rows(rows: ScoredRows, value: float, derivative: Floats) -> Estimate:
    """Build the estimate of a function of means over all rows from its derivatives by row weight, `(n_rows,)`."""
    influence = rows.weights * derivative
    influence *= raised(len(rows))
    return Estimate(float(value), influence)


def of_classes(rows: ScoredRows, value: float, derivative: Floats) -> Estimate:
    """Build the estimate of a metric that depends on class shares, from its derivatives by row weight, `(n_rows,)`."""
    influence = rows.weights * derivative
    for label, factor in enumerate(raised(np.array(rows.rows_per_class))):
        np.multiply(influence, factor, out=influence, where=rows.labels == label)
    return Estimate(float(value), influence, over=Over.CLASSES)


def mean_of_rows(rows: ScoredRows, losses: Floats, one_row: float = 0.0) -> Estimate:
    """Estimate the weighted mean of one number per row, `(n_rows,)`; its derivative is `(loss_i - mean) / sum of w`.

    Args:
        rows: the rows of the losses.
        losses: the number of each row.
        one_row: the change of a row's number, times its weight, if it jumps with the predicted
            class.
    """
    total = rows.weights.sum()
    shares = rows.weights / total
    value = (rows.weights * losses).sum() / total
    influence = losses - value
    influence *= shares
    influence *= raised(len(rows))
    return Estimate(float(value), influence, one_row / float(total))


def ratio_of_classes(rows: ScoredRows, part: Floats, whole: Floats, *, jump: float = 1.0) -> Estimate:
    """Estimate the weight of the rows in `part` over that in `whole`, both `(n_rows,)`, by the delta method.

    The derivative of `R = sum w part / sum w whole` is `(part_i - R whole_i) / sum w whole`.

    Args:
        rows: the rows of both arrays.
        part: contribution of each row to the numerator.
        whole: contribution of each row to the denominator.
        jump: the change of `part` when the predicted class of a row changes.
    """
    total = (rows.weights * whole).sum()
    value = (rows.weights * part).sum() / total
    return of_classes(rows, value, (part - value * whole) / total)._replace(
        one_row=float(jump * rows.weights.max() / total)
    )


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """Average several estimates on the same rows, e.g. one for each class."""
    value = sum(each.value for each in estimates) / len(estimates)
    influence = sum((each.influence for each in estimates), start=np.zeros(1)) / len(estimates)
    one_row = max(each.one_row for each in estimates) / len(estimates)
    return Estimate(value, influence, one_row, estimates[0].over)


def raised(count: "int | np.ndarray[tuple[int], np.dtype[np.intp]]") -> Floats:
    """Return the small-sample factor; 1 for a class of one row, which has no error."""
    return np.sqrt(count / np.maximum(np.subtract(count, 1), 1))

"""Values of metrics, and the influence of each row on them.

The influence of row i is `w_i * d value / d w_i`: how the value moves, to first order, with the row's weight. Its
squares add up to the variance of the value (infinitesimal jackknife: Jaeckel 1972, Efron 1982 chapter 6), and the
squares of the difference of two models' influences to the variance of their difference on the same rows.

Small samples: squared deviations from a mean of n rows fall short of the variance by (n - 1) / n, so each influence is
raised by `sqrt(n / (n - 1))`. What is a mean over all rows takes n of all rows; what depends on the classes takes, for
each row, the n of its own class, which makes the variance of the area under the ROC curve that of DeLong, DeLong and
Clarke-Pearson (1988). Rows are counted, not weighed, as for a weighted mean in survey sampling (Cochran 1977, 6.3).
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
"""Its share of a standard error, which is the root of a variance."""

_ROUNDING = 1e-14
"""An error that is smaller beside the value is none: influences have no more digits."""


class Over(Enum):
    """What an estimate's influence is over, which says how the influences of groups of rows are made from it."""

    ROWS = auto()
    """A number for each row, of a mean over all rows."""
    CLASSES = auto()
    """A number for each row, of what depends on the share of each class."""
    GIVEN = auto()
    """A number for each row as a user's own function gives it, without a factor for small samples."""
    GROUPS = auto()
    """A number for each group: what the value moves by without it."""
    REPLICATES = auto()
    """A number for each replicate of a bootstrap."""


class Estimate(NamedTuple):
    """A metric's value, and the parts of its error.

    Attributes:
        value: what the metric comes to.
        influence: numbers whose squares add up to the variance of the value; the difference of two models' makes up
            that of their difference. Each row's influence, shape `(n_rows,)`; or, of a bootstrapped metric, the
            replicates' deviations from their mean over `sqrt(n_replicates - 1)`, shape `(n_replicates,)`.
        one_row: what a single row may come to, where the value is a share of few rows and jumps from row to row.
        over: what the influence is over.
    """

    value: float
    influence: Floats
    one_row: float = 0.0
    over: Over = Over.ROWS

    @property
    def resampled(self) -> bool:
        """Whether the influence is not one number for each row."""
        return self.over in {Over.GROUPS, Over.REPLICATES}

    @property
    def stderr(self) -> float:
        """Standard error of the value; of a share never less than two rows, as one of exactly 0 or 1 would have none.

        A share of 1 in 50 rows is so shown to be above 0.934; the exact bound (Clopper and Pearson 1934) is 0.942.
        """
        return max(root_of_squares(self.influence), 2 * self.one_row)


def paired_error(before: Estimate, after: Estimate, rows: ScoredRows, by_group: Floats | None = None) -> float:
    """Standard error of the difference of two models' values on the same rows; for models whose scores differ.

    Where the value is a share of few rows, the models may differ on a handful of them, and three rows for the
    challenger against none would look certain, as would none against none. Half the square of the largest difference,
    and of one row at least, is added to the variance there: half a row more on which they differ, in the spirit of
    Agresti and Min (2005), who add a half to each count of such rows.

    Where no influence differs but for rounding, half a row more makes up the whole error; 0 where that is none either.

    Args:
        before: one model's estimate.
        after: the other's.
        rows: one model's.
        by_group: the difference by group of rows, shape `(n_groups,)`; row by row when left out.
    """
    apart = after.influence - before.influence
    one_row = max(before.one_row, after.one_row)
    of_one_row = max(largest(apart), one_row) * _HALF_A_ROW if one_row else 0.0
    found = root_of_squares(apart if by_group is None else by_group, of_one_row)
    rounding = _ROUNDING * max(abs(before.value), abs(after.value))
    return found if found > rounding else _of_half_a_row(before, after, rows)


def _of_half_a_row(before: Estimate, after: Estimate, rows: ScoredRows) -> float:
    """From what one row comes to: the largest influence on either value, and its share of the value at least."""
    share = float(rows.weights.max() / rows.weights.sum())
    of_values = share * max(abs(before.value), abs(after.value))
    return max(of_values, largest(before.influence), largest(after.influence)) * _HALF_A_ROW


def of_all_rows(rows: ScoredRows, value: float, derivative: Floats) -> Estimate:
    """A mean over all rows, or a function of such means, from its derivatives by each row's weight, `(n_rows,)`."""
    influence = rows.weights * derivative
    influence *= raised(len(rows))
    return Estimate(float(value), influence)


def of_classes(rows: ScoredRows, value: float, derivative: Floats) -> Estimate:
    """What depends on the share of each class, from its derivatives by each row's weight, `(n_rows,)`."""
    influence = rows.weights * derivative
    for label, factor in enumerate(raised(np.array(rows.rows_per_class))):
        np.multiply(influence, factor, out=influence, where=rows.labels == label)
    return Estimate(float(value), influence, over=Over.CLASSES)


def mean_of_rows(rows: ScoredRows, losses: Floats, one_row: float = 0.0) -> Estimate:
    """Weighted mean of a number per row, shape `(n_rows,)`; its derivative is `(loss_i - mean) / sum of w`.

    Args:
        rows: whose they are.
        losses: the numbers.
        one_row: what a row's number changes by, with its weight, where it jumps with the class that the model says.
    """
    total = rows.weights.sum()
    shares = rows.weights / total
    value = (rows.weights * losses).sum() / total
    influence = losses - value
    influence *= shares
    influence *= raised(len(rows))
    return Estimate(float(value), influence, one_row / float(total))


def ratio_of_classes(rows: ScoredRows, part: Floats, whole: Floats, *, jump: float = 1.0) -> Estimate:
    """Weight of the rows in `part` over that in `whole`, both `(n_rows,)`; by the delta method.

    The derivative of `R = sum w part / sum w whole` is `(part_i - R whole_i) / sum w whole`.

    Args:
        rows: whose they are.
        part: what each row adds above the line.
        whole: what it adds below.
        jump: what `part` changes by when the model says another class of a row.
    """
    total = (rows.weights * whole).sum()
    value = (rows.weights * part).sum() / total
    return of_classes(rows, value, (part - value * whole) / total)._replace(
        one_row=float(jump * rows.weights.max() / total)
    )


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The plain mean of several estimates on the same rows, e.g. of one for each class."""
    value = sum(each.value for each in estimates) / len(estimates)
    influence = sum((each.influence for each in estimates), start=np.zeros(1)) / len(estimates)
    one_row = max(each.one_row for each in estimates) / len(estimates)
    return Estimate(value, influence, one_row, estimates[0].over)


def raised(count: "int | np.ndarray[tuple[int], np.dtype[np.intp]]") -> Floats:
    """The small-sample factor; a class of one row, or of none, has no error and keeps its influence."""
    return np.sqrt(count / np.maximum(np.subtract(count, 1), 1))

"""Groups of dependent rows: their weights, and the correction of their summed influences.

Rows of one customer, terminal or day are not independent draws. Their influences are summed before they are squared
(Liang and Zeger 1986; for the area under the ROC curve Obuchowski 1997), which is accurate for many groups of about
equal weight. With few or unequal groups the sum of squares is too small, because a heavy group pulls the value towards
itself. Therefore each group's sum is divided by one minus its share s of the weight, which gives the change of the
value without the group, and the squares are multiplied by `1 - sum of s^2`:

    variance = (1 - sum s_g^2) * sum_g (U_g / (1 - s_g))^2

This is the delete-one-group jackknife with the factor that makes it unbiased, up to squares of s, both for independent
rows and for groups of identical rows (see ADR 22). With equal groups it equals the variance of the paired t-test on
the groups' means; with one row per group it equals the variance for single rows. For metrics that depend on the
classes, each row takes the group's share of the row's own class.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.errors import ConfigError, DataError, UnknownName, require_once
from promotion.metrics.arrays import TABLE, Columns, Floats, Index, column_names
from promotion.metrics.blocks import blocks_of, read_times
from promotion.metrics.bounds import AsEqual, Dependence, DrawnAs
from promotion.metrics.containers import is_missing, unmasked
from promotion.metrics.influence import raised
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Task

Codes = NDArray[np.intp]


class Leverage(NamedTuple):
    """Leverage of the groups, for all rows or class by class; s are the groups' shares of the weight.

    Attributes:
        factor: multiplies a group's sum of influences, `sqrt(1 - sum s^2) / (1 - s)`; shape `(n_groups, n_classes)`.
        effective: equivalent number of groups of equal weight, `1 / sum s^2`; for the class with the fewest.
        alone: whether one group has all the weight, of all rows or of a class, so that no error can be estimated.
        unequal: `sqrt(1 - sum s^2)`; for the class where it is largest.
        shortfall: factor by which a bootstrap of whole groups underestimates the standard error if the rows of a group
            agree, `1 / sqrt(1 - 2 sum s^3 / sum s^2 + sum s^2)`; for the class where it is largest.
    """

    factor: Floats
    effective: float
    alone: bool
    unequal: float
    shortfall: float


def leverage(weights: Floats) -> Leverage:
    """Compute the leverage of groups with these weights, shape `(n_groups, n_classes)`; skip empty classes."""
    totals = weights.sum(axis=0)
    shares = (weights / np.where(totals > 0, totals, 1.0))[:, totals > 0]
    squares, cubes = np.square(shares).sum(axis=0), (shares**3).sum(axis=0)
    factor = np.ones_like(weights)
    with np.errstate(all="ignore"):
        factor[:, totals > 0] = np.sqrt(1.0 - squares) / (1.0 - shares)
        lacking = 1.0 - 2.0 * cubes / squares + squares
    return Leverage(
        factor=factor,
        effective=float(1.0 / squares.max()),
        alone=bool((shares == 1.0).any()),
        unequal=float(np.sqrt(1.0 - squares.min())),
        shortfall=float(1.0 / np.sqrt(lacking.min())) if lacking.min() > 0 else 1.0,
    )


@dataclass(frozen=True, eq=False)
class Groups:
    """An assignment of dependent rows to groups.

    Attributes:
        codes: group of each row, counted from 0, shape `(n_rows,)`.
        classes: class of each row, shape `(n_rows,)`; all 0 in regression.
        weights: weight of each row, shape `(n_rows,)`.
        n_classes: number of classes; 1 in regression.
        binary: whether the task is binary.
        by: the name that the groups were given by.
        times: time of each row, shape `(n_rows,)`, if the groups are blocks of time that the caller did not request.
            The single-row error is then kept beside the block error.
        day: length of a day in the unit of the times; None if unknown.
        days: whole days per block.
    """

    codes: Codes
    classes: Codes
    weights: Floats
    n_classes: int
    binary: bool
    by: str | None = None
    times: Floats | None = None
    day: float | None = None
    days: int | None = None

    def take(self, index: Index) -> "Groups":
        """Return the groups of some of the rows. Blocks of time are rebuilt, so a slice by time also has several."""
        part = replace(self, codes=self.codes[index], classes=self.classes[index], weights=self.weights[index])
        if self.times is None:
            return replace(part, codes=in_use(part.codes))
        return part.in_blocks(self.times[index], self.day)

    def in_blocks(self, times: Floats, day: float | None) -> "Groups":
        """Return the same rows in blocks of time."""
        blocks = blocks_of(times, day)
        return replace(self, codes=in_use(blocks.codes), times=times, day=day, days=blocks.days)

    @property
    def beside_rows(self) -> bool:
        """Whether the single-row error is also computed; the larger half-width then counts."""
        return self.times is not None

    @cached_property
    def unequal_rows(self) -> bool:
        """Whether each group is a single row and the weights differ."""
        return self.count == len(self.codes) and bool(self.weights.min() != self.weights.max())

    @cached_property
    def count(self) -> int:
        """Number of groups."""
        return int(self.codes.max()) + 1

    @cached_property
    def cells(self) -> Codes:
        """Index of each row's group and class combined, shape `(n_rows,)`."""
        return self.codes if self.n_classes == 1 else self.codes * self.n_classes + self.classes

    @cached_property
    def of_classes(self) -> Leverage:
        """Leverage by the weight of each class."""
        return leverage(self._weight)

    @cached_property
    def of_rows(self) -> Leverage:
        """Leverage by the weight of all rows."""
        return leverage(self._weight.sum(axis=1, keepdims=True))

    @cached_property
    def _weight(self) -> Floats:
        return self.by_cell(self.weights)

    def by_cell(self, numbers: Floats) -> Floats:
        """Sum a number of each row by group and class, shape `(n_groups, n_classes)`."""
        sums = np.bincount(self.cells, numbers, self.count * self.n_classes)
        return sums.reshape(self.count, self.n_classes).astype(np.float64, copy=False)

    @cached_property
    def raised(self) -> Floats:
        """Factor by which `influence` raised the influences of each class; shape `(n_classes,)`."""
        return raised(np.bincount(self.classes, minlength=self.n_classes))

    @property
    def dependence(self) -> Dependence:
        """The assumed dependence as a value to record."""
        few = (self.of_rows, self.of_classes) if self.binary else (self.of_rows,)
        return Dependence(
            drawn_as=DrawnAs.BLOCKS if self.beside_rows else DrawnAs.GROUPS,
            by=self.by,
            count=self.count,
            effective=min(each.effective for each in few),
            days=self.days,
        )


def in_use(codes: Codes) -> Codes:
    """Renumber the codes without gaps, in the same order."""
    found = np.flatnonzero(np.bincount(codes))
    if len(found) == int(codes.max()) + 1:
        return codes
    places = np.zeros(int(codes.max()) + 1, dtype=np.intp)
    places[found] = np.arange(len(found))
    return places[codes]


class Asked(NamedTuple):
    """The arguments of `compare` and `measure` on how rows depend on each other; see there."""

    groups: ArrayLike | str | None = None
    time: ArrayLike | str | None = None
    day: float | None = None
    dependence: str = "auto"


def read_groups(
    asked: Asked, rows: ScoredRows, kept: NDArray[np.bool_], columns: Columns | None
) -> tuple[Groups | None, Dependence | None]:
    """Return the groups or blocks of the rows, if any, and the dependence to record.

    Args:
        asked: the requested groups, times and dependence.
        rows: one model's rows, only those with weight.
        kept: mask of the rows with weight, among all given rows.
        columns: the columns that names refer to.

    Raises:
        ConfigError: the dependence is not a known one, or contradicts the groups.
        UnknownName: there is no such column.
        DataError: there is not one group or time per row, or the values cannot be told apart.
    """
    if asked.dependence not in {"auto", "independent"}:
        raise ConfigError(f"The dependence must be auto or independent, but is '{asked.dependence}'.")
    if asked.dependence == "independent":
        if asked.groups is not None:
            raise ConfigError("Groups were named and rows called independent. Leave out one of the two.")
        return None, Dependence(drawn_as=DrawnAs.INDEPENDENT)
    if asked.groups is not None:
        codes = in_use(factorised(_column("groups", asked.groups, columns, len(kept)))[kept])
        made = replace(_ungrouped(rows), codes=codes, by=_name(asked.groups))
    elif asked.time is not None:
        times, day = read_times(_column("times", asked.time, columns, len(kept)), asked.day)
        made = _ungrouped(rows).in_blocks(times[kept], day)
    else:
        return None, None
    return made, made.dependence


def _name(groups: ArrayLike | str) -> str | None:
    """Return the name of the column or Series."""
    name = groups if isinstance(groups, str) else getattr(groups, "name", None)
    return name if isinstance(name, str) else None


def _ungrouped(rows: ScoredRows) -> Groups:
    """Return all rows as one group."""
    regression, nothing = rows.task is Task.REGRESSION, np.zeros(len(rows), dtype=np.intp)
    return Groups(
        codes=nothing,
        classes=nothing if regression else rows.labels.astype(np.intp),
        weights=rows.weights,
        n_classes=1 if regression else rows.n_classes,
        binary=rows.task is Task.BINARY,
    )


def single_rows(rows: ScoredRows) -> Groups:
    """Return each row as its own group: a heavy row among unequal weights acts like a heavy group."""
    return replace(_ungrouped(rows), codes=np.arange(len(rows), dtype=np.intp))


def as_equal(rows: ScoredRows) -> AsEqual | None:
    """Return the effective number of equally weighted rows; None if all weights are equal."""
    if not rows.unequal:
        return None
    of_class = [_effective(rows.weights[rows.labels == label]) for label in (1, 0)] if rows.task is Task.BINARY else []
    return AsEqual(_effective(rows.weights), *of_class)


def _effective(weights: Floats) -> float:
    if not weights.any():
        return 0.0
    shares = weights / weights.max()  # squares of these neither overflow nor all underflow
    return float(shares.sum() ** 2 / np.square(shares).sum())


def _column(what: str, given: ArrayLike | str, columns: Columns | None, n_rows: int) -> NDArray[Any]:
    """Return the given values of the rows, or those of the named column."""
    every: Any = {} if columns is None else columns
    if isinstance(given, str):
        if given not in every:
            known = tuple(map(str, column_names(columns)))
            raise UnknownName("column", given, known, hint="" if known else "Give it among the columns.")
        require_once(given, column_names(columns), TABLE)
    values = every[given] if isinstance(given, str) else given
    # NumPy would turn a list of words and NaN into text, with the word 'nan'.
    found = np.asarray(values, dtype=object) if isinstance(values, list | tuple) else unmasked(values)
    if found.shape != (n_rows,):
        named = f"column '{given}'" if isinstance(given, str) else what
        raise DataError(
            f"The {named} must hold one value for each of the {n_rows:,} labels, but the shape is {found.shape}."
        )
    return found


def factorised(values: NDArray[Any]) -> Codes:
    """Number the values from 0, equal values alike, shape `(n_rows,)`; all missing values are one group.

    Raises:
        DataError: a value cannot be compared for equality, e.g. a list.
    """
    if values.dtype.kind in "biu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * len(values):  # avoids a sort, which would take most of the time here
            wide = np.uint64 if values.dtype.kind == "u" else np.int64
            codes: Codes = (values.astype(wide) - wide(low)).astype(np.intp)
            return codes
    if values.dtype.kind in "biufMm":
        return np.unique(values, return_inverse=True)[1]
    given = values.tolist()
    one_type = len(set(map(type, given))) == 1
    keys = given if one_type else list(zip(map(type, given), given, strict=True))  # keeps True apart from 1
    try:
        distinct = dict(zip(keys, given, strict=True))
    except TypeError as error:
        raise DataError(f"Groups must be words, numbers or the like, but one is not ({error}).") from error
    places = {key: 0 if is_missing(value) else place for place, (key, value) in enumerate(distinct.items(), start=1)}
    return np.fromiter(map(places.__getitem__, keys), np.intp, len(keys))

"""Rows that belong together: what a group of them weighs, and what their influences come to.

Rows of one customer, terminal or day are not draws of their own. Their influences are summed before they are squared
(Liang and Zeger 1986; for the area under the ROC curve Obuchowski 1997), which is right for many groups of about equal
weight. With few or unequal ones the sum of squares falls short, since a heavy group pulls the value towards itself. So
each group's sum is divided by one less its share s of the weight, which makes it what the value would move by without
the group, and the squares are taken times `1 - sum of s^2`:

    variance = (1 - sum s_g^2) * sum_g (U_g / (1 - s_g))^2

This is the delete-one-group jackknife with the factor that makes it unbiased, up to squares of s, both for rows that do
not depend on each other and for groups whose rows all say the same (see ADR 22); with equal groups it is the variance
of the paired t-test on the groups' means, and with each row a group of its own that of single rows. What depends on
the classes takes, for each row, the share of its own class.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promotion.errors import ConfigError, DataError, UnknownName, require_once
from promotion.metrics.arrays import TABLE, Columns, Floats, Index, names_of
from promotion.metrics.blocks import blocks_of, read_times
from promotion.metrics.bounds import AsEqual, Dependence, DrawnAs
from promotion.metrics.containers import is_missing, unmasked
from promotion.metrics.influence import raised
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Task

Codes = NDArray[np.intp]


class Leverage(NamedTuple):
    """What groups weigh, of all rows or class by class; s are a group's shares of the weight.

    Attributes:
        factor: of a group's sum of influences, `sqrt(1 - sum s^2) / (1 - s)`; shape `(n_groups, n_classes)`.
        effective: how many groups of equal weight would tell as much, `1 / sum s^2`; of the class with the fewest.
        alone: whether one group has all the weight, of all rows or of a class, so that there is no error to be told.
        unequal: `sqrt(1 - sum s^2)`; of the class where it is largest.
        shortfall: what a bootstrap of whole groups lacks in the standard error where rows of a group agree, `1 / sqrt(1
            - 2 sum s^3 / sum s^2 + sum s^2)`; of the class where it is largest.
    """

    factor: Floats
    effective: float
    alone: bool
    unequal: float
    shortfall: float


def leverage(weights: Floats) -> Leverage:
    """Of groups of these weights, shape `(n_groups, n_classes)`; a class without weight is left out."""
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
    """Rows that belong together.

    Attributes:
        codes: which group each row is in, counted from 0, shape `(n_rows,)`.
        classes: the class of each row, shape `(n_rows,)`; all 0 in regression.
        weights: shape `(n_rows,)`.
        n_classes: how many classes there are; 1 in regression.
        binary: whether the task is binary.
        by: what they were named by.
        times: of the rows, shape `(n_rows,)`, where these are blocks of time that nobody asked for: then the error of
            single rows is kept beside that of the blocks.
        day: how long a day is in the times' unit; None where that is unknown.
        days: whole days to a block.
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
        """The same for some of the rows; their blocks of time are their own, so that a slice by time has some too."""
        part = replace(self, codes=self.codes[index], classes=self.classes[index], weights=self.weights[index])
        if self.times is None:
            return replace(part, codes=in_use(part.codes))
        return part.in_blocks(self.times[index], self.day)

    def in_blocks(self, times: Floats, day: float | None) -> "Groups":
        """The same rows in blocks of time."""
        blocks = blocks_of(times, day)
        return replace(self, codes=in_use(blocks.codes), times=times, day=day, days=blocks.days)

    @property
    def beside_rows(self) -> bool:
        """Whether single rows are asked too, and the larger half-width decides."""
        return self.times is not None

    @cached_property
    def unequal_rows(self) -> bool:
        """Whether each is a single row, and some weigh more than others."""
        return self.count == len(self.codes) and bool(self.weights.min() != self.weights.max())

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return int(self.codes.max()) + 1

    @cached_property
    def cells(self) -> Codes:
        """Which group and class each row is in, shape `(n_rows,)`."""
        return self.codes if self.n_classes == 1 else self.codes * self.n_classes + self.classes

    @cached_property
    def of_classes(self) -> Leverage:
        """By each class's weight."""
        return leverage(self._weight)

    @cached_property
    def of_rows(self) -> Leverage:
        """By the weight of all rows."""
        return leverage(self._weight.sum(axis=1, keepdims=True))

    @cached_property
    def _weight(self) -> Floats:
        return self.by_cell(self.weights)

    def by_cell(self, numbers: Floats) -> Floats:
        """Sums of a number for each row, shape `(n_groups, n_classes)`."""
        sums = np.bincount(self.cells, numbers, self.count * self.n_classes)
        return sums.reshape(self.count, self.n_classes).astype(np.float64, copy=False)

    @cached_property
    def raised(self) -> Floats:
        """What the influences of each class were raised by, see `influence`; shape `(n_classes,)`."""
        return raised(np.bincount(self.classes, minlength=self.n_classes))

    @property
    def dependence(self) -> Dependence:
        """How rows are taken to depend on each other, as a value to keep."""
        few = (self.of_rows, self.of_classes) if self.binary else (self.of_rows,)
        return Dependence(
            drawn_as=DrawnAs.BLOCKS if self.beside_rows else DrawnAs.GROUPS,
            by=self.by,
            count=self.count,
            effective=min(each.effective for each in few),
            days=self.days,
        )


def in_use(codes: Codes) -> Codes:
    """The codes without gaps, in the same order."""
    found = np.flatnonzero(np.bincount(codes))
    if len(found) == int(codes.max()) + 1:
        return codes
    places = np.zeros(int(codes.max()) + 1, dtype=np.intp)
    places[found] = np.arange(len(found))
    return places[codes]


class Asked(NamedTuple):
    """What `compare` and `measure` are told of how rows depend on each other; see there."""

    groups: ArrayLike | str | None = None
    time: ArrayLike | str | None = None
    day: float | None = None
    dependence: str = "auto"


def read_groups(
    asked: Asked, rows: ScoredRows, kept: NDArray[np.bool_], columns: Columns | None
) -> tuple[Groups | None, Dependence | None]:
    """The groups or blocks of the rows, where there are any, and what to keep of them.

    Args:
        asked: what was asked for.
        rows: one model's, of those that have weight.
        kept: which rows have weight, of all that were given.
        columns: where names are looked up.

    Raises:
        ConfigError: the dependence is none that we know, or contradicts the groups.
        UnknownName: there is no such column.
        DataError: groups or times are not one for each row, or not of a kind that can be told apart.
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
    """The column's, or that of a Series."""
    name = groups if isinstance(groups, str) else getattr(groups, "name", None)
    return name if isinstance(name, str) else None


def _ungrouped(rows: ScoredRows) -> Groups:
    """All rows in one group."""
    regression, nothing = rows.task is Task.REGRESSION, np.zeros(len(rows), dtype=np.intp)
    return Groups(
        codes=nothing,
        classes=nothing if regression else rows.labels.astype(np.intp),
        weights=rows.weights,
        n_classes=1 if regression else rows.n_classes,
        binary=rows.task is Task.BINARY,
    )


def single_rows(rows: ScoredRows) -> Groups:
    """Each row a group of its own: how rows of unequal weight are judged, as a heavy one pulls like a heavy group."""
    return replace(_ungrouped(rows), codes=np.arange(len(rows), dtype=np.intp))


def as_equal(rows: ScoredRows) -> AsEqual | None:
    """How many rows of equal weight would tell as much; None where all weigh the same."""
    if not rows.unequal:
        return None
    of_class = [_effective(rows.weights[rows.labels == label]) for label in (1, 0)] if rows.task is Task.BINARY else []
    return AsEqual(_effective(rows.weights), *of_class)


def _effective(weights: Floats) -> float:
    if not weights.any():
        return 0.0
    shares = weights / weights.max()  # whose squares neither overflow nor vanish altogether
    return float(shares.sum() ** 2 / np.square(shares).sum())


def _column(what: str, given: ArrayLike | str, columns: Columns | None, n_rows: int) -> NDArray[Any]:
    """The values of the rows: those given, or those of the column that is named."""
    every: Any = {} if columns is None else columns
    if isinstance(given, str):
        if given not in every:
            known = tuple(map(str, names_of(columns)))
            raise UnknownName("column", given, known, hint="" if known else "Give it among the columns.")
        require_once(given, names_of(columns), TABLE)
    values = every[given] if isinstance(given, str) else given
    # From a list of words and NaN, NumPy would make the word 'nan'.
    found = np.asarray(values, dtype=object) if isinstance(values, list | tuple) else unmasked(values)
    if found.shape != (n_rows,):
        named = f"column '{given}'" if isinstance(given, str) else what
        raise DataError(
            f"The {named} must hold one value for each of the {n_rows:,} labels, but the shape is {found.shape}."
        )
    return found


def factorised(values: NDArray[Any]) -> Codes:
    """A number from 0 up for each value, equal for equal ones, shape `(n_rows,)`; all that are missing are one group.

    Raises:
        DataError: a value cannot be told from others, as a list cannot.
    """
    if values.dtype.kind in "biu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * len(values):  # no sort, which takes longer than all else here
            wide = np.uint64 if values.dtype.kind == "u" else np.int64
            codes: Codes = (values.astype(wide) - wide(low)).astype(np.intp)
            return codes
    if values.dtype.kind in "biufMm":
        return np.unique(values, return_inverse=True)[1]
    given = values.tolist()
    one_type = len(set(map(type, given))) == 1
    keys = given if one_type else list(zip(map(type, given), given, strict=True))  # True is not 1
    try:
        distinct = dict(zip(keys, given, strict=True))
    except TypeError as error:
        raise DataError(f"Groups must be words, numbers or the like, but one is not ({error}).") from error
    places = {key: 0 if is_missing(value) else place for place, (key, value) in enumerate(distinct.items(), start=1)}
    return np.fromiter(map(places.__getitem__, keys), np.intp, len(keys))

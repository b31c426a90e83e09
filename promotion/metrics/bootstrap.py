"""Standard errors by resampling, for metrics without a known influence function.

Poisson bootstrap (Hanley and MacGibbon 2006; Chamandy et al. 2012): each replicate counts every row
a Poisson(1) number of times and rescales the weights to keep their sum. The counts depend only on a
fixed seed and the row's position. The champion and the challenger of a comparison therefore see the
same replicates, and the standard deviation of the difference of their replicates is the paired
standard error of the gain. Replicates are drawn one block at a time, so memory is linear in the
rows.

Grouped rows: up to `REPLICATES` groups are left out in turn (delete-one-group jackknife, Efron 1982 chapter 3), which
costs no more and shows the weight of each group. With more groups, each group is drawn as a row would be.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.metrics.arrays import Floats
from promotion.metrics.influence import Estimate, Over
from promotion.metrics.rows import ScoredRows

REPLICATES = 300
"""Number of replicates; a standard error estimated from 300 has itself an error of `1 / sqrt(2 * 300)`, 4 %."""

FEWEST_ROWS = 20
"""Minimum rows of each class; with fewer, a replicate without any is no longer negligible (at 20: exp(-20) = 2e-9)."""

Counts: TypeAlias = NDArray[np.uint8]
"""How often each row counts in each replicate, shape `(n_replicates, n_rows)`."""

_SEED = 20260101
_BLOCK = 2**22  # approximate number of counts drawn at a time (4 MiB)
_LEVELS = 2**16


def bootstrapped(rows: ScoredRows, value: float, of_replicates: Callable[[Counts], Floats]) -> Estimate:
    """Estimate a metric that `of_replicates` recomputes for each replicate, shape `(n_replicates,)`."""
    groups = rows.groups
    if groups is None:
        return Estimate(float(value), _deviations(of_replicates, replicates(len(rows))), over=Over.REPLICATES)
    if groups.of_classes.alone:  # the error cannot be estimated; the caller reports this
        return Estimate(float(value), np.zeros(1), over=Over.GROUPS)
    if groups.count > REPLICATES:
        drawn = (counts[:, groups.codes] for counts in replicates(groups.count, len(rows)))
        influence = _deviations(of_replicates, drawn) * groups.of_classes.shortfall
        return Estimate(float(value), influence, over=Over.REPLICATES)
    without = np.concatenate([of_replicates(counts) for counts in _without_each(groups.codes, groups.count)])
    return Estimate(float(value), (value - without) * groups.of_rows.unequal, over=Over.GROUPS)


def _deviations(of_replicates: Callable[[Counts], Floats], drawn: Iterable[Counts]) -> Floats:
    values = np.concatenate([of_replicates(counts) for counts in drawn])
    deviations: Floats = (values - values.mean()) / math.sqrt(len(values) - 1)
    return deviations


def _without_each(codes: NDArray[np.intp], count: int) -> Iterator[Counts]:
    """Yield the counts that leave out each group in turn, one block of groups at a time."""
    size = max(1, _BLOCK // len(codes))
    for start in range(0, count, size):
        left_out = np.arange(start, min(start + size, count))
        yield (codes != left_out[:, None]).astype(np.uint8)


def replicates(count: int, n_rows: int = 0) -> Iterator[Counts]:
    """Yield blocks of `REPLICATES` replicates: the counts of `count` units, always the same for the same `count`.

    The units are rows; or, if `n_rows` is given, groups with that many rows in total.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    size = max(1, _BLOCK // max(count, n_rows))
    for start in range(0, REPLICATES, size):
        shape = (min(size, REPLICATES - start), count)
        yield _POISSON[generator.integers(0, _LEVELS, shape, dtype=np.uint16)]


def by_bootstrap(rows: ScoredRows, value: Callable[[Floats, Floats, Floats], float]) -> Estimate:
    """Bootstrap any function of labels, scores and weights. It receives only the rows that count in a replicate."""
    given = rows.given_weights

    def of_replicate(counts: NDArray[np.uint8]) -> float:
        drawn = counts > 0
        weights = (given * counts)[drawn]
        return float(value(rows.labels[drawn], rows.scores[drawn], weights * (given.sum() / weights.sum())))

    point = value(rows.labels, rows.scores, given)
    return bootstrapped(rows, point, lambda counts: np.array([of_replicate(each) for each in counts]))


def _poisson_by_level() -> Counts:
    """Tabulate Poisson(1) numbers at equally likely levels: looking them up is ten times as fast as drawing each."""
    below = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(12)])
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    return np.searchsorted(below, levels).astype(np.uint8)


_POISSON = _poisson_by_level()

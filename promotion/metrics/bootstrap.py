"""Standard errors by resampling, for metrics of which no influence is known.

Poisson bootstrap (Hanley and MacGibbon 2006; Chamandy et al. 2012): in each replicate every row counts as often as a
Poisson number of mean 1 says, and the weights are scaled to keep their sum. The numbers follow from a fixed seed and
the position of the row alone, so the champion and the challenger of a comparison see the same replicates, and the
standard deviation of the difference of their replicates is the paired standard error of the gain. Replicates are drawn
a block at a time: memory is linear in the rows.

Rows in groups: up to `REPLICATES` of them are left out in turn (delete-one-group jackknife, Efron 1982 chapter 3),
which takes no more work and tells how heavy each is; of more groups each is drawn as a row would be.
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
"""A standard error from these is itself off by `1 / sqrt(2 * 300)`, 4 % of it."""

FEWEST_ROWS = 20
"""Of each class; with fewer, a replicate without any is no longer out of the question (exp(-20) is 2e-9)."""

Counts: TypeAlias = NDArray[np.uint8]
"""How often each row counts in each replicate, shape `(n_replicates, n_rows)`."""

_SEED = 20260101
_BLOCK = 2**22  # numbers drawn at a time, about; 4 MiB of counts
_LEVELS = 2**16


def bootstrapped(rows: ScoredRows, value: float, of_replicates: Callable[[Counts], Floats]) -> Estimate:
    """The estimate with the error of a metric that is worked out anew for each replicate, `(n_replicates,)`."""
    groups = rows.groups
    if groups is None:
        return Estimate(float(value), _deviations(of_replicates, replicates(len(rows))), over=Over.REPLICATES)
    if groups.of_classes.alone:  # no error can be told; whoever asks for it says so
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
    """All rows but those of each group in turn, a block of groups at a time."""
    size = max(1, _BLOCK // len(codes))
    for start in range(0, count, size):
        left_out = np.arange(start, min(start + size, count))
        yield (codes != left_out[:, None]).astype(np.uint8)


def replicates(count: int, n_rows: int = 0) -> Iterator[Counts]:
    """Blocks of replicates, `REPLICATES` in all: how often each of so many counts, the same for the same number.

    They are so many rows; or groups, of so many rows in all.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    size = max(1, _BLOCK // max(count, n_rows))
    for start in range(0, REPLICATES, size):
        shape = (min(size, REPLICATES - start), count)
        yield _POISSON[generator.integers(0, _LEVELS, shape, dtype=np.uint16)]


def by_bootstrap(rows: ScoredRows, value: Callable[[Floats, Floats, Floats], float]) -> Estimate:
    """Any function of labels, scores and weights; it sees the rows that count in a replicate, and only those."""
    given = rows.given_weights

    def of_replicate(counts: NDArray[np.uint8]) -> float:
        drawn = counts > 0
        weights = (given * counts)[drawn]
        return float(value(rows.labels[drawn], rows.scores[drawn], weights * (given.sum() / weights.sum())))

    point = value(rows.labels, rows.scores, given)
    return bootstrapped(rows, point, lambda counts: np.array([of_replicate(each) for each in counts]))


def _poisson_by_level() -> Counts:
    """Poisson numbers of mean 1 at equally likely levels: a table to look up beats drawing each by a factor of ten."""
    below = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(12)])
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    return np.searchsorted(below, levels).astype(np.uint8)


_POISSON = _poisson_by_level()

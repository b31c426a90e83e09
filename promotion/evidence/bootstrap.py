"""Standard errors by resampling, for metrics of which no influence is known.

Poisson bootstrap (Hanley and MacGibbon 2006; Chamandy et al. 2012): in each replicate every row counts as often as a
Poisson number of mean 1 says, and the weights are scaled to keep their sum. The numbers follow from a fixed seed and
the position of the row alone, so the champion and the challenger of a comparison see the same replicates, and the
standard deviation of the difference of their replicates is the paired standard error of the gain. Replicates are drawn
a block at a time: memory is linear in the rows.
"""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from promotion.evidence.arrays import Floats
from promotion.evidence.influence import Estimate
from promotion.evidence.rows import ScoredRows

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
    values = np.concatenate([of_replicates(counts) for counts in replicates(len(rows))])
    return Estimate(float(value), (values - values.mean()) / math.sqrt(len(values) - 1))


def replicates(n_rows: int) -> Iterator[Counts]:
    """Blocks of replicates, the same for the same number of rows; `REPLICATES` in all."""
    generator = np.random.Generator(np.random.PCG64(_SEED))
    size = max(1, _BLOCK // n_rows)
    for start in range(0, REPLICATES, size):
        shape = (min(size, REPLICATES - start), n_rows)
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

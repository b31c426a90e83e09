"""Rows grouped by equal score: the one sort that all rank metrics share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from promotion.metrics.arrays import Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows grouped by equal score, groups ascending: all that a rank metric needs.

    Attributes:
        group: index of each row's group, shape `(n_rows,)`.
        scores: score of each group, ascending, shape `(n_groups,)`.
        positives: weight of the positives in each group, shape `(n_groups,)`.
        negatives: weight of the negatives in each group, shape `(n_groups,)`.
    """

    group: NDArray[np.intp]
    scores: Floats
    positives: Floats
    negatives: Floats


def grouped(scores: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the distinct scores, ascending, and each row's index among them; like `np.unique` in half the time."""
    order = _ascending(scores.astype(np.float64, copy=False))
    ordered = scores[order]
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    places = np.cumsum(is_first)
    places -= 1
    group = np.empty_like(order)
    group[order] = places
    return ordered[is_first].astype(np.float64, copy=False), group


def _ascending(scores: Floats) -> NDArray[np.intp]:
    """Return the positions of the rows from the lowest score to the highest, shape `(n_rows,)`.

    This takes half the time of `np.argsort`, which looks up each score it compares and so misses the processor's
    caches. Read as integers, doubles keep their order once the order of the negative ones is reversed. The row's
    position is stored in the lowest bits; rows that differ only in those bits are sorted separately.
    """
    keys = scores.copy().view(np.int64)
    keys[keys < 0] ^= np.iinfo(np.int64).max
    room = (1 << (len(keys) - 1).bit_length()) - 1
    keys &= ~room
    keys |= np.arange(len(keys))
    keys.sort()
    alike = (keys[1:] ^ keys[:-1]) <= room
    keys &= room
    close = np.flatnonzero(np.append(False, alike) | np.append(alike, False))
    rows = keys[close]
    keys[close] = rows[np.argsort(scores[rows], kind="stable")]
    return keys

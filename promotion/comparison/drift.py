"""How far a column's values have moved from one set of rows to another."""

import numpy as np
from numpy.typing import NDArray

from promotion.comparison.summaries import DECILES, LEAST_SHARE
from promotion.metrics.arrays import Floats

NOTABLE = 0.25
"""From here on a shift is called a significant one (Siddiqi 2006, Credit Risk Scorecards)."""


def stability_index(before: Floats, after: Floats) -> float:
    """Population stability index of numbers, over the deciles of those before; NaN is a bin of its own.

    `sum (q - p) ln(q / p)` over the shares p before and q after, with the customary floor under empty bins.

    Args:
        before: shape `(n_before,)`.
        after: shape `(n_after,)`.
    """
    deciles = np.arange(1, DECILES) / DECILES
    edges: Floats = np.unique(np.nanquantile(before, deciles)) if np.isfinite(before).any() else np.empty(0)
    return shares_index(*(_bins(values, edges) for values in (before, after)))


def shares_index(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """The index of numbered bins, one per row."""
    bins = int(max(before.max(initial=0), after.max(initial=0))) + 1
    p, q = ((np.bincount(each, minlength=bins) / len(each)).clip(min=LEAST_SHARE) for each in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def _bins(values: Floats, edges: Floats) -> NDArray[np.int64]:
    found = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, found).astype(np.int64)

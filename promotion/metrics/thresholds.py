"""Metrics at a cut-off that the rows themselves determine: the highest-scored rows, down to where a limit is met.

The cut-off varies from sample to sample, and its effect on the value depends on how many positives
lie near it. That slope is taken over the range in which sampling moves the cut-off, one standard
error to either side, and gives `recall_at_fpr` and `precision_at_k` an influence (in simulations it
is conservative with few rows; see the tests). For `recall_at_precision`, the precision near the
cut-off may cross its limit many times, so its error is bootstrapped: rows are sorted once, and each
replicate is a running sum over the top of that order.

P and Q are the weights of the positives and of the negatives, W that of all rows.
"""

from dataclasses import dataclass

import numpy as np

from promotion.metrics.arrays import Floats
from promotion.metrics.bootstrap import Counts, bootstrapped
from promotion.metrics.influence import Estimate, of_all_rows, of_classes
from promotion.metrics.rows import ScoredRows

_ROUNDING = 1e-9
"""Sums of weights that differ by less than this share count as equal."""

_FIRST_DEPTH = 256  # groups of equal score; doubled while a replicate needs more


def recall_at_fpr(rows: ScoredRows, fpr: float) -> Estimate:
    """The largest share of positives above a cut-off that has at most the share `fpr` of the negatives above it.

    With `a_i` 1 above the cut-off and 0 below, and b the positives per negative near it, the derivative is
    `(a_i - recall) / P` for a positive and `-b (a_i - fpr) / P` for a negative, which moves the cut-off.
    """
    true, false = _falling(rows.ranking.positives), _falling(rows.ranking.negatives)
    limit = fpr * false[-1]
    selected_groups = int(np.searchsorted(false, limit * (1 + _ROUNDING), side="right")) - 1
    above = (rows.ranking.group >= len(true) - 1 - selected_groups).astype(np.float64)
    value = true[selected_groups] / true[-1]
    slope = _slope(false, true, limit, _typical(rows.weights[rows.labels == 0]))
    derivative = np.where(rows.labels == 1, above - value, -slope * (above - fpr)) / true[-1]
    return of_classes(rows, value, derivative)._replace(one_row=float(rows.weights.max() / true[-1]))


def precision_at_k(rows: ScoredRows, k: float) -> Estimate:
    """The share of positives among the k highest-scored rows; k counts weight if rows have weights.

    If rows tie at rank k, each counts with the fraction that completes k, which is the average over random orders of
    the tied rows. With `a_i` the fraction of row i that counts, and b the share of positives near the cut-off, the
    derivative is `(a_i (y_i - b) + (b - precision) k / W) / k`: k stands for the share k / W of all rows.
    """
    k = k / rows.unit
    true = _falling(rows.ranking.positives)
    selected = true + _falling(rows.ranking.negatives)
    value = np.interp(k, selected, true) / k
    taken = np.clip((k - selected[:-1]) / np.diff(selected), 0.0, 1.0)[::-1][rows.ranking.group]
    slope = _slope(selected, true, k, _typical(rows.weights))
    return of_all_rows(rows, value, (taken * (rows.labels - slope) + (slope - value) * k / selected[-1]) / k)


def recall_at_precision(rows: ScoredRows, precision: float) -> Estimate:
    """The largest recall at a cut-off whose precision is at least `precision`.

    It is 0 (select nothing) if no cut-off is precise enough. The error is bootstrapped.
    """
    sorted_rows = _SortedRows(rows)
    whole = sorted_rows.curve(np.ones((1, len(rows)), np.uint8), sorted_rows.n_groups)
    depth = _FIRST_DEPTH

    def of_replicates(counts: Counts) -> Floats:
        nonlocal depth
        while not (curve := sorted_rows.curve(counts, depth)).settles(precision) and depth < sorted_rows.n_groups:
            depth *= 2
        return curve.recall_at(precision)

    return bootstrapped(rows, float(whole.recall_at(precision)[0]), of_replicates)


def _falling(weights: Floats) -> Floats:
    """Running sum from the highest score down, starting from no group; shape `(n_groups + 1,)`."""
    return np.append(0.0, np.cumsum(weights[::-1]))


def _slope(along: Floats, positives: Floats, at: float, typical: float) -> float:
    """Positives per unit of `along` near a cut-off, over one standard error of its place and one row to either side."""
    reach = np.sqrt(at * typical * max(1 - at / along[-1], 0.0)) + typical
    low, high = max(at - reach, 0.0), min(at + reach, float(along[-1]))
    below, above = np.interp([low, high], along, positives)
    return float((above - below) / (high - low))


def _typical(weights: Floats) -> float:
    """The average row weight, weighted by weight: the variance of a sum of weights over that sum."""
    return float(np.square(weights).sum() / weights.sum())


@dataclass(frozen=True, eq=False)
class _Curve:
    """Totals above each possible cut-off, best scores first, in one or more replicates.

    Attributes:
        true: weight of the positives scored as high or higher than each group, shape
            `(n_replicates, n_groups)`.
        selected: weight of all such rows, same shape.
        positives: weight of all positives, shape `(n_replicates, 1)`.
    """

    true: Floats
    selected: Floats
    positives: Floats

    def settles(self, precision: float) -> bool:
        """Return whether groups further down could not be precise enough even if they held every positive."""
        return bool((precision * self.selected[:, -1:] > self.positives * (1 + _ROUNDING)).all())

    def recall_at(self, precision: float) -> Floats:
        """Return the largest recall among the cut-offs that are precise enough, shape `(n_replicates,)`."""
        enough = self.true >= precision * (1 - _ROUNDING) * self.selected
        recall: Floats = np.where(enough, self.true, 0.0).max(axis=1) / self.positives[:, 0]
        return recall


class _SortedRows:
    """Rows by descending score, for replicate curves down to a requested depth."""

    def __init__(self, rows: ScoredRows) -> None:
        self._order = np.argsort(-rows.scores, kind="stable")
        falling = rows.scores[self._order]
        self._ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
        self._weights = rows.weights
        self._where_positive = np.flatnonzero(rows.labels)
        self._of_positive = rows.weights * rows.labels

    @property
    def n_groups(self) -> int:
        return len(self._ends)

    def curve(self, counts: Counts, n_groups: int) -> _Curve:
        """Return the curve down to the given group."""
        ends = self._ends[:n_groups]
        top = self._order[: ends[-1] + 1]
        drawn = counts[:, top]
        positives = counts[:, self._where_positive] @ self._weights[self._where_positive]
        true = np.cumsum(drawn * self._of_positive[top], axis=1)[:, ends]
        selected = np.cumsum(drawn * self._weights[top], axis=1)[:, ends]
        return _Curve(true, selected, positives[:, None])

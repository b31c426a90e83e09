"""Metrics of a cut-off that the rows themselves set: the rows scored highest, down to where a limit is met.

Rows of equal score are on the same side of a cut-off, but for `precision_at_k`, which takes the share of them that
makes up k, as a random order among equals would on average. The cut-off moves from sample to sample, and how far
depends on how densely rows lie around it, so there is no influence in closed form and the error is bootstrapped: rows
are sorted once, and each replicate is a running sum over the top of that order, as deep as it has to go.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from promotion.evidence.bootstrap import Counts, bootstrapped
from promotion.evidence.influence import Estimate
from promotion.evidence.rows import Floats, ScoredRows

_ROUNDING = 1e-9
"""Sums of weights that differ by this share are equal."""

_FIRST_DEPTH = 256  # groups of equal score; doubled as long as a replicate needs more


@dataclass(frozen=True, eq=False)
class Curve:
    """What lies above each possible cut-off, best scores first, in one or more replicates.

    Attributes:
        true: weight of the positives scored as high or higher than each group, shape `(n_replicates, n_groups)`.
        selected: weight of all such rows, same shape.
        positives, negatives: weight of all of them, shape `(n_replicates, 1)`.
    """

    true: Floats
    selected: Floats
    positives: Floats
    negatives: Floats


class CutOff(Protocol):
    """A metric of a curve."""

    def settled(self, curve: Curve) -> bool:
        """Whether the groups of the curve are enough, whatever lies below them."""
        ...

    def value(self, curve: Curve) -> Floats:
        """The metric in each replicate, shape `(n_replicates,)`."""
        ...


@dataclass(frozen=True)
class RecallAtFpr:
    """The largest share of the positives above a cut-off with at most the share `fpr` of the negatives above it."""

    fpr: float

    def settled(self, curve: Curve) -> bool:
        """The limit is passed within the curve."""
        return not self._allowed(curve)[:, -1].any()

    def value(self, curve: Curve) -> Floats:
        """Recall at the lowest cut-off that is allowed; 0 if that of the highest score is not."""
        return _highest(curve, self._allowed(curve))

    def _allowed(self, curve: Curve) -> NDArray[np.bool_]:
        allowed: NDArray[np.bool_] = curve.selected - curve.true <= self.fpr * (1 + _ROUNDING) * curve.negatives
        return allowed


@dataclass(frozen=True)
class RecallAtPrecision:
    """The largest share of the positives above a cut-off where at least the share `precision` is positive."""

    precision: float

    def settled(self, curve: Curve) -> bool:
        """Even with every positive the precision would be too low below the curve."""
        return bool((self.precision * curve.selected[:, -1:] > curve.positives * (1 + _ROUNDING)).all())

    def value(self, curve: Curve) -> Floats:
        """Recall at the lowest cut-off that is precise enough; 0 if none is."""
        return _highest(curve, curve.true >= self.precision * (1 - _ROUNDING) * curve.selected)


@dataclass(frozen=True)
class PrecisionAtK:
    """The share of positives among the k rows that are scored highest; k counts weight where rows have weights."""

    k: int

    def settled(self, curve: Curve) -> bool:
        """There are k rows in the curve."""
        return bool((curve.selected[:, -1] >= self.k).all())

    def value(self, curve: Curve) -> Floats:
        """Positives among the first k, over k."""
        pairs = zip(curve.selected, curve.true, strict=True)
        return np.array([_up_to(self.k, selected, true) / self.k for selected, true in pairs])


def at_cut_off(rows: ScoredRows, cut_off: CutOff) -> Estimate:
    """The metric at its cut-off, with a bootstrapped error."""
    sorted_rows = _SortedRows(rows)
    whole = sorted_rows.curve(np.ones((1, len(rows)), np.uint8), sorted_rows.n_groups)
    depth = _FIRST_DEPTH

    def of_replicates(counts: Counts) -> Floats:
        nonlocal depth
        while not cut_off.settled(curve := sorted_rows.curve(counts, depth)) and depth < sorted_rows.n_groups:
            depth *= 2
        return cut_off.value(curve)

    return bootstrapped(rows, float(cut_off.value(whole)[0]), of_replicates)


class _SortedRows:
    """Rows by falling score, for curves of replicates that go as deep as is asked."""

    def __init__(self, rows: ScoredRows) -> None:
        self._order = np.argsort(-rows.scores, kind="stable")
        falling = rows.scores[self._order]
        self._ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
        self._weights = rows.weights
        self._positive_weights = rows.weights * rows.labels

    @property
    def n_groups(self) -> int:
        return len(self._ends)

    def curve(self, counts: Counts, n_groups: int) -> Curve:
        """The curve down to the given group; weights keep their sum."""
        ends = self._ends[:n_groups]
        top = self._order[: ends[-1] + 1]
        drawn = counts[:, top]
        totals = counts @ np.column_stack([self._weights, self._positive_weights])
        scale = self._weights.sum() / totals[:, :1]
        true = scale * np.cumsum(drawn * self._positive_weights[top], axis=1)[:, ends]
        selected = scale * np.cumsum(drawn * self._weights[top], axis=1)[:, ends]
        positives = scale * totals[:, 1:]
        return Curve(true, selected, positives, scale * totals[:, :1] - positives)


def _highest(curve: Curve, allowed: NDArray[np.bool_]) -> Floats:
    """The largest recall among the cut-offs that are allowed; 0, selecting nothing, where none is."""
    found: Floats = np.where(allowed, curve.true, 0.0).max(axis=1) / curve.positives[:, 0]
    return found


def _up_to(k: float, selected: Floats, true: Floats) -> float:
    """Positives among the first k; within a group of equal scores in proportion."""
    return float(np.interp(k, np.append(0.0, selected), np.append(0.0, true)))

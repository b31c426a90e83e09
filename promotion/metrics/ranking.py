"""Metrics that depend only on the ranking of the scores.

P and Q are the weights of the positives and of the negatives; a group is the rows with one score.
"""

import numpy as np
from numpy.typing import NDArray

from promotion.metrics.arrays import Floats
from promotion.metrics.influence import Estimate, mean_of, of_classes
from promotion.metrics.rows import ScoredRows

_ROUNDING = 1e-9
"""Weights below this share are rounding residue of zero."""


def roc_auc(rows: ScoredRows) -> Estimate:
    """Area under the ROC curve: the probability that a positive outscores a negative, ties counting half.

    The influences are the structural components of DeLong, DeLong and Clarke-Pearson (1988), weighted:
    `w_i (V10_i - AUC) / P` for a positive, `w_i (V01_i - AUC) / Q` for a negative, where V10 is the share of
    negatives below the row and V01 the share of positives above it. With equal weights the standard error is DeLong's.
    """
    positives, negatives = rows.ranking.positives, rows.ranking.negatives
    outscored, outscoring = _share_below(negatives), _share_below(positives[::-1])[::-1]
    value = (positives * outscored).sum() / positives.sum()
    derivative = _scattered(rows, (outscored - value) / positives.sum(), (outscoring - value) / negatives.sum())
    return of_classes(rows, value, derivative)


def average_precision(rows: ScoredRows) -> Estimate:
    """Average precision, scikit-learn's step-wise area: `AP = sum_g p_g TP_g / N_g / P` over groups g of equal score.

    p_g is the weight of the group's positives, TP_g and N_g the weights of the positives and of all
    rows with this or a higher score. A row of group h is part of p_h, of TP_g and N_g for all
    groups g at or below h, and of P, hence

        dAP/dw_i = ( y_i (TP_h / N_h - AP + sum_g p_g / N_g) - sum_g p_g TP_g / N_g^2 ) / P

    The sums omit a positive's own term, `w_i (1 / N_h - TP_h / N_h^2)`: its effect on the precision at its own score. A
    positive at the top of the ranking counts itself there in every sample that contains it, so that term is not
    sampling error; with few positives it increased the variance by up to 60 %.
    """
    positives = rows.ranking.positives
    true_positives = _sum_from(positives)
    selected = true_positives + _sum_from(rows.ranking.negatives)
    precision = true_positives / selected
    value = (positives * precision).sum() / positives.sum()
    raised = np.cumsum(positives / selected)
    lowered = np.cumsum(positives / selected * precision)
    of_positive = (precision - value + raised - lowered) / positives.sum()
    derivative = _scattered(rows, of_positive, -lowered / positives.sum())
    group, weights = rows.ranking.group[rows.positive], rows.weights[rows.positive]
    derivative[rows.positive] -= weights * (1.0 - precision[group]) / selected[group] / positives.sum()
    return of_classes(rows, value, derivative)


class PrecisionWithout:
    """Average precision without the rows of a group, for one group after another.

    Only the cut-offs at positives count, so the cost per group is its own rows plus these cut-offs.
    """

    def __init__(self, rows: ScoredRows) -> None:
        positives, negatives = rows.ranking.positives[::-1], rows.ranking.negatives[::-1]
        held = positives > 0
        self._rows = rows
        self._own = positives[held]
        self._true = np.cumsum(self._own)
        self._selected = np.cumsum(positives + negatives)[held]
        self._cut: NDArray[np.intp] = (np.cumsum(held) - held)[::-1]  # per score, the next lower one with a positive

    def __call__(self, out: NDArray[np.intp]) -> float:
        """Return the value without the rows at these positions."""
        cut, weights = self._cut[self._rows.ranking.group[out]], self._rows.weights[out]
        positive, count = self._rows.positive[out], len(self._own)
        less = np.bincount(cut[positive], weights[positive], count)
        own = self._own - less
        own[own < self._own * _ROUNDING] = 0.0
        selected = self._selected - np.cumsum(np.bincount(cut, weights, count + 1)[:-1])
        precision = np.divide(self._true - np.cumsum(less), selected, out=np.zeros(count), where=own > 0)
        return float((own * precision).sum() / own.sum())


def roc_auc_ovr(rows: ScoredRows) -> Estimate:
    """Mean over the classes of the one-vs-rest area under the ROC curve."""
    return mean_of([roc_auc(one) for one in rows.one_vs_rest])


def _sum_from(weight: Floats) -> Floats:
    """Weight of each group plus all higher-scored groups."""
    return np.cumsum(weight[::-1])[::-1]


def _share_below(weight: Floats) -> Floats:
    """Share of the weight in the groups below each one; the group itself counts half."""
    share = np.cumsum(weight)
    total = share[-1]
    share -= weight / 2
    share /= total
    return share


def _scattered(rows: ScoredRows, of_positive: Floats, of_negative: Floats) -> Floats:
    """Map derivatives per group, for positives and for negatives, to derivatives per row."""
    derivative = of_negative[rows.ranking.group]
    derivative[rows.positive] = of_positive[rows.ranking.group[rows.positive]]
    return derivative

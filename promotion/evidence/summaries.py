"""How the scores of two models lie: calibration, and the shift from one to the other. For the report only."""

import numpy as np

from promotion.evidence.partition import quantile_edges
from promotion.evidence.rows import Floats, ScoredRows
from promotion.evidence.values import Calibration, ScoreSummary
from promotion.vocabulary import Task

DECILES = 10

LEAST_SHARE = 1e-4
"""What the share of an empty bin counts as; with zero the index would be infinite."""


def summarise(champion: ScoredRows, challenger: ScoredRows) -> ScoreSummary | None:
    """Calibration and shift of the scores on the same rows; None unless all are probabilities of class 1."""
    if not (_are_probabilities(champion) and _are_probabilities(challenger)):
        return None
    return ScoreSummary(_shift(champion, challenger), _calibration(champion), _calibration(challenger))


def _are_probabilities(rows: ScoredRows) -> bool:
    inside = (rows.scores >= 0) & (rows.scores <= 1)  # NaN is not
    return rows.task is Task.BINARY and bool(inside.all())


def _calibration(rows: ScoredRows) -> tuple[Calibration, ...]:
    """Mean score beside share of positives, both weighted, by deciles of the score; ties leave fewer bins."""
    distinct, weights = _distribution(rows)
    edges = _deciles(rows)
    bins = np.searchsorted(edges, distinct, side="right")
    first = np.searchsorted(bins, np.arange(len(edges) + 1))
    lows, highs = distinct[first], distinct[[*first[1:] - 1, -1]]
    total = np.bincount(bins, weights)
    columns = (
        lows,
        highs,
        np.bincount(bins[rows.ranking.group]),
        np.clip(np.bincount(bins, weights * distinct) / total, lows, highs),  # rounding may leave the bin
        np.bincount(bins, rows.ranking.positives) / total,
    )
    return tuple(Calibration(*each) for each in zip(*(column.tolist() for column in columns), strict=True))


def _shift(champion: ScoredRows, challenger: ScoredRows) -> float:
    """Population stability index over the champion's deciles: `sum (q - p) ln(q / p)`, never below zero.

    p and q are the shares of weight that the champion's and the challenger's scores have in a bin (Siddiqi 2006,
    Credit Risk Scorecards), with the customary floor under empty bins. With a constant champion there is one bin, and
    no shift to be seen.
    """
    edges = _deciles(champion)
    p, q = _shares(champion, edges), _shares(challenger, edges)
    return float(((q - p) * np.log(q / p)).sum())


def _shares(rows: ScoredRows, edges: Floats) -> Floats:
    """Share of the weight in each bin, shape `(n_edges + 1,)`."""
    distinct, weights = _distribution(rows)
    bins = np.searchsorted(edges, distinct, side="right")
    shares: Floats = np.bincount(bins, weights, len(edges) + 1) / rows.weights.sum()
    return shares.clip(min=LEAST_SHARE)


def _deciles(rows: ScoredRows) -> Floats:
    return quantile_edges(*_distribution(rows), DECILES)


def _distribution(rows: ScoredRows) -> tuple[Floats, Floats]:
    """The distinct scores, ascending, and the weight of each; by the ranking, so that nothing is sorted again."""
    return rows.ranking.scores, rows.ranking.positives + rows.ranking.negatives

"""Distribution summaries of scores and columns: calibration, and the shift between two models or sets of rows."""

import numpy as np
from numpy.typing import NDArray

from promotion.comparison.partition import quantile_edges
from promotion.comparison.values import Calibration, ScoreSummary
from promotion.metrics.arrays import Floats
from promotion.metrics.rows import ScoredRows
from promotion.vocabulary import Task

DECILES = 10

LEAST_SHARE = 1e-4
"""Minimum share of a bin; a share of zero would make the index infinite."""

NOTABLE = 0.25
"""From this value on, a shift is called significant (Siddiqi 2006, Credit Risk Scorecards)."""


def summarise(champion: ScoredRows, challenger: ScoredRows) -> ScoreSummary | None:
    """Return calibration and shift of scores on the same rows; None unless all scores are probabilities of class 1."""
    if not (_are_probabilities(champion) and _are_probabilities(challenger)):
        return None
    edges = _deciles(champion)
    shift = _shift(_shares(champion, edges), _shares(challenger, edges))
    return ScoreSummary(shift, calibration(champion), calibration(challenger))


def _are_probabilities(rows: ScoredRows) -> bool:
    return rows.task is Task.BINARY and bool(rows.scores.min() >= 0 and rows.scores.max() <= 1)  # False for NaN


def _deciles(rows: ScoredRows) -> Floats:
    """Return the lower edges of all bins but the lowest; uses the ranking to avoid another sort."""
    return quantile_edges(rows.ranking.scores, rows.ranking.positives + rows.ranking.negatives, DECILES)


def calibration(rows: ScoredRows) -> tuple[Calibration, ...]:
    """Return the weighted mean score and share of positives by deciles of the score; ties give fewer bins."""
    distinct, positives = rows.ranking.scores, rows.ranking.positives
    weights = positives + rows.ranking.negatives
    first = np.append(0, np.searchsorted(distinct, _deciles(rows)))
    lows, highs = distinct[first], distinct[[*first[1:] - 1, -1]]
    total = np.add.reduceat(weights, first)
    rows_from = [np.count_nonzero(rows.scores >= low) for low in lows]
    columns = (
        lows,
        highs,
        -np.diff(rows_from, append=0),
        np.clip(np.add.reduceat(weights * distinct, first) / total, lows, highs),  # rounding may leave the bin
        np.add.reduceat(positives, first) / total,
    )
    return tuple(Calibration(*each) for each in zip(*(column.tolist() for column in columns), strict=True))


def _shift(p: Floats, q: Floats) -> float:
    """Population stability index over the champion's deciles: `sum (q - p) ln(q / p)`, never below zero.

    p and q are the shares of weight of the champion's and the challenger's scores in a bin (Siddiqi 2006, Credit Risk
    Scorecards), with the customary floor for empty bins. A constant champion has one bin, and so no shift.
    """
    return float(((q - p) * np.log(q / p)).sum())


def _shares(rows: ScoredRows, edges: Floats) -> Floats:
    """Return the share of the weight in each bin, shape `(n_edges + 1,)`; at least `LEAST_SHARE`."""
    bins = np.split(rows.ranking.positives + rows.ranking.negatives, np.searchsorted(rows.ranking.scores, edges))
    shares: Floats = np.array([weights.sum() for weights in bins]) / rows.weights.sum()
    return shares.clip(min=LEAST_SHARE)


def stability_index(before: Floats, after: Floats) -> float:
    """Population stability index of numbers, over the deciles of the earlier ones; NaN is a bin of its own.

    `sum (q - p) ln(q / p)` over the shares p before and q after, with the customary floor for empty bins. The scores
    have shapes `(n_before,)` and `(n_after,)`.
    """
    deciles = np.arange(1, DECILES) / DECILES
    edges: Floats = np.unique(np.nanquantile(before, deciles)) if np.isfinite(before).any() else np.empty(0)
    return shares_index(*(_bins(values, edges) for values in (before, after)))


def shares_index(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Population stability index of numbered bins, one per row."""
    bins = int(max(before.max(initial=0), after.max(initial=0))) + 1
    p, q = ((np.bincount(each, minlength=bins) / len(each)).clip(min=LEAST_SHARE) for each in (before, after))
    return _shift(p, q)


def _bins(values: Floats, edges: Floats) -> NDArray[np.int64]:
    found = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, found).astype(np.int64)

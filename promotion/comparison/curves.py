"""Curves of two models' scores, small enough to store with a decision. For reports only: no check uses them.

`promotion.comparison.drawing` computes them. Every curve is exact to within `TOLERANCE`, from a hundred rows to
millions.
"""

from dataclasses import dataclass

from promotion.comparison.values import Calibration

TOLERANCE = 0.005
"""Maximum distance of a simplified curve from the exact one, on axes from 0 to 1."""

POINTS = 64
"""Maximum number of points of a curve, unless its steps are too ragged for that."""


@dataclass(frozen=True)
class Curve:
    """A line through points, in order; `x` and `y` are of the same length."""

    x: tuple[float, ...]
    y: tuple[float, ...]


BINS = 32
"""Number of bins of a histogram."""


@dataclass(frozen=True, kw_only=True)
class SideCurves:
    """Curves of one binary model.

    Attributes:
        roc: true positive rate over false positive rate.
        precision_recall: for each recall, the best precision at a cut-off with at least this recall
            (the interpolated precision of Manning, Raghavan and Schütze 2008, Introduction to
            Information Retrieval, 8.4).
        cost: normalised expected cost at the best cut-off, over the share of the cost that is at
            stake on positives (the lower envelope of cost curves: Drummond and Holte 2006, Machine
            Learning 65).
        positives, negatives: share of each class's rows in each bin of the score.
        calibration: by deciles of the score; only for a first model, because a comparison holds
            that of both models.
    """

    roc: Curve
    precision_recall: Curve
    cost: Curve
    positives: tuple[float, ...]
    negatives: tuple[float, ...]
    calibration: tuple[Calibration, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreCurves:
    """Curves of challenger and champion on the same rows; a first model has no champion.

    Attributes:
        challenger, champion: each model's curves.
        low, high: range of the equal-width score bins.
        prevalence: share of positive rows.
    """

    challenger: SideCurves
    champion: SideCurves | None
    low: float
    high: float
    prevalence: float


@dataclass(frozen=True, kw_only=True)
class ErrorBins:
    """Histogram of prediction errors: share of the rows in each equal-width bin of the error.

    Attributes:
        challenger_errors, champion_errors: shares by bin; a first model has the challenger's only.
        low, high: range of the bins; the outermost bins include errors beyond it, at most 1 %
            together.
    """

    challenger_errors: tuple[float, ...]
    champion_errors: tuple[float, ...] | None
    low: float
    high: float


Curves = ScoreCurves | ErrorBins

"""The curves of a decision: close to the exact ones, with few numbers, for any number of rows."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics as sk

from promotion.canonical import canonical_json, plain, restore
from promotion.comparison.curves import TOLERANCE, Curves, ErrorBins
from promotion.comparison.drawing import draw_curves, simplified
from promotion.errors import DataError
from promotion.vocabulary import Task


def two_models(n_rows, *, prevalence=0.035, skill=1.9, seed=27):
    """Labels, and the scores of two correlated models that tell them apart as well at any number of rows."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n_rows) < max(2, round(prevalence * n_rows))).astype(float)
    common = rng.normal(size=n_rows)
    champion, challenger = (
        1 / (1 + np.exp(3 - 1.5 * (0.9 * common + 0.44 * rng.normal(size=n_rows) + shift * labels)))
        for shift in (skill, skill + 0.2)
    )
    return labels, champion, challenger


def at_even_quantiles(n_rows):
    """Half positives, half negatives, and two models' scores of them with no chance in it."""
    quantiles = norm.ppf((np.arange(n_rows // 2) + 0.5) / (n_rows // 2))
    labels = np.repeat([0.0, 1.0], n_rows // 2)
    return labels, *(1 / (1 + np.exp(-np.concatenate([quantiles - skill, quantiles + skill]))) for skill in (0.9, 0.8))


def farthest(points, curve):
    """How far the farthest of the points lies from a curve."""
    starts = np.column_stack([curve.x[:-1], curve.y[:-1]])
    along = np.column_stack([np.diff(curve.x), np.diff(curve.y)])
    lengths = np.maximum((along**2).sum(axis=1), 1e-30)
    beside = points[:, None, :] - starts
    share = np.clip((beside * along).sum(axis=2) / lengths, 0, 1)
    return np.sqrt(((beside - share[..., None] * along) ** 2).sum(axis=2)).min(axis=1).max()


def exact_steps(labels, scores):
    """Recall and the best precision that it or more is reached at, as steps: from scikit-learn's points."""
    precision, recall, _ = sk.precision_recall_curve(labels, scores)
    levels = np.unique(recall[recall > 0])
    best = np.array([np.maximum.reduce(precision[:-1], where=recall[:-1] >= level, initial=0) for level in levels])
    return np.column_stack([np.repeat(np.append(0.0, levels), 2)[1:-1], np.repeat(best, 2)])


@st.composite
def judged_rows(draw):
    n_rows = draw(st.integers(2, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = (rng.random(n_rows) < draw(st.floats(0.02, 0.98))).astype(float)
    labels[:2] = 0, 1
    scores = draw(st.floats(0, 3)) * labels + rng.normal(size=n_rows)
    levels = draw(st.sampled_from([1, 3, 20, 1000]))
    return labels, 1 / (1 + np.exp(-scores)) if levels == 1000 else np.round(scores * levels)


@given(judged_rows())
@example(two_models(5_000)[:2])
@example((np.tile([0.0, 1.0], 300), np.arange(600.0)))  # as irregular as possible
@example((np.array([0.0, 1.0]), np.array([0.5, 0.5])))
def test_curves_lie_where_the_exact_ones_do(rows):
    labels, scores = rows
    side = draw_curves(labels, scores).challenger
    false, found, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    roc = np.column_stack([false, found])

    assert farthest(roc, side.roc) <= TOLERANCE
    assert farthest(exact_steps(labels, scores), side.precision_recall) <= TOLERANCE
    assert np.abs(np.interp(0.25, side.cost.x, side.cost.y) - (0.75 * false + 0.25 * (1 - found)).min()) <= 0.01
    assert math.isclose(sum(side.positives), 1, abs_tol=0.005)
    assert math.isclose(sum(side.negatives), 1, abs_tol=0.005)


@given(judged_rows(), judged_rows())
def test_curves_are_small_and_come_back_from_the_ledger_as_they_were(rows, others):
    labels, scores = rows
    curves = draw_curves(labels, scores, np.resize(others[1], len(labels)))

    written = canonical_json(plain(curves))

    assert len(written) < 8_000
    assert restore(Curves, plain(curves)) == curves


def test_a_hundred_rows_and_half_a_million_draw_the_same_shape():
    few, many = (draw_curves(*at_even_quantiles(n_rows)) for n_rows in (100, 590_540))

    for side in ("champion", "challenger"):
        for curve in ("roc", "precision_recall", "cost"):
            small, large = getattr(getattr(few, side), curve), getattr(getattr(many, side), curve)
            apart = 0.1 if curve == "precision_recall" else 0.025  # a step of fifty is 0.02; fifty negatives end early
            assert farthest(np.column_stack([large.x, large.y]), small) < apart
            assert len(large.x) <= 64
        for of_class in ("positives", "negatives"):
            small, large = (np.cumsum(getattr(getattr(each, side), of_class)) for each in (few, many))
            assert np.abs(small - large).max() < 0.025


def test_what_cannot_be_drawn_is_none_and_what_is_wrong_is_said():
    assert draw_curves([0, 0, 0], [0.1, 0.2, 0.3]) is None
    assert draw_curves([0, 1, 1], [0.1, np.nan, 0.3]) is None
    assert draw_curves([0, 1, 2], np.eye(3), task=Task.MULTICLASS) is None
    with pytest.raises(DataError, match="Every label must be 0 or 1"):
        draw_curves([0, 2], [0.1, 0.2])


def test_of_numbers_the_errors_are_counted():
    truth = np.arange(1000.0)

    drawn = draw_curves(truth, truth + np.tile([-1.0, 1.0], 500), truth + 3.0, task=Task.REGRESSION)

    assert isinstance(drawn, ErrorBins)
    assert (drawn.low, drawn.high) == (-1.0, 3.0)
    assert (drawn.challenger_errors[0], drawn.challenger_errors[16], drawn.champion_errors[-1]) == (0.5, 0.5, 1.0)


def test_a_first_model_brings_its_calibration_with_it():
    labels, _, scores = two_models(2000)

    assert len(draw_curves(labels, scores).challenger.calibration) == 10
    assert draw_curves(labels, scores, scores).challenger.calibration == ()


def test_a_straight_line_is_two_points():
    way = np.linspace(0, 1, 100_000)

    assert simplified(way, way).x == (0.0, 1.0)

"""A single model's value on few groups: how often its better bound exceeds the true value, by simulation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from promotion.comparison import Measurement, compare, measure
from promotion.metrics.bounds import quantile

POSITIVE, SHIFT, RUNS, LEVEL = 0.3, 1.8, 400, 0.05
BINARY = ("roc_auc", "average_precision")

EQUAL, MORE = np.repeat(np.arange(10), 100), np.repeat(np.arange(30), 60)
ZIPF = np.repeat(np.arange(30), np.round(1000 / np.arange(1, 31) / 4).astype(int))


def precision(score):
    """Of the rows above a score, times how dense positives are there."""
    right, wrong = POSITIVE * stats.norm.sf(score - SHIFT), (1 - POSITIVE) * stats.norm.sf(score)
    return right / (right + wrong) * stats.norm.pdf(score - SHIFT)


TRUE = {
    "roc_auc": stats.norm.cdf(SHIFT / math.sqrt(2)),
    "average_precision": integrate.quad(precision, -10, 12)[0],
    "rmse": math.sqrt(2),
}


def errors(rng, codes, within):
    """Of variance 1 for each row; those of a group correlate so much."""
    of_group = rng.normal(size=codes[-1] + 1)[codes]
    return math.sqrt(within) * of_group + math.sqrt(1 - within) * rng.normal(size=len(codes))


def too_good(found, level):
    """Whether a floor that equals what is true would pass."""
    true = TRUE[found.metric]
    return found.upper_bound(level) < true if found.metric == "rmse" else found.lower_bound(level) > true


def drawn(codes, within):
    rng = np.random.default_rng(27)
    for _ in range(RUNS):
        labels = (rng.random(len(codes)) < POSITIVE).astype(int)
        scores = SHIFT * labels + errors(rng, codes, within)
        yield from measure(labels, 1 / (1 + np.exp(-scores)), metrics=BINARY, groups=codes).metrics
        truth = errors(rng, codes, within) + errors(rng, codes, within)
        yield measure(truth, np.zeros(len(codes)), metrics=["rmse"], groups=codes).metrics[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codes", "within"), [(EQUAL, 0.6), (ZIPF, 0.4), (MORE, 0.8)], ids=["10 equal", "30 Zipf", "30 equal"]
)
def test_a_floor_at_what_is_true_passes_as_rarely_as_asked(codes, within):
    """By Student's t with the degrees of freedom of a gain it passes up to four times as often as asked."""
    found = list(drawn(codes, within))
    for name in (*BINARY, "rmse"):
        of_metric = [each for each in found if each.metric == name]
        often = sum(too_good(each, LEVEL) for each in of_metric) / RUNS
        assert often <= 1.4 * LEVEL + 2 * math.sqrt(LEVEL / RUNS), name
        as_gains = [Measurement(name, each.direction, each.value, each.stderr, of_gain(each)) for each in of_metric]
        assert sum(too_good(each, LEVEL) for each in as_gains) / RUNS > 1.4 * LEVEL, name


def of_gain(found):
    """The effective number of groups, less one."""
    return (found.dof + (2.75 if found.metric == "average_precision" else 1.5)) ** 2 - 1


@pytest.mark.parametrize("groups", [10, 1000, 10_000])
def test_bounds_of_a_value_come_near_the_normal_distributions_as_groups_grow(groups):
    rng = np.random.default_rng(groups)
    codes = np.repeat(np.arange(groups), 2)
    truth, one, other = rng.normal(size=(3, 2 * groups))
    found = compare(truth, one, other, metrics=["rmse"], groups=codes)["rmse"]
    assert found.challenger_dof < found.dof
    wider = quantile(LEVEL, found.challenger_dof) / quantile(LEVEL)
    assert 1 < wider < 1 + 5 / math.sqrt(groups)

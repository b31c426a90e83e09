"""A single model's value on few groups: how often its better bound lies above what is true, by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from promotion.evidence import Measurement, compare, measure
from promotion.evidence.bounds import quantile

TRUE_AUC, TRUE_RMSE = stats.norm.cdf(1.8 / math.sqrt(2)), math.sqrt(2)
RUNS, LEVEL = 400, 0.05

EQUAL = np.repeat(np.arange(10), 100)
ZIPF = np.repeat(np.arange(30), np.round(1000 / np.arange(1, 31) / 4).astype(int))


def errors(rng, codes, within):
    """Of variance 1 for each row; those of a group correlate so much."""
    of_group = rng.normal(size=codes[-1] + 1)[codes]
    return math.sqrt(within) * of_group + math.sqrt(1 - within) * rng.normal(size=len(codes))


def too_good(found, level):
    """Whether a floor that equals what is true would pass."""
    return found.lower_bound(level) > TRUE_AUC if found.metric == "roc_auc" else found.upper_bound(level) < TRUE_RMSE


def drawn(codes, within):
    rng = np.random.default_rng(27)
    for _ in range(RUNS):
        labels = (rng.random(len(codes)) < 0.3).astype(int)
        scores = 1.8 * labels + errors(rng, codes, within)
        yield measure(labels, 1 / (1 + np.exp(-scores)), metrics=["roc_auc"], groups=codes).metrics[0]
        truth = errors(rng, codes, within) + errors(rng, codes, within)
        yield measure(truth, np.zeros(len(codes)), metrics=["rmse"], groups=codes).metrics[0]


@pytest.mark.parametrize(("codes", "within"), [(EQUAL, 0.6), (ZIPF, 0.4)], ids=["10 equal", "30 Zipf"])
def test_a_floor_at_what_is_true_passes_as_rarely_as_asked(codes, within):
    """By Student's t with the degrees of freedom of a gain it passes two to four times as often as asked."""
    found = list(drawn(codes, within))
    for name in ("roc_auc", "rmse"):
        of_metric = [each for each in found if each.metric == name]
        often = sum(too_good(each, LEVEL) for each in of_metric) / RUNS
        assert often <= 1.4 * LEVEL + 2 * math.sqrt(LEVEL / RUNS), name
        as_gains = [Measurement(name, each.direction, each.value, each.stderr, of_gain(each)) for each in of_metric]
        assert sum(too_good(each, LEVEL) for each in as_gains) / RUNS > 2 * LEVEL, name


def of_gain(found):
    """The effective number of groups, less one."""
    return (found.dof + 1.5) ** 2 - 1


@pytest.mark.parametrize("groups", [10, 1000, 10_000])
def test_bounds_of_a_value_come_near_the_normal_distributions_as_groups_grow(groups):
    rng = np.random.default_rng(groups)
    codes = np.repeat(np.arange(groups), 2)
    truth, one, other = rng.normal(size=(3, 2 * groups))
    found = compare(truth, one, other, metrics=["rmse"], groups=codes)["rmse"]
    assert found.challenger_dof < found.dof
    wider = quantile(LEVEL, found.challenger_dof) / quantile(LEVEL)
    assert 1 < wider < 1 + 5 / math.sqrt(groups)

import numpy as np
import pytest

from promotion.errors import UnknownName
from promotion.evidence import METRIC_NAMES, ScoredRows, metric
from promotion.vocabulary import Direction


def rows(labels, scores):
    return ScoredRows(np.array(labels, float), np.array(scores, float), np.ones(len(labels)), "challenger")


def test_each_metric_is_found_by_its_name_and_knows_its_direction():
    directions = {name: metric(name).direction for name in METRIC_NAMES}

    assert directions == {
        "roc_auc": Direction.HIGHER,
        "average_precision": Direction.HIGHER,
        "log_loss": Direction.LOWER,
        "brier_score": Direction.LOWER,
        "accuracy": Direction.HIGHER,
    }
    assert [metric(name).name for name in METRIC_NAMES] == list(METRIC_NAMES)


def test_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownName) as caught:
        metric("rocauc")

    assert str(caught.value) == "There is no metric 'rocauc'. Did you mean 'roc_auc'?"
    assert (caught.value.kind, caught.value.known) == ("metric", METRIC_NAMES)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_metric_is_defined_for_two_classes_and_probabilities(name):
    assert not metric(name).why_undefined(rows([0, 1], [0, 1]))


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize(
    ("scores", "held"),
    [
        ([np.nan, 0.5, np.nan], "2 NaN"),
        ([np.inf, 0.5, 0.1], "1 infinite"),
        ([np.nan, -np.inf, 0.1], "1 NaN and 1 infinite"),
    ],
)
def test_no_metric_takes_scores_that_are_not_finite(name, scores, held):
    reason = metric(name).why_undefined(rows([0, 1, 1], scores))

    assert reason == f"The challenger's scores must be finite, but hold {held} of 3; see why it cannot score them."


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("label", [0, 1])
def test_rank_metrics_take_both_classes(name, label):
    reason = metric(name).why_undefined(rows([label] * 3, [0.1, 0.2, 0.3]))

    assert reason == f"It takes labels of both classes, but all 3 are {label}; judge on rows that hold both."


@pytest.mark.parametrize("name", ["log_loss", "brier_score", "accuracy"])
def test_metrics_of_probabilities_take_no_others(name):
    reason = metric(name).why_undefined(rows([0, 1], [-2.5, 0.5]))

    assert reason == (
        "It takes scores from 0 to 1, but the challenger's lie between -2.5 and 0.5; "
        "score with probabilities, or judge by a rank metric such as roc_auc."
    )

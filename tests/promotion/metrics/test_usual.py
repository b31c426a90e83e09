import numpy as np
import pytest

import promotion

rng = np.random.default_rng(27)
LABELS = (rng.random(400) < 0.2).astype(int)
OLD, NEW = rng.random((2, 400))


@pytest.mark.parametrize(
    ("labels", "scores", "metrics"),
    [
        (LABELS, OLD, ("average_precision", "roc_auc", "log_loss", "brier_score")),
        (LABELS + rng.random(400), OLD, ("rmse", "mae", "r2")),
        (LABELS, np.stack([1 - OLD, OLD], axis=1), ("log_loss", "brier_score", "accuracy", "balanced_accuracy")),
    ],
    ids=["binary", "regression", "multiclass"],
)
def test_without_metrics_the_usual_ones_of_the_task_are_compared(labels, scores, metrics):
    assert tuple(each.metric for each in promotion.compare(labels, scores, scores).metrics) == metrics
    assert tuple(each.metric for each in promotion.measure(labels, scores).metrics) == metrics


def test_two_other_classes_are_an_error():
    with pytest.raises(
        promotion.DataError,
        match=r"^y_true must contain 0 and 1 for two classes, but contains 1 and 2\. If these are numbers to predict, "
        r"name a regression metric, such as rmse\.$",
    ):
        promotion.compare(LABELS + 1, OLD, NEW)

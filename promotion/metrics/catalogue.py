"""The built-in metrics without parameters."""

from promotion.metrics import counting, pointwise, ranking
from promotion.metrics.definition import Metric
from promotion.metrics.requirements import (
    every_class,
    probabilities,
    says_every_class,
    says_one,
    spread_labels,
    two_rows,
)
from promotion.vocabulary import Direction, Task

_HIGHER, _LOWER = Direction.HIGHER, Direction.LOWER
_BINARY, _MULTICLASS, _REGRESSION = (frozenset({task}) for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION))
_EITHER = _BINARY | _MULTICLASS

CATALOGUE = (
    Metric("roc_auc", _HIGHER, ranking.roc_auc, (every_class,), _BINARY, by_rank=True),
    Metric(
        "average_precision",
        _HIGHER,
        ranking.average_precision,
        (every_class,),
        _BINARY,
        by_rank=True,
        without=ranking.PrecisionWithout,
    ),
    Metric("log_loss", _LOWER, pointwise.log_loss, (two_rows, probabilities), _EITHER),
    Metric("brier_score", _LOWER, pointwise.brier_score, (two_rows, probabilities), _EITHER),
    Metric("accuracy", _HIGHER, counting.accuracy, (two_rows, probabilities), _EITHER),
    Metric("balanced_accuracy", _HIGHER, counting.recall_macro, (every_class, probabilities), _EITHER),
    Metric("f1", _HIGHER, counting.f1, (every_class, probabilities), _BINARY),
    Metric("precision", _HIGHER, counting.precision, (every_class, probabilities, says_one), _BINARY),
    Metric("recall", _HIGHER, counting.recall, (every_class, probabilities), _BINARY),
    Metric("roc_auc_ovr", _HIGHER, ranking.roc_auc_ovr, (every_class,), _MULTICLASS),
    Metric("f1_macro", _HIGHER, counting.f1_macro, (every_class, probabilities), _MULTICLASS),
    Metric(
        "precision_macro",
        _HIGHER,
        counting.precision_macro,
        (every_class, probabilities, says_every_class),
        _MULTICLASS,
    ),
    Metric("recall_macro", _HIGHER, counting.recall_macro, (every_class, probabilities), _MULTICLASS),
    Metric("rmse", _LOWER, pointwise.rmse, (two_rows,), _REGRESSION),
    Metric("mse", _LOWER, pointwise.mse, (two_rows,), _REGRESSION),
    Metric("mae", _LOWER, pointwise.mae, (two_rows,), _REGRESSION),
    Metric("r2", _HIGHER, pointwise.r2, (two_rows, spread_labels), _REGRESSION),
)

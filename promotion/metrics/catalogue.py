"""The built-in metrics without parameters."""

from typing import TYPE_CHECKING

from promotion.metrics.definition import Metric
from promotion.metrics.lazy import Functions
from promotion.vocabulary import Direction, Task

if TYPE_CHECKING:
    from promotion.metrics import counting, pointwise, ranking
    from promotion.metrics import requirements as rows
else:
    counting, pointwise, ranking, rows = map(Functions, ("counting", "pointwise", "ranking", "requirements"))

_HIGHER, _LOWER = Direction.HIGHER, Direction.LOWER
_BINARY, _MULTICLASS, _REGRESSION = (frozenset({task}) for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION))
_EITHER = _BINARY | _MULTICLASS

CATALOGUE = (
    Metric("roc_auc", _HIGHER, ranking.roc_auc, (rows.every_class,), _BINARY, by_rank=True),
    Metric(
        "average_precision",
        _HIGHER,
        ranking.average_precision,
        (rows.every_class,),
        _BINARY,
        by_rank=True,
        without=ranking.PrecisionWithout,
    ),
    Metric("log_loss", _LOWER, pointwise.log_loss, (rows.two_rows, rows.probabilities), _EITHER),
    Metric("brier_score", _LOWER, pointwise.brier_score, (rows.two_rows, rows.probabilities), _EITHER),
    Metric("accuracy", _HIGHER, counting.accuracy, (rows.two_rows, rows.probabilities), _EITHER),
    Metric("balanced_accuracy", _HIGHER, counting.recall_macro, (rows.every_class, rows.probabilities), _EITHER),
    Metric("f1", _HIGHER, counting.f1, (rows.every_class, rows.probabilities), _BINARY),
    Metric("precision", _HIGHER, counting.precision, (rows.every_class, rows.probabilities, rows.says_one), _BINARY),
    Metric("recall", _HIGHER, counting.recall, (rows.every_class, rows.probabilities), _BINARY),
    Metric("roc_auc_ovr", _HIGHER, ranking.roc_auc_ovr, (rows.every_class,), _MULTICLASS),
    Metric("f1_macro", _HIGHER, counting.f1_macro, (rows.every_class, rows.probabilities), _MULTICLASS),
    Metric(
        "precision_macro",
        _HIGHER,
        counting.precision_macro,
        (rows.every_class, rows.probabilities, rows.says_every_class),
        _MULTICLASS,
    ),
    Metric("recall_macro", _HIGHER, counting.recall_macro, (rows.every_class, rows.probabilities), _MULTICLASS),
    Metric("rmse", _LOWER, pointwise.rmse, (rows.two_rows,), _REGRESSION),
    Metric("mse", _LOWER, pointwise.mse, (rows.two_rows,), _REGRESSION),
    Metric("mae", _LOWER, pointwise.mae, (rows.two_rows,), _REGRESSION),
    Metric("r2", _HIGHER, pointwise.r2, (rows.two_rows, rows.spread_labels), _REGRESSION),
)

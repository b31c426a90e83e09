"""Scores of a model that the recipe cannot score: through its generic function in MLflow."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from promotion.errors import DataError
from promotion.interfaces import Recipe, Trained, task_of_recipe
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import pandas as pd

_BINARY, _MATRIX = 2, 2


class Unscored(DataError):
    """Neither the recipe nor the model's function can score the rows; the fault may be the rows' or the model's."""


def scores_of(
    recipe: Recipe, trained: Trained, rows: "pd.DataFrame", notice: Callable[[str], None] = lambda _: None
) -> Any:
    """Return the recipe's scores; if it fails on a model from MLflow, those of the model's function, with a notice.

    Raises:
        Unscored: the function cannot score the rows either.
        Exception: the recipe fails on a model that has no such function.
    """
    try:
        return recipe.score(trained, rows)
    except (Exception, SystemExit) as error:
        if trained.pyfunc is None:
            raise
        try:
            scores = pyfunc_scores(trained, recipe, rows)
        except (Exception, SystemExit) as other:
            why = f"{_short(error)}; {_short(other)}"
            raise Unscored(
                f"Neither the recipe nor the model's function from MLflow can score the rows ({why})."
            ) from other
        notice(f"The recipe cannot score the model from MLflow ({_short(error)}), so its function from MLflow does.")
        return scores


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def pyfunc_scores(trained: Trained, recipe: Recipe, rows: "pd.DataFrame") -> Any:
    """Return the scores of the estimator's `predict_proba`, if it has one, else of MLflow's `predict`.

    It receives the columns that its signature names; without names, all but key, label and time.
    """
    import numpy as np

    task, given = task_of_recipe(recipe), _given(trained.pyfunc, recipe, rows)
    if task is not Task.REGRESSION and hasattr(trained.model, "predict_proba"):
        found = trained.model.predict_proba(given)
    else:
        found = trained.pyfunc.predict(given)
    scores = np.asarray(_output(found) if isinstance(found, dict) else found, dtype=np.float64)
    if task is Task.MULTICLASS or scores.ndim != _MATRIX:
        return scores
    if scores.shape[1] > (_BINARY if task is Task.BINARY else 1):
        message = f"The model gives {scores.shape[1]} scores for each row, but the recipe's task is {task}."
        raise DataError(f"{message} Set the recipe's `task`, or choose the scores in its `score`.")
    return scores[:, -1]  # the probability of label 1, or the only column


def _output(named: "Mapping[str, Any]") -> Any:
    """Return the scores of a model with named outputs, such as label and probabilities: its only numbers, not labels.

    Raises:
        DataError: none or several of the outputs are numbers with a fraction.
    """
    import numpy as np

    scores = {name: one for name, one in named.items() if np.asarray(one).dtype.kind == "f"}
    if len(scores) != 1:
        message = f"The model has the outputs {', '.join(named)}, of which {len(scores)} can be scores."
        raise DataError(f"{message} Choose one in the recipe's `score`.")
    return next(iter(scores.values()))


def _given(model: Any, recipe: Recipe, rows: "pd.DataFrame") -> Any:
    schema = model.metadata.get_input_schema()
    if schema is not None and schema.has_input_names():
        if missing := [name for name in schema.required_input_names() if name not in rows]:
            raise DataError(f"Its signature names {', '.join(missing)}, which the recipe's `load` does not return")
        kinds = {one.name: one.type.to_pandas() for one in schema.inputs if hasattr(one.type, "to_pandas")}
        return rows[[name for name in schema.input_names() if name in rows]].astype(
            {name: kind for name, kind in kinds.items() if name in rows}
        )
    left_out = {recipe.key, recipe.label, recipe.time}
    features = rows[[name for name in rows.columns if name not in left_out]]
    if schema is None:
        return features
    kind = getattr(schema.inputs[0].type, "name", "float64")
    return features.to_numpy(dtype=kind if kind.startswith("float") else None)

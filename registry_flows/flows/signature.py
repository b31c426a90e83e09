"""The signature that MLflow stores with a model: the types of its inputs and outputs, but no rows."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promotion.interfaces import Recipe, Trained

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

_PREDICTS = ("predict_proba", "predict", "decision_function")


def signature_of(recipe: Recipe, trained: Trained, rows: "pd.DataFrame") -> "ModelSignature | None":
    """Return the signature of a fitted model, by letting its recipe score some rows.

    A recipe encodes rows in its own way, so only the model sees its real input.

    Args:
        recipe: scores the rows.
        trained: the fitted model, and what scoring needs besides.
        rows: a few rows, as the recipe loads them.

    Returns:
        The signature; None if MLflow has no type for the input, or if the recipe does not pass it
        to the model's `predict_proba`, `predict` or `decision_function`.
    """
    from mlflow.models import infer_signature

    watched = _Watched(trained.model)
    try:
        recipe.score(replace(trained, model=watched), rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # integer columns cannot hold gaps; the recipe has filled them already
            return infer_signature(watched.given, getattr(trained.model, predicts(trained.model))(watched.given))
    except Exception:  # a signature is optional; anything may fail in a recipe that wants its own class of model
        return None


def predicts(model: object) -> str:
    """Return the name of the method that MLflow's generic model calls."""
    return "predict_proba" if hasattr(model, "predict_proba") else "predict"


class _Watched:
    """Stands in for a fitted model, and keeps the first input that it is given."""

    def __init__(self, model: object) -> None:
        self._model, self.given = model, None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        return self._watching(found) if name in _PREDICTS else found

    def _watching(self, predict: Callable[..., Any]) -> Callable[..., Any]:
        def watched(rows: Any, *args: Any, **kwargs: Any) -> Any:
            self.given = rows if self.given is None else self.given
            return predict(rows, *args, **kwargs)

        return watched

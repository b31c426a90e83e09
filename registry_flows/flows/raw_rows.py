"""The generic function of a model in MLflow that takes raw rows, if the recipe can convert them.

MLflow loads it by this module's name: `models:/fraud_classifier@champion` takes the rows that the service takes, and
returns the scores that the gate judged. The model's own flavor stays beside it.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from promotion.interfaces import Recipe, Trained

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_FOLDER, _FILE = "raw_rows", "recipe.pkl"


def takes_raw_rows(recipe: Recipe) -> bool:
    """Return whether a recipe converts raw rows."""
    return hasattr(recipe, "rows_from")


class RawRows:
    """A flavor for MLflow's `Model.log`: that of the model's library, with a generic function that takes raw rows.

    Args:
        flavor: MLflow's module for the library.
        recipe, trained: convert and score the rows.
        by_value: pickles by value what cannot be imported where the model is loaded.
    """

    def __init__(
        self, flavor: ModuleType, recipe: Recipe, trained: Trained, by_value: AbstractContextManager[None]
    ) -> None:
        self._flavor, self._recipe, self._trained, self._by_value = flavor, recipe, trained, by_value

    def save_model(self, path: str, mlflow_model: Any, **options: Any) -> None:
        """Save as the flavor does, and replace the generic function."""
        import cloudpickle

        self._flavor.save_model(path=path, mlflow_model=mlflow_model, **options)
        folder = Path(path) / _FOLDER
        folder.mkdir()
        with self._by_value, (folder / _FILE).open("wb") as file:
            cloudpickle.dump((self._recipe, self._trained), file)
        generic = mlflow_model.flavors["python_function"]
        generic.pop("model_path", None)
        generic.pop("predict_fn", None)
        generic |= {"loader_module": __name__, "data": _FOLDER}
        mlflow_model.save(str(Path(path) / "MLmodel"))


class _Scores:
    """What MLflow's generic model calls."""

    def __init__(self, recipe: Any, trained: Trained) -> None:
        self._recipe, self._trained = recipe, trained

    def predict(self, rows: "pd.DataFrame", params: Any = None) -> "NDArray[np.floating[Any]]":  # noqa: ARG002
        """Return the scores of raw rows."""
        given: Any = rows.astype(object).where(rows.notna(), None).to_dict("records")
        scores: NDArray[np.floating[Any]] = self._recipe.score(self._trained, self._recipe.rows_from(given))
        return scores


def _load_pyfunc(folder: str) -> _Scores:
    """Load the generic function; MLflow calls this by name."""
    import cloudpickle

    with (Path(folder) / _FILE).open("rb") as file:
        return _Scores(*cloudpickle.load(file))

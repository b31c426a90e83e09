"""The protocol of a user's own model: the recipe, its steps, and caching of its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from promotion.errors import ConfigError
from promotion.vocabulary import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")


class Step(Protocol):
    """Runs one named step of a longer job: a plain call here, a Prefect task under `registry_flows`."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(*args, **kwargs)` and return its result."""


def call(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the function: the plain `Step`."""
    return function(*args, **kwargs)


def repeatable(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as deterministic, so that its result may be cached.

    On a recipe's `load`, it declares that the rows depend only on the file's bytes and the recipe: not on another file,
    the time of day or a database. A flow then reads a file once, as long as file, options and code stay the same.
    """
    function.repeatable = True  # type: ignore[attr-defined]
    return function


def is_repeatable(function: Callable[..., object]) -> bool:
    """Return whether it is marked with `repeatable`."""
    return bool(getattr(function, "repeatable", False))


class Recall(Protocol):
    """Returns the cached rows of a key; otherwise reads the rows, and may cache them."""

    def __call__(self, key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":
        """Return the rows of the key; exceptions of `read` propagate."""


def read_anew(key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":  # noqa: ARG001 - nothing is kept
    """Read the rows: the `Recall` without a cache."""
    return read()


@dataclass(frozen=True)
class Split:
    """The training rows and the holdout rows; they share no row key."""

    training: "pd.DataFrame"
    holdout: "pd.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted model with everything needed to score.

    Attributes:
        model: the fitted model: an estimator, or any other object that BentoML can save and load.
        custom_objects: other objects needed to score, by name, e.g. an encoder; saved beside the
            model.
        labels: labels for the model store; the registry manages `stage` itself.
        signatures: BentoML's signatures, by method name; None for `predict`, batchable, with
            scikit-learn's interface, and for the default of BentoML's module with other models.
        pyfunc: the same model as MLflow's generic function, if it was copied from MLflow; it scores
            if the recipe cannot.
    """

    model: Any
    custom_objects: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    signatures: Mapping[str, Any] | None = None
    pyfunc: Any = None


@runtime_checkable
class Recipe(Protocol):
    """The interface that users implement for their own model: how to load, split, train and score.

    Attributes:
        key: the column that identifies a row; its values are unique.
        label: the column to predict: 0 or 1; a class from 0 to K-1; a number.
        time: the column that orders rows in time, or None: numbers, dates, datetimes, or ISO 8601
            text.

    A recipe that is not for binary classification sets one more attribute, `task`: `"multiclass"` or `"regression"`. A
    recipe with dependent rows names the column, or windows of a time, in `group`.
    """

    key: str
    label: str
    time: str | None

    def load(self, path: Path) -> "pd.DataFrame":
        """Read the rows, with at least the key, the label and the time; only the columns that are needed."""

    def split(self, rows: "pd.DataFrame") -> Split:
        """Split the rows; the holdout must resemble the rows that the model will score in production."""

    def train(self, training: "pd.DataFrame", *, step: Step) -> Trained:
        """Fit on the training rows; `step(function, ...)` runs a part of it as a task of its own."""

    def score(self, trained: Trained, rows: "pd.DataFrame") -> "NDArray[np.floating[Any]]":
        """Return one number per row, shape (n_rows,): the probability of label 1, or the predicted number.

        A multiclass recipe returns the probability of each class: shape (n_rows, K).
        """


def task_of_recipe(recipe: Recipe) -> Task:
    """Return the task of the recipe's models.

    Raises:
        ConfigError: its `task` is not a known one.
    """
    named = getattr(recipe, "task", Task.BINARY)
    try:
        return Task(named)
    except ValueError:
        raise ConfigError(f"The recipe's task must be one of {', '.join(Task)}, but is {named!r}.") from None

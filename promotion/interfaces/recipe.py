"""The door of a user's own model: the recipe, its steps, and what may be kept of them."""

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
    """Runs one named step of a longer work: a plain call here, a Prefect task under `registry_flows`."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function(*args, **kwargs)` and return what it returns."""


def call(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """The plain `Step`."""
    return function(*args, **kwargs)


def repeatable(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as one that gives the same value for the same arguments, so that its value may be kept.

    Of a recipe's `load` it says that the rows depend on nothing but the file's bytes and the recipe: not on another
    file, the time of day or a database. A flow then reads a file once, as long as file, options and code stay the same.
    """
    function.repeatable = True  # type: ignore[attr-defined]
    return function


def is_repeatable(function: Callable[..., object]) -> bool:
    """Whether it carries the mark of `repeatable`."""
    return bool(getattr(function, "repeatable", False))


class Recall(Protocol):
    """Gives the rows that were kept under a key; otherwise reads them, and may keep them."""

    def __call__(self, key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":
        """The rows of the key; `read` raises what it raises."""


def read_anew(key: str, read: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":  # noqa: ARG001 - nothing is kept
    """The `Recall` that keeps nothing."""
    return read()


@dataclass(frozen=True)
class Split:
    """The rows that train and the rows that judge; they share no row key."""

    training: "pd.DataFrame"
    holdout: "pd.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted model with all that scoring needs.

    Attributes:
        model: the fitted estimator; scikit-learn's, or any that follows its interface.
        custom_objects: what else scoring needs, by name, e.g. an encoder; saved beside the model.
        labels: labels for the Bento store; `stage` is the registry's own.
        signatures: BentoML's, by method name.
    """

    model: Any
    custom_objects: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    signatures: Mapping[str, Any] = field(default_factory=lambda: {"predict": {"batchable": True, "batch_dim": 0}})


@runtime_checkable
class Recipe(Protocol):
    """What a user writes for their own model: how to load, split, train and score.

    Attributes:
        key: the column that names a row; no two rows share a value.
        label: the column that holds what is predicted: 0 or 1; a class from 0 to K-1; a number.
        time: the column that orders rows in time, or None: numbers, dates, datetimes, or ISO 8601 text.

    A recipe that does not predict one of two classes says so by one more attribute, `task`: `"multiclass"` or
    `"regression"`. One whose rows belong together names the column, or windows of a time, in `group`.
    """

    key: str
    label: str
    time: str | None

    def load(self, path: Path) -> "pd.DataFrame":
        """Read the rows, with at least the key, the label and the time; only the columns that are needed."""

    def split(self, rows: "pd.DataFrame") -> Split:
        """Divide the rows; the holdout must look like the rows that the model will meet."""

    def train(self, training: "pd.DataFrame", *, step: Step) -> Trained:
        """Fit on the training rows; `step(function, ...)` shows a part of it as a task of its own."""

    def score(self, trained: Trained, rows: "pd.DataFrame") -> "NDArray[np.floating[Any]]":
        """One number per row, shape (n_rows,): the probability of label 1, or the number predicted.

        Of several classes the probability of each: shape (n_rows, K).
        """


def task_of_recipe(recipe: Recipe) -> Task:
    """What the recipe's models predict.

    Raises:
        ConfigError: its `task` is none of ours.
    """
    named = getattr(recipe, "task", Task.BINARY)
    try:
        return Task(named)
    except ValueError:
        message = f"The recipe's task must be {', '.join(Task)}, found {named!r}."
        raise ConfigError(message) from None

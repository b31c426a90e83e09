"""Custom metrics: registered in Python, and referenced in a policy by name or by import path."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from promotion.errors import ConfigError, as_data_error
from promotion.metrics.catalogue import CATALOGUE
from promotion.metrics.definition import Metric
from promotion.metrics.lazy import Functions
from promotion.metrics.parametrized import FAMILIES
from promotion.modules import import_module
from promotion.vocabulary import Direction, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from promotion.metrics import requirements
    from promotion.metrics.arrays import Floats
    from promotion.metrics.influence import Estimate
    from promotion.metrics.requirements import Requirement
    from promotion.metrics.rows import ScoredRows
else:
    requirements = Functions("requirements")

Value: TypeAlias = "Callable[[Floats, Floats, Floats], float]"
"""A function of labels, scores and weights, in the order of scikit-learn's metric functions."""

Influence: TypeAlias = "Callable[[Floats, Floats, Floats], Floats]"
"""A function of the same arguments that returns `w_i * d value / d w_i` for each row, shape `(n_rows,)`."""

REGISTERED: dict[str, Metric] = {}
"""Registered custom metrics, by name."""


@dataclass(frozen=True)
class OwnEstimate:
    """Calls the user's functions; two instances are equal if their functions are the same."""

    name: str
    value: Value
    influence: "Influence | None"

    def __call__(self, rows: "ScoredRows") -> "Estimate":  # noqa: D102 - documented by the class
        from promotion.metrics.bootstrap import by_bootstrap
        from promotion.metrics.influence import Estimate, Over

        with as_data_error(f"The metric '{self.name}' cannot be computed from the {rows.whose}'s scores"):
            if self.influence is None:
                return by_bootstrap(rows, self.value)
            value = float(self.value(rows.labels, rows.scores, rows.given_weights))
            return Estimate(value, self._influence_of(rows, self.influence), over=Over.GIVEN)

    def _influence_of(self, rows: "ScoredRows", influence: Influence) -> "Floats":
        import numpy as np

        found = np.asarray(influence(rows.labels, rows.scores, rows.given_weights), dtype=np.float64)
        if found.shape != (len(rows),):
            raise ConfigError(
                f"The influence of the metric '{self.name}' must be one number for each of {len(rows):,} rows, but is "
                f"of shape {found.shape}. Return w_i * d value / d w_i for each row."
            )
        return found


def register_metric(
    name: str,
    *,
    direction: Direction | str,
    value: Value,
    influence: "Influence | None" = None,
    task: Task | str = Task.BINARY,
    requires: "tuple[Requirement, ...]" = (),
) -> Metric:
    """Register a custom metric under a name.

    Args:
        name: an identifier, such as `profit`, that no other metric uses.
        direction: `higher` or `lower`: the direction of improvement.
        value: function of labels, scores and weights, `(n_rows,)` each (multiclass scores:
            `(n_rows, n_classes)`).
        influence: function of the same arguments that returns `w_i * d value / d w_i` for each row,
            `(n_rows,)`. Without it, the standard error is bootstrapped, which calls `value` several
            hundred times.
        task: the task of the models that the metric applies to.
        requires: requirements on the rows, in addition to finite scores.

    Raises:
        ConfigError: the name is not an identifier or is taken, or the direction or the task is not
            a known one.
    """
    needs = requirements.two_rows if influence else requirements.enough_to_resample
    estimate = OwnEstimate(name, value, influence)
    found = Metric(name, _direction(name, direction), estimate, (needs, *requires), frozenset({_task(name, task)}))
    _require_free(found)
    return REGISTERED.setdefault(name, found)


def imported(text: str) -> Metric:
    """Return the metric at `package.module:attribute`; this text becomes its name.

    Raises:
        ConfigError: the module cannot be imported, or the attribute is not a metric.
    """
    module, _, attribute = text.partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except Exception as error:
        raise ConfigError(
            f"The metric '{text}' cannot be found, because its module cannot be imported ({type(error).__name__}: "
            f"{error}). Install the module, or put it in the working folder."
        ) from error
    if not isinstance(found, Metric):
        what = "is missing" if found is None else f"is of type {type(found).__name__}"
        raise ConfigError(
            f"The metric '{text}' must be the result of promotion.register_metric, but '{attribute}' {what}. "
            f"Write {attribute} = register_metric(...) in {module}."
        )
    return replace(found, name=text)


def _require_free(new: Metric) -> None:
    taken = new.name in FAMILIES or any(new.name == each.name for each in CATALOGUE)
    if not new.name.isidentifier():
        raise ConfigError(f"The name of a metric must be an identifier such as profit, but is '{new.name}'.")
    if taken or REGISTERED.get(new.name, new) != new:
        raise ConfigError(f"There is already another metric '{new.name}'. Register this one under a name of its own.")


def _direction(name: str, given: Direction | str) -> Direction:
    try:
        return Direction(given)
    except ValueError:
        raise ConfigError(f"The direction of the metric '{name}' must be higher or lower, but is '{given}'.") from None


def _task(name: str, given: Task | str) -> Task:
    try:
        return Task(given)
    except ValueError:
        tasks = ", ".join(Task)
        raise ConfigError(f"The task of the metric '{name}' must be one of {tasks}, but is '{given}'.") from None

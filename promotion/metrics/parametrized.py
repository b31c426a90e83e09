"""Metrics with parameters, such as `recall_at_fpr(0.01)`: parsed as literals, never evaluated."""

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from promotion.errors import ConfigError
from promotion.metrics.definition import Metric
from promotion.metrics.lazy import Functions
from promotion.vocabulary import Direction

if TYPE_CHECKING:
    from promotion.metrics import counting, thresholds
    from promotion.metrics import requirements as rows
    from promotion.metrics.counting import Cost
else:
    counting, thresholds, rows = map(Functions, ("counting", "thresholds", "requirements"))


@dataclass(frozen=True)
class Family:
    """A family of metrics that differ by parameters.

    Attributes:
        name: name of the function, e.g. `recall_at_fpr`.
        takes: description of its parameters, for messages.
        example: the text of one of its metrics.
        build: builds the metric from a text and its parameters; a TypeError or ValueError means
            they are invalid.
    """

    name: str
    takes: str
    example: str
    build: Callable[..., Metric]

    def metric(self, text: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Metric:
        """Build the metric with these parameters."""
        try:
            bound = inspect.signature(self.build).bind(text, *args, **kwargs)
            return self.build(*bound.args, **bound.kwargs)
        except (TypeError, ValueError) as error:
            raise self.misread(text) from error

    def misread(self, text: str) -> ConfigError:
        """Return the error that describes the valid parameters."""
        return ConfigError(
            f"The parameters of {self.name} must be {self.takes}, as in {self.example}, but it is written '{text}'."
        )


def _recall_at_fpr(text: str, fpr: float) -> Metric:
    return Metric(
        text, Direction.HIGHER, partial(thresholds.recall_at_fpr, fpr=_share(fpr)), (rows.every_class,), by_rank=True
    )


def _recall_at_precision(text: str, precision: float) -> Metric:
    estimate = partial(thresholds.recall_at_precision, precision=_share(precision))
    return Metric(text, Direction.HIGHER, estimate, (rows.every_class, rows.enough_to_resample), by_rank=True)


def _precision_at_k(text: str, k: int) -> Metric:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError
    requires = (rows.every_class, partial(rows.at_least, count=k))
    return Metric(text, Direction.HIGHER, partial(thresholds.precision_at_k, k=k), requires, by_rank=True)


def _expected_cost(
    text: str, *, fp: "Cost", fn: "Cost", tp: "Cost" = 0, tn: "Cost" = 0, threshold: float = 0.5
) -> Metric:
    estimate = partial(
        counting.expected_cost, fp=_cost(fp), fn=_cost(fn), tp=_cost(tp), tn=_cost(tn), threshold=_share(threshold)
    )
    of_label = ((0, fp), (0, tn), (1, fn), (1, tp))
    requires = tuple(partial(rows.costs, label=label, column=cost) for label, cost in of_label if isinstance(cost, str))
    columns = tuple(dict.fromkeys(cost for _, cost in of_label if isinstance(cost, str)))
    return Metric(text, Direction.LOWER, estimate, (rows.two_rows, rows.probabilities, *requires), columns=columns)


def _share(number: float) -> float:
    if not 0 < _number(number) < 1:
        raise ValueError
    return float(number)


def _cost(cost: "Cost") -> "Cost":
    return cost if isinstance(cost, str) else _number(cost)


def _number(number: float) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError
    return float(number)


FAMILIES = {
    family.name: family
    for family in (
        Family(
            "recall_at_fpr",
            "the largest share of the negatives that may be selected, above 0 and below 1",
            "recall_at_fpr(0.01)",
            _recall_at_fpr,
        ),
        Family(
            "precision_at_k",
            "the number of selected rows, a whole number from 1 up",
            "precision_at_k(100)",
            _precision_at_k,
        ),
        Family(
            "recall_at_precision",
            "the precision to keep, above 0 and below 1",
            "recall_at_precision(0.9)",
            _recall_at_precision,
        ),
        Family(
            "expected_cost",
            "the cost of a false positive, fp, and of a false negative, fn, each a number or the name of a column in "
            "quotes, and optionally those of tp and tn, and a threshold above 0 and below 1",
            'expected_cost(fp=5, fn="TransactionAmt")',
            _expected_cost,
        ),
    )
}


def parameterised(text: str) -> Metric | None:
    """Return the metric that a text such as `recall_at_fpr(0.01)` names; None if no family has that name.

    Raises:
        ConfigError: the parameters cannot be parsed, or are invalid.
    """
    family = FAMILIES.get(text.partition("(")[0].strip())
    if family is None:
        return None
    try:
        args, kwargs = _literals(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise family.misread(text) from error
    return family.metric(text, args, kwargs)


def _literals(text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise TypeError
    args = tuple(ast.literal_eval(each) for each in call.args)
    kwargs = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    if len(kwargs) < len(call.keywords):
        raise ValueError
    return args, kwargs

"""Metrics by name: built-in metrics, metrics with parameters, and custom metrics."""

import re

from promotion.errors import ConfigError, UnknownName
from promotion.metrics.catalogue import CATALOGUE
from promotion.metrics.custom import REGISTERED, imported
from promotion.metrics.definition import Metric
from promotion.metrics.parametrized import FAMILIES, parameterised
from promotion.vocabulary import Task

METRIC_NAMES = (*(each.name for each in CATALOGUE), *(each.example for each in FAMILIES.values()))
"""Every built-in metric name; for metrics with parameters, an example of each."""

_CATALOGUE = {each.name: each for each in CATALOGUE}
_IN_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def metric(name: str) -> Metric:
    """Return the metric with this name, e.g. `roc_auc`, `recall_at_fpr(0.01)`, or `package.module:attribute` if custom.

    Raises:
        UnknownName: there is no such metric; the message lists the nearest names.
        ConfigError: the parameters are invalid, or the module or attribute does not exist.
    """
    text = name.strip()
    found = _CATALOGUE.get(text) or REGISTERED.get(text) or parameterised(text)
    if found is not None:
        return found
    if _IN_MODULE.fullmatch(text):
        return imported(text)
    raise _unknown(text)


def is_built_in(name: str) -> bool:
    """Return whether this package has the metric, rather than somebody's code."""
    return name.strip() in _CATALOGUE or (name.strip() not in REGISTERED and parameterised(name.strip()) is not None)


def metric_names(task: Task) -> tuple[str, ...]:
    """Return the names in `METRIC_NAMES` that apply to this task."""
    return tuple(name for name in METRIC_NAMES if task in metric(name).tasks)


def _unknown(text: str) -> ConfigError | UnknownName:
    plain = text.partition("(")[0].strip()
    if plain in _CATALOGUE or plain in REGISTERED:
        return ConfigError(f"The metric {plain} takes no parameters, but has some in '{text}'. Write {plain}.")
    return UnknownName(kind="metric", name=text, known=(*METRIC_NAMES, *REGISTERED))

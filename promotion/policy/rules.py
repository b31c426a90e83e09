"""The single requirements of a policy: a primary metric, guardrails, floors, slices, limits. Values only."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict

from promotion.comparison import Slicing
from promotion.errors import ConfigError, PromotionError
from promotion.metrics import Metric, metric
from promotion.toml import Number, Span, Whole
from promotion.vocabulary import Direction

STRICT = ConfigDict(extra="forbid")

Columns = Annotated[tuple[str, ...], BeforeValidator(lambda by: (by,) if isinstance(by, str) else by)]
"""One column, or a list of them."""


class Require(StrEnum):
    """What a guardrail demands: shown not to lose more than the margin, or merely not shown to."""

    PROVEN = "proven"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The metric that must improve, by more than `max(min_gain, min_gain_relative * |champion|)`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """The metric that must improve."""
    min_gain: Number = 0.0
    """The gain must be shown to be above this."""
    min_gain_relative: Number = 0.0
    """And above this share of the champion's value; the larger of the two counts."""

    def __post_init__(self) -> None:
        metric_at("primary.metric", self.metric)
        at_least_zero("primary.min_gain", self.min_gain)
        at_least_zero("primary.min_gain_relative", self.min_gain_relative)

    def margin(self, champion: float) -> float:
        """The gain that must be exceeded, given the champion's value."""
        return max(self.min_gain, self.min_gain_relative * abs(champion))


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A metric that must not lose more than `max_loss` (a non-inferiority margin)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """Which one."""
    max_loss: Number
    """The loss that is still accepted, in the metric's own unit, 0 or more."""
    require: Require = Require.PROVEN
    """`"proven"`: it must be shown that the loss stays within `max_loss`. `"not_worse"`: only a loss that is shown to
    exceed it blocks.
    """

    def __post_init__(self) -> None:
        metric_at("guardrails.metric", self.metric)
        at_least_zero("guardrails.max_loss", self.max_loss)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A constant that the challenger's own value must clear: `min` for a score, `max` for a loss."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """Which metric."""
    min: Number | None = None
    """The lower limit of a score, of which more is better."""
    max: Number | None = None
    """The upper limit of a loss, of which less is better. One of the two must be given."""

    def __post_init__(self) -> None:
        direction = metric_at("floors.metric", self.metric).direction
        if (self.min is None) == (self.max is None):
            message = f"The floor of '{self.metric}' needs either 'min' or 'max', and just one of them."
            raise ConfigError(message, key="floors")
        if (self.min is None) is (direction is Direction.HIGHER):
            right, better = ("min", "more") if direction is Direction.HIGHER else ("max", "less")
            message = f"The floor of '{self.metric}' needs '{right}', since {better} of it is better."
            raise ConfigError(message, key="floors")
        limit = self.max if self.min is None else self.min
        if limit is not None and not math.isfinite(number_at("floors", limit)):
            message = f"The floor of '{self.metric}' must be a finite number, found {limit}."
            raise ConfigError(message, key="floors")


@dataclass(frozen=True, kw_only=True)
class SliceRule:
    """A guardrail for each part of the rows."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    by: Columns
    """Column whose values are the parts; a list of columns is crossed."""
    metric: str
    """As of a guardrail, in each part."""
    max_loss: Number
    """As of a guardrail, in each part."""
    bins: Whole | None = None
    """Divide the one column, a number, at its quantiles into this many parts."""
    window: Span | None = None
    """Divide the one column into windows of this length: a number in its own unit where it holds numbers, a length of
    time (`"12h"`, `"7d"`) where it holds dates or datetimes. Windows of whole days begin at midnight.
    """
    require: Require = Require.NOT_WORSE
    """`"not_worse"`: only a loss that is shown to exceed `max_loss` blocks, corrected for the number of parts (Holm
    1979). `"proven"`: every part must be shown to stay within it.
    """
    min_rows: Whole = 100
    """A part with fewer rows is not judged."""
    min_positives: Whole = 50
    """Nor one with fewer rows of the rarer class; of binary models only."""

    def __post_init__(self) -> None:
        metric_at("slices.metric", self.metric)
        at_least_zero("slices.max_loss", self.max_loss)
        at_least_zero("slices.min_rows", self.min_rows)
        at_least_zero("slices.min_positives", self.min_positives)
        with at("slices"):
            _ = self.slicing

    @property
    def slicing(self) -> Slicing:
        """How it divides the rows."""
        return Slicing(by=self.by, bins=self.bins, window=self.window)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a version may cost to serve; what is None is not limited."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    max_size_mb: Number | None = None
    """Size of the model's files, in megabytes of 1,000,000 bytes."""
    max_size_ratio: Number | None = None
    """That size, as a multiple of the champion's."""
    max_scoring_ratio: Number | None = None
    """Time to score the same rows, as a multiple of the champion's, measured side by side in the gate."""

    def __post_init__(self) -> None:
        for key in ("max_size_mb", "max_size_ratio", "max_scoring_ratio"):
            limit = getattr(self, key)
            if limit is not None and not 0 < number_at(f"limits.{key}", limit) < math.inf:
                message = f"'limits.{key}' must be a finite number above 0, found {limit}."
                raise ConfigError(message, key=f"limits.{key}")


@contextmanager
def at(key: str) -> Iterator[None]:
    """Name the key in the sentence of what is wrong with it."""
    try:
        yield
    except PromotionError as error:
        raise ConfigError(f"'{key}': {error}", key=key) from error


def metric_at(key: str, name: str) -> Metric:
    """The metric that a key names.

    Raises:
        ConfigError: there is none; names the key and the nearest metric.
    """
    with at(key):
        return metric(name)


def at_least_zero(key: str, value: float) -> None:
    """See that a number of the policy is finite and not negative."""
    if not 0 <= number_at(key, value) < math.inf:
        message = f"'{key}' must be a finite number and at least 0, found {value}."
        raise ConfigError(message, key=key)


def number_at(key: str, value: object) -> float:
    """The number of a key.

    Raises:
        ConfigError: it is none; true and false are none, and neither is text.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"'{key}' must be a number, without quotes, found {value!r}.", key=key)
    return value  # type: ignore[return-value]  # comparable with floats, whatever its type

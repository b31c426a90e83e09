"""The single requirements of a policy: primary metric, guardrails, floors, slices, limits. Values only."""

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
from promotion.toml import Number, Span, WholeNumber
from promotion.vocabulary import Direction

STRICT = ConfigDict(extra="forbid")

ColumnNames = Annotated[tuple[str, ...], BeforeValidator(lambda by: (by,) if isinstance(by, str) else by)]
"""One column, or a list of them."""


class Require(StrEnum):
    """Whether a guardrail requires proof that the loss stays within the margin, or blocks only a proven excess."""

    PROVEN = "proven"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The metric that must improve, by more than `max(min_gain, min_gain_relative * |champion|)`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """The metric that must improve."""
    min_gain: Number = 0.0
    """The lower confidence bound of the gain must exceed this value."""
    min_gain_relative: Number = 0.0
    """The lower confidence bound of the gain must also exceed this share of the champion's value. The larger of the two
    requirements applies.
    """

    def __post_init__(self) -> None:
        metric_at("primary.metric", self.metric)
        at_least_zero("primary.min_gain", self.min_gain)
        at_least_zero("primary.min_gain_relative", self.min_gain_relative)

    def margin(self, champion: float) -> float:
        """Return the gain that must be exceeded, given the champion's value."""
        return max(self.min_gain, self.min_gain_relative * abs(champion))


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A metric that must not lose more than `max_loss` (a non-inferiority margin)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """The metric that must not get worse."""
    max_loss: Number
    """The largest accepted loss, in the metric's own unit, 0 or more."""
    require: Require = Require.PROVEN
    """`"proven"`: the upper confidence bound of the loss must be below `max_loss`. `"not_worse"`: the version is
    blocked only if its loss exceeds `max_loss` significantly.
    """

    def __post_init__(self) -> None:
        metric_at("guardrails.metric", self.metric)
        at_least_zero("guardrails.max_loss", self.max_loss)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A constant that the challenger's own value must clear: `min` for a score, `max` for a loss."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    """The metric that the limit applies to."""
    min: Number | None = None
    """The lower limit, for a score (higher is better)."""
    max: Number | None = None
    """The upper limit, for a loss (lower is better). Set exactly one of `min` and `max`."""

    def __post_init__(self) -> None:
        direction = metric_at("floors.metric", self.metric).direction
        if (self.min is None) == (self.max is None):
            message = f"The floor of '{self.metric}' must have either 'min' or 'max', and not both."
            raise ConfigError(message, key="floors")
        if (self.min is None) is (direction is Direction.HIGHER):
            right = "min" if direction is Direction.HIGHER else "max"
            message = f"The floor of '{self.metric}' must have '{right}', because {direction} values are better."
            raise ConfigError(message, key="floors")
        limit = self.max if self.min is None else self.min
        if limit is not None and not math.isfinite(number_at("floors", limit)):
            raise ConfigError(f"The floor of '{self.metric}' must be a finite number, but is {limit}.", key="floors")


@dataclass(frozen=True, kw_only=True)
class SliceRule:
    """A guardrail for each part of the rows."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    by: ColumnNames
    """Column whose values define the parts. In a list of columns, each combination of values is a part."""
    metric: str
    """The metric that must not get worse in any part."""
    max_loss: Number
    """The largest accepted loss in each part, in the metric's own unit, 0 or more."""
    bins: WholeNumber | None = None
    """Divides a single numeric column into this number of parts at its quantiles."""
    window: Span | None = None
    """Divides a single column into windows of this length: a number in the column's own unit if the column holds
    numbers, or a duration (`"12h"`, `"7d"`) if it holds dates or datetimes. Windows of whole days begin at midnight.
    """
    require: Require = Require.NOT_WORSE
    """`"not_worse"`: the version is blocked only if its loss in a part exceeds `max_loss` significantly, with Holm's
    correction (1979) for the number of parts. `"proven"`: in every part, the upper confidence bound of the loss must be
    below `max_loss`.
    """
    min_rows: WholeNumber = 100
    """Minimum number of rows in a part; smaller parts are not judged."""
    min_positives: WholeNumber = 50
    """Minimum number of rows of the rarer class in a part; parts with fewer are not judged. Binary models only."""

    def __post_init__(self) -> None:
        metric_at("slices.metric", self.metric)
        at_least_zero("slices.max_loss", self.max_loss)
        at_least_zero("slices.min_rows", self.min_rows)
        at_least_zero("slices.min_positives", self.min_positives)
        with at("slices"):
            _ = self.slicing

    @property
    def slicing(self) -> Slicing:
        """The way the rule divides the rows."""
        return Slicing(by=self.by, bins=self.bins, window=self.window)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on the serving cost of a version; None means no limit."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    max_size_mb: Number | None = None
    """Maximum size of the model's files, in megabytes of 1,000,000 bytes."""
    max_size_ratio: Number | None = None
    """Maximum size of the model's files, as a multiple of the champion's."""
    max_scoring_ratio: Number | None = None
    """Maximum time to score the same rows, as a multiple of the champion's. The gate measures both times."""

    def __post_init__(self) -> None:
        for key in ("max_size_mb", "max_size_ratio", "max_scoring_ratio"):
            limit = getattr(self, key)
            if limit is not None and not 0 < number_at(f"limits.{key}", limit) < math.inf:
                message = f"'limits.{key}' must be a finite number above 0, but is {limit}."
                raise ConfigError(message, key=f"limits.{key}")


@contextmanager
def at(key: str) -> Iterator[None]:
    """Prefix an error in a value with the name of its key."""
    try:
        yield
    except PromotionError as error:
        raise ConfigError(f"'{key}': {error}", key=key) from error


def metric_at(key: str, name: str) -> Metric:
    """Return the metric that a key names.

    Raises:
        ConfigError: there is no such metric; the message gives the key and the nearest metric
            names.
    """
    with at(key):
        return metric(name)


def at_least_zero(key: str, value: float) -> None:
    """Check that a number of the policy is finite and not negative."""
    if not 0 <= number_at(key, value) < math.inf:
        raise ConfigError(f"'{key}' must be a finite number and at least 0, but is {value}.", key=key)


def number_at(key: str, value: object) -> float:
    """Return the number of a key.

    Raises:
        ConfigError: the value is not a number; booleans and text are not accepted.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"'{key}' must be a number, without quotes, but is {value!r}.", key=key)
    return value  # type: ignore[return-value]  # comparable with floats, whatever its type

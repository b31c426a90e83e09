"""The single requirements of a policy: a primary metric, guardrails, floors, slices, limits. Values only."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict

from promotion.errors import ConfigError, PromotionError
from promotion.evidence import Metric, Slicing, metric
from promotion.vocabulary import Direction

STRICT = ConfigDict(extra="forbid")


class Require(StrEnum):
    """What a guardrail demands: shown not to lose more than the margin, or merely not shown to."""

    PROVEN = "proven"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The metric that must improve, by more than `max(min_gain, min_gain_relative * |champion|)`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    min_gain: float = 0.0
    min_gain_relative: float = 0.0

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
    max_loss: float
    require: Require = Require.PROVEN

    def __post_init__(self) -> None:
        metric_at("guardrails.metric", self.metric)
        at_least_zero("guardrails.max_loss", self.max_loss)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A constant that the challenger's own value must clear: `min` for a score, `max` for a loss."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    metric: str
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        direction = metric_at("floors.metric", self.metric).direction
        if (self.min is None) == (self.max is None):
            message = f"The floor of '{self.metric}' needs either 'min' or 'max', and just one of them."
            raise ConfigError(message)
        if (self.min is None) is (direction is Direction.HIGHER):
            right, better = ("min", "more") if direction is Direction.HIGHER else ("max", "less")
            message = f"The floor of '{self.metric}' needs '{right}', since {better} of it is better."
            raise ConfigError(message)
        limit = self.max if self.min is None else self.min
        if limit is not None and not math.isfinite(limit):
            message = f"The floor of '{self.metric}' must be a finite number, found {limit}."
            raise ConfigError(message)


@dataclass(frozen=True, kw_only=True)
class SliceRule:
    """A guardrail for each part of the rows.

    Attributes:
        by: column, or columns that are crossed.
        bins, window: as of `Slicing`.
        metric, max_loss: as of a guardrail.
        require: `not_worse` blocks only on a loss that is shown to exceed `max_loss`, corrected for the number of
            slices (Holm 1979); `proven` demands of every slice to be shown not to lose more.
        min_rows, min_positives: a slice with fewer is not applicable.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    by: Annotated[tuple[str, ...], BeforeValidator(lambda by: (by,) if isinstance(by, str) else by)]
    metric: str
    max_loss: float
    bins: int | None = None
    window: float | None = None
    require: Require = Require.NOT_WORSE
    min_rows: int = 100
    min_positives: int = 50

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
    """What a version may cost to serve; what is None is not limited.

    Attributes:
        max_size_mb: size of its files, in megabytes of 1,000,000 bytes.
        max_size_ratio: that size, as a multiple of the champion's.
        max_scoring_ratio: time to score 1,000 rows, as a multiple of the champion's, measured side by side.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    max_size_mb: float | None = None
    max_size_ratio: float | None = None
    max_scoring_ratio: float | None = None

    def __post_init__(self) -> None:
        for key in ("max_size_mb", "max_size_ratio", "max_scoring_ratio"):
            limit = getattr(self, key)
            if limit is not None and not 0 < limit < math.inf:
                message = f"'limits.{key}' must be a finite number above 0, found {limit}."
                raise ConfigError(message)


@contextmanager
def at(key: str) -> Iterator[None]:
    """Name the key in the sentence of what is wrong with it."""
    try:
        yield
    except PromotionError as error:
        message = f"'{key}': {error}"
        raise ConfigError(message) from error


def metric_at(key: str, name: str) -> Metric:
    """The metric that a key names.

    Raises:
        ConfigError: there is none; names the key and the nearest metric.
    """
    with at(key):
        return metric(name)


def at_least_zero(key: str, value: float) -> None:
    """See that a number of the policy is finite and not negative."""
    if not 0 <= value < math.inf:
        message = f"'{key}' must be a finite number and at least 0, found {value}."
        raise ConfigError(message)

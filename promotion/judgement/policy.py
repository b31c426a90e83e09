"""The policy: what must hold before a version may serve. Values only; `checks` applies them."""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError

from promotion.canonical import digest, plain, restore
from promotion.errors import ConfigError
from promotion.evidence import metric
from promotion.toml import read_toml, sentences

DEFAULT_METRICS = ("average_precision", "roc_auc", "log_loss", "brier_score")
_STRICT = ConfigDict(extra="forbid")


class Require(StrEnum):
    """What a guardrail demands: shown not to lose more than the margin, or merely not shown to."""

    PROVEN = "proven"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The metric that must improve, by more than `max(min_gain, min_gain_relative * |champion|)`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    metric: str
    min_gain: float = 0.0
    min_gain_relative: float = 0.0

    def __post_init__(self) -> None:
        metric(self.metric)
        _at_least_zero("primary.min_gain", self.min_gain)
        _at_least_zero("primary.min_gain_relative", self.min_gain_relative)

    def margin(self, champion: float) -> float:
        """The gain that must be exceeded, given the champion's value."""
        return max(self.min_gain, self.min_gain_relative * abs(champion))


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A metric that must not lose more than `max_loss` (a non-inferiority margin)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    metric: str
    max_loss: float
    require: Require = Require.PROVEN

    def __post_init__(self) -> None:
        metric(self.metric)
        _at_least_zero("guardrails.max_loss", self.max_loss)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A constant that the challenger's own value must clear: `min` for a score, `max` for a loss."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    metric: str
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        metric(self.metric)
        if (self.min is None) == (self.max is None):
            message = f"The floor of '{self.metric}' needs either 'min' or 'max', and just one of them."
            raise ConfigError(message)
        limit = self.max if self.min is None else self.min
        if limit is not None and not math.isfinite(limit):
            message = f"The floor of '{self.metric}' must be a finite number, found {limit}."
            raise ConfigError(message)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What must hold before a version may serve.

    Attributes:
        primary: the metric that must improve.
        confidence: of the two-sided intervals shown; each one-sided check errs in at most `1 - confidence` of cases.
        guardrails: metrics that must not get worse than a margin.
        floors: constants that the challenger must clear; alone they decide on the first model.
        metrics: compared and recorded even when nothing is required of them.
        min_rows: fewer holdout rows than this are no evidence.
        min_positives: fewer positive rows than this are no evidence.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    primary: Primary
    confidence: float = 0.95
    guardrails: tuple[Guardrail, ...] = ()
    floors: tuple[Floor, ...] = ()
    metrics: tuple[str, ...] = DEFAULT_METRICS
    min_rows: int = 500
    min_positives: int = 50

    def __post_init__(self) -> None:
        for name in self.metrics:
            metric(name)
        if not 0.5 <= self.confidence < 1:  # noqa: PLR2004 - below one half "confidence" means its opposite
            message = f"'confidence' must be at least 0.5 and below 1, found {self.confidence}."
            raise ConfigError(message)

    @classmethod
    def from_toml(cls, source: str | Path | dict[str, Any]) -> "Policy":
        """Read a policy from a TOML file (its `[policy]` table, or the whole file) or from a dict of that shape.

        Raises:
            ConfigError: the file cannot be read, or a key or value is not what a policy takes.
            UnknownName: a metric that does not exist.
        """
        where = "the policy" if isinstance(source, dict) else str(source)
        data = source if isinstance(source, dict) else read_toml(Path(source))
        try:
            return restore(cls, data.get("policy", data))
        except ValidationError as error:
            raise ConfigError(sentences(error, cls, where)) from error

    @property
    def alpha(self) -> float:
        """Level of each one-sided check."""
        return 1 - self.confidence

    @property
    def names(self) -> tuple[str, ...]:
        """Every metric to compare, each once: those required first."""
        required = (
            self.primary.metric,
            *(guardrail.metric for guardrail in self.guardrails),
            *(floor.metric for floor in self.floors),
        )
        return tuple(dict.fromkeys((*required, *self.metrics)))

    @property
    def digest(self) -> str:
        """SHA-256 of the policy's canonical JSON."""
        return digest(plain(self))


def _at_least_zero(key: str, value: float) -> None:
    if not 0 <= value < math.inf:
        message = f"'{key}' must be a finite number and at least 0, found {value}."
        raise ConfigError(message)

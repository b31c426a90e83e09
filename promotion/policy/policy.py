"""The policy: the requirements on a version before it may serve. Values only; `checks` and other modules apply it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError

from promotion.canonical import digest, plain, restore
from promotion.comparison import Slicing
from promotion.displayed import Displayed
from promotion.errors import ConfigError
from promotion.metrics import metric
from promotion.metrics.usual import USUAL
from promotion.number_format import meant_as_share
from promotion.policy.approval import ANYONE, Panel
from promotion.policy.rules import (
    STRICT,
    Floor,
    Guardrail,
    Limits,
    Primary,
    SliceRule,
    at_least_zero,
    metric_at,
    number_at,
)
from promotion.toml import Number, WholeNumber, key_at_fault, read_toml, sentences
from promotion.vocabulary import Task


class Rule(StrEnum):
    """Whether confidence bounds or point estimates decide."""

    CONFIDENT = "confident"
    POINT = "point"


class FirstModel(StrEnum):
    """Who decides when there is no champion yet: the floors, or a person."""

    FLOORS = "floors"
    MANUAL = "manual"


class UnknownProvenance(StrEnum):
    """How to treat a version with unknown training rows."""

    HOLD = "hold"
    ASSUME_CLEAN = "assume_clean"


class ApprovalRule(StrEnum):
    """Whether a `promote` decision takes effect immediately or needs approval."""

    AUTOMATIC = "automatic"
    REQUIRED = "required"


class HoldoutReuse(StrEnum):
    """Whether each further decision on the same rows uses a stricter level."""

    BUDGET = "budget"
    IGNORE = "ignore"


@dataclass(frozen=True, kw_only=True, repr=False)
class Policy(Displayed):
    """The requirements on a version before it may serve."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    primary: Primary
    """The metric that must improve."""
    confidence: Number = 0.95
    """Confidence level of each check and of the reported two-sided intervals; at least 0.5 and below 1. The primary
    metric is tested at a stricter level; see `holdout_reuse`.
    """
    rule: Rule = Rule.CONFIDENT
    """`"confident"`: checks use confidence bounds. `"point"`: checks use point estimates and ignore chance."""
    guardrails: tuple[Guardrail, ...] = ()
    """Metrics that must not get worse."""
    floors: tuple[Floor, ...] = ()
    """Limits on the challenger's own metrics, regardless of the champion's. The first model, without a champion, needs
    at least one."""
    slices: tuple[SliceRule, ...] = ()
    """Metrics that must not get worse in any part of the rows."""
    limits: Limits = field(default_factory=Limits)
    """Limits on the serving cost of the version."""
    metrics: tuple[str, ...] | None = None
    """Metrics to compare and record in addition to those that the policy requires. Defaults to the standard metrics of
    the task.
    """
    min_rows: WholeNumber = 500
    """Minimum number of rows in the holdout; with fewer, the version is held."""
    min_positives: WholeNumber = 50
    """Minimum number of rows of the rarer class; with fewer, the version is held. Binary models only."""
    min_groups: WholeNumber = 5
    """Minimum effective number of named groups, if rows are grouped; with fewer, the version is held. For binary
    models, only groups that contain the rarer class count.
    """
    first_model: FirstModel = FirstModel.FLOORS
    """Who decides if there is no champion: `"floors"`, the floors alone, or `"manual"`, a person (`promotion promote
    TAG --override`).
    """
    unknown_provenance: UnknownProvenance = UnknownProvenance.HOLD
    """How to treat a version with unknown training rows: `"hold"`, or `"assume_clean"` to assume that it was trained on
    none of the evaluation rows.
    """
    approval: ApprovalRule = ApprovalRule.AUTOMATIC
    """`"required"`: a version that passed waits in `staging` until people approve it with `promotion approve TAG`."""
    approvers: tuple[str, ...] = ()
    """People who may approve, as the ledger records them: `os:NAME`, `config:NAME`, `form:NAME` (typed into the form in
    Prefect), `prefect:RUN`. By default, anyone may approve. Only with `approval = "required"`.
    """
    min_approvals: WholeNumber = 1
    """Number of different people who must approve. At least one of them must be neither the trainer of the version nor
    the person who requested the decision.
    """
    approval_timeout: str = "7d"
    """How long after a decision people can approve it, in hours, days or weeks, such as `"12h"`, `"3d"` or `"2w"`.
    After that, people can only deny it, and a gate run that waits for approval denies it.
    """
    holdout_reuse: HoldoutReuse = HoldoutReuse.BUDGET
    """`"budget"`: each further use of the same rows tests the primary metric at a stricter level. `"ignore"`: uses are
    not counted, and the primary metric is tested at `confidence`.
    """

    def __post_init__(self) -> None:
        for name in self.metrics or ():
            metric_at("metrics", name)
        self._check_one_task()
        at_least_zero("min_rows", self.min_rows)
        at_least_zero("min_positives", self.min_positives)
        at_least_zero("min_groups", self.min_groups)
        number_at("min_approvals", self.min_approvals)
        self._check_approval()
        given = number_at("confidence", self.confidence)
        if not 0.5 <= given < 1:  # noqa: PLR2004 - below one half "confidence" means its opposite
            hint = meant_as_share(given) if given >= 50 else ""  # noqa: PLR2004 - per cent
            raise ConfigError(f"'confidence' must be at least 0.5 and below 1, but is {given}.{hint}", key="confidence")

    @classmethod
    def from_toml(cls, source: str | Path | dict[str, Any]) -> "Policy":
        """Read a policy from a TOML file (its `[policy]` table, or the whole file) or from a dict of that shape.

        A promotion.toml or pyproject.toml that configures one model gives the policy of that model.

        Raises:
            ConfigError: the file cannot be read, it configures several models or none, or a key or value is not valid
                in a policy.
        """
        if not isinstance(source, str | Path | dict):
            message = (
                f"A policy is a Policy, a dict or the path of a TOML file, but this is of type {type(source).__name__}."
            )
            raise ConfigError(message)
        file = None if isinstance(source, dict) else Path(source)
        where = "the policy" if isinstance(source, dict) else str(source)
        data = source if isinstance(source, dict) else read_toml(Path(source))
        if file is not None and is_configuration(file, data):
            return _only(file)
        try:
            return restore(cls, data.get("policy", data))
        except ValidationError as error:
            raise ConfigError(sentences(error, cls, where), key=key_at_fault(error), path=file) from error
        except ConfigError as error:
            message = str(error) if isinstance(source, dict) else f"{source}: {error}"
            raise ConfigError(message, key=error.key, path=file) from error

    @property
    def alpha(self) -> float:
        """Level of each one-sided check; 0.5 under `rule = "point"`, at which a bound equals the point estimate."""
        return 0.5 if self.rule is Rule.POINT else round(1 - self.confidence, 12)

    @property
    def budgeted(self) -> bool:
        """Whether uses of the holdout are counted."""
        return self.rule is Rule.CONFIDENT and self.holdout_reuse is HoldoutReuse.BUDGET

    @property
    def panel(self) -> Panel:
        """The approval requirements: who may approve, how many people are required, and the time limit."""
        return Panel(approvers=self.approvers, needed=self.min_approvals, within=self.approval_timeout)

    @property
    def required(self) -> tuple[str, ...]:
        """All metrics with a requirement, without duplicates, the primary first."""
        others: tuple[Guardrail | Floor | SliceRule, ...] = (*self.guardrails, *self.floors, *self.slices)
        return tuple(dict.fromkeys((self.primary.metric, *(rule.metric for rule in others))))

    @property
    def tasks(self) -> frozenset[Task]:
        """The tasks that all named metrics apply to."""
        named = (*self.required, *(self.metrics or ()))
        return frozenset(Task).intersection(*(metric(name).tasks for name in named))

    def names(self, task: Task = Task.BINARY) -> tuple[str, ...]:
        """Return all metrics to compare for this task, without duplicates, the required ones first."""
        return tuple(dict.fromkeys((*self.required, *(USUAL[task] if self.metrics is None else self.metrics))))

    @property
    def slicings(self) -> tuple[Slicing, ...]:
        """All slicings, without duplicates."""
        return tuple(dict.fromkeys(rule.slicing for rule in self.slices))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rows must have for slices and for costs per row."""
        return tuple(dict.fromkeys((*(column for rule in self.slices for column in rule.by), *self.costs)))

    @property
    def costs(self) -> tuple[str, ...]:
        """Numeric columns that the metrics read."""
        named = (*self.required, *(self.metrics or ()))
        return tuple(dict.fromkeys(column for name in named for column in metric(name).columns))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the policy's canonical JSON; see `policy_digest`."""
        return policy_digest(plain(self))

    def _check_one_task(self) -> None:
        """Check that all named metrics apply to one task."""
        if not self.tasks:
            names = (*self.required, *(self.metrics or ()))
            said = ", ".join(f"{name} ({' or '.join(sorted(metric(name).tasks))})" for name in names)
            raise ConfigError(f"The policy's metrics must apply to the same task, but apply to different ones: {said}.")

    def _check_approval(self) -> None:
        """Check that the required approvals can be given."""
        if self.approval is ApprovalRule.AUTOMATIC and self.panel != ANYONE:
            usual = "approval_timeout" if self.min_approvals == ANYONE.needed else "min_approvals"
            key = "approvers" if self.approvers else usual
            message = f"'{key}' has an effect only with approval = \"required\". Set that too, or leave out '{key}'."
            raise ConfigError(message, key=key)
        for fault in self.panel.faults():
            raise ConfigError(fault)


def is_configuration(file: Path, data: Mapping[str, Any]) -> bool:
    """Return whether a file with this content configures models, rather than being a policy by itself."""
    return "models" in data or file.name in {"promotion.toml", "pyproject.toml"}


def _only(file: Path) -> Policy:
    """Return the policy of a configuration that contains one; only then is what reads configurations imported."""
    policies: Mapping[str, Policy] = import_module("promotion.config").policies(file)
    if len(policies) > 1:
        message = (
            f"{file} must contain one policy, but contains those of {', '.join(policies)}. Give a file with one policy."
        )
        raise ConfigError(message, path=file)
    return next(iter(policies.values()))


def policy_digest(policy: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a policy's plain data, without keys of later releases that are at their default.

    An unchanged policy therefore keeps the digest it had in earlier releases.
    """
    later = {"approval_timeout": ANYONE.within, "min_groups": Policy.min_groups}
    return digest({key: value for key, value in policy.items() if (key, value) not in later.items()})

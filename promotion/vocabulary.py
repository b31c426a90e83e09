"""The terms of the registry, one per concept, as used in code, command, documents and tables."""

import re
from dataclasses import dataclass
from enum import StrEnum

from promotion.errors import BadTag

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,61}[a-z0-9])?")


class Stage(StrEnum):
    """The stage of a version; written to the model store as the label `stage`."""

    STAGING = "staging"
    PROD = "prod"
    ARCHIVED = "archived"
    REJECTED = "rejected"


class Direction(StrEnum):
    """The direction in which a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"

    def gain(self, champion: float, challenger: float) -> float:
        """Return how much better the challenger is; positive is better whatever the direction."""
        return challenger - champion if self is Direction.HIGHER else champion - challenger


class Task(StrEnum):
    """The task of a model: binary or multiclass classification, or regression."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Outcome(StrEnum):
    """The outcome of one check of the policy."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    MISSING = "missing"


class Verdict(StrEnum):
    """The verdict of a decision on the challenger."""

    PROMOTE = "promote"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, order=True)
class Tag:
    """The name of one version, `fraud_classifier:abc123`: the model's name and the version's name."""

    model: str
    version: str

    @classmethod
    def parse(cls, text: "str | Tag") -> "Tag":
        """Parse `model:version`; a tag is returned unchanged.

        Raises:
            BadTag: the text is not of that form, or its parts are not valid BentoML names.
        """
        if isinstance(text, Tag):
            return text
        model, _, version = text.partition(":")
        if not _is_tag(text):
            raise BadTag(text, meant=text.lower() if _is_tag(text.lower()) else "")
        return cls(model, version)

    def __str__(self) -> str:
        return f"{self.model}:{self.version}"


def _is_tag(text: str) -> bool:
    model, colon, version = text.partition(":")
    return bool(colon) and is_name(model) and is_name(version)


def is_name(text: str) -> bool:
    """Return whether BentoML accepts the text as a name: at most 63 of a-z, 0-9, '_', '-', '.'; alphanumeric ends."""
    return _NAME.fullmatch(text) is not None

"""The words of the registry, one per idea, as they stand in code, command, documents and tables."""

from dataclasses import dataclass
from enum import StrEnum

from promotion.errors import BadTag


class Stage(StrEnum):
    """Where a version stands; written to the Bento store as the label `stage`."""

    STAGING = "staging"
    PROD = "prod"
    ARCHIVED = "archived"
    REJECTED = "rejected"


class Direction(StrEnum):
    """Which way a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"

    def gain(self, champion: float, challenger: float) -> float:
        """How much better the challenger is; positive is better whatever the direction."""
        return challenger - champion if self is Direction.HIGHER else champion - challenger


class Task(StrEnum):
    """What a model predicts: one of two classes, one of several, or a number."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Outcome(StrEnum):
    """What one check of the policy found."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    MISSING = "missing"


class Verdict(StrEnum):
    """What a decision says of the challenger."""

    PROMOTE = "promote"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, order=True)
class Tag:
    """The name of one version, `fraud_classifier:abc123`: the model's name and the version's."""

    model: str
    version: str

    @classmethod
    def parse(cls, text: "str | Tag") -> "Tag":
        """Read `model:version`; a tag is itself.

        Raises:
            BadTag: the text is not of that form, or its parts are not BentoML names.
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
    """Whether BentoML takes the text as a name or version: at most 63 of a-z, 0-9, '_', '-', '.', ends alphanumeric."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789_-.")
    return 0 < len(text) <= 63 and set(text) <= allowed and text[0].isalnum() and text[-1].isalnum()  # noqa: PLR2004

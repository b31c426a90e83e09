"""What is known about the training rows of a version."""

from dataclasses import dataclass

from promotion.row_keys import KnownRows


@dataclass(frozen=True)
class TrainedBefore:
    """The person who adopted the version declared that all its training rows are earlier than this time.

    Attributes:
        bound: a number in the unit of the recipe's time, or a date or time as ISO 8601 text.
    """

    bound: float | str


@dataclass(frozen=True)
class AssumedClean:
    """The person who adopted the version, or the policy, declared that it was trained on none of the holdout's rows."""

    by_policy: bool = False


@dataclass(frozen=True)
class UnknownRows:
    """The training rows are unknown.

    Attributes:
        groups: the requested groups, if only these are unknown.
        beside: the known training rows.
    """

    groups: str = ""
    beside: KnownRows | TrainedBefore | None = None

    def taken_as_clean(self, *, by_policy: bool = False) -> "Provenance":
        """Return the provenance if the unknown part is assumed clean; the known part is kept."""
        return self.beside or AssumedClean(by_policy=by_policy)


Provenance = KnownRows | TrainedBefore | AssumedClean | UnknownRows

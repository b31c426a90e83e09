"""A version of a model as its ledger records it."""

from dataclasses import dataclass
from typing import NamedTuple

from promotion.ledger.entries import Adoption, Registration
from promotion.ledger.trials import Place
from promotion.policy import Decision
from promotion.vocabulary import Stage


class Recorded(NamedTuple):
    """The entries of a version's registration, of its adoption and of its latest decision."""

    registration: Place | None = None
    adoption: Place | None = None
    decision: Place | None = None


NOWHERE = Recorded()


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One person's answer to the current decision on a version."""

    actor: str
    at: str
    approved: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """A rollback that removed a version from production and has not been revoked since.

    Attributes:
        actor: who rolled back, e.g. `os:alice`.
        at, seq: time and entry of the rollback.
        reason: why.
    """

    actor: str
    at: str
    seq: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class VersionState:
    """One version according to the ledger.

    Attributes:
        registration: its registration.
        registered_at, registered_by: when and by whom it was registered.
        stage: its stage; None if it never had a known stage, or is deleted.
        adoption: the statement of a person who vouched for it.
        decision: the latest decision on it.
        decided_seq, decided_by, decided_at: entry, requester and time of that decision.
        votes: people's answers to that decision, the latest of each.
        deleted_at: when its files were deleted permanently.
        deleted_by, deleted_because: by whom and why.
        rolled_back: the rollback that removed it from production; None once it serves again or was
            readmitted.
        recorded: where its registration, its adoption and its decision are recorded.
        entries: `seq` of every entry that names it, and of those that complete its moves.
    """

    registration: Registration
    registered_at: str
    registered_by: str
    stage: Stage | None
    adoption: Adoption | None = None
    decision: Decision | None = None
    decided_seq: int | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    votes: tuple[Vote, ...] = ()
    deleted_at: str | None = None
    deleted_by: str | None = None
    deleted_because: str | None = None
    rolled_back: RolledBack | None = None
    recorded: Recorded = NOWHERE
    entries: tuple[int, ...] = ()

    @property
    def tag(self) -> str:
        """Tag of the version."""
        return self.registration.tag

    def changed(self, **fields: object) -> "VersionState":
        """Return the version with these fields changed; several times faster than `replace`."""
        other = object.__new__(VersionState)
        vars(other).update(vars(self), **fields)
        return other

    @property
    def deletion(self) -> "Deletion | None":
        """When its files were deleted, by whom and why; None if they were not."""
        if self.deleted_at is None:
            return None
        return Deletion(self.deleted_at, self.deleted_by or "", self.deleted_because or "")


def registered(registration: Registration, at: str, by: str, place: Place) -> VersionState:
    """Return a version that was just registered."""
    recorded = Recorded(registration=place)
    return VersionState(
        registration=registration, registered_at=at, registered_by=by, stage=registration.stage, recorded=recorded
    )


def decided(version: VersionState, decision: Decision, at: str, by: str, place: Place) -> VersionState:
    """Return the version after a decision; answers to an earlier one no longer count."""
    recorded = version.recorded._replace(decision=place)
    return version.changed(
        decision=decision, decided_seq=place.seq, decided_by=by, decided_at=at, votes=(), recorded=recorded
    )


class Deletion(NamedTuple):
    """When a version's files were deleted, by whom and why."""

    at: str
    by: str
    reason: str

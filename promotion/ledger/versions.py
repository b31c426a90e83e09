"""The versions of a model as its ledger records them; those of a checkpoint are read from their entries on access."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from promotion.canonical import plain
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
        rolled_back: the rollback that removed it from production; None once it serves again or was readmitted.
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
    return replace(
        version, decision=decision, decided_seq=place.seq, decided_by=by, decided_at=at, votes=(), recorded=recorded
    )


class Deletion(NamedTuple):
    """When a version's files were deleted, by whom and why."""

    at: str
    by: str
    reason: str


class Brief(NamedTuple):
    """What a checkpoint keeps of a version, in the values of JSON: its state, and where the rest is recorded.

    Attributes:
        stage: its stage.
        entries: `seq` of every entry that names it.
        registration, decision, adoption: `seq` and hash of these entries.
        waits: whether its decision waits for approval.
        votes, deleted, rolled_back: as in the version.
    """

    stage: str | None
    entries: Sequence[int]
    registration: Sequence[Any] | None = None
    decision: Sequence[Any] | None = None
    waits: bool = False
    adoption: Sequence[Any] | None = None
    votes: Sequence[Any] = ()
    deleted: Sequence[str] | None = None
    rolled_back: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, version: VersionState) -> "Brief":
        """Return the brief of a version."""
        return cls(
            stage=version.stage,
            entries=version.entries,
            registration=version.recorded.registration,
            decision=version.recorded.decision,
            waits=version.decision is not None and version.decision.waits,
            adoption=version.recorded.adoption,
            votes=plain(version.votes),
            deleted=version.deletion,
            rolled_back=plain(version.rolled_back),
        )

    @property
    def recorded(self) -> Recorded:
        """The entries of its registration, adoption and decision."""
        places = (self.registration, self.adoption, self.decision)
        return Recorded(*(Place(*place) if place else None for place in places))

    def row(self) -> Sequence[Any]:
        """Return the values without the empty ones at the end; `Brief(*row)` is the brief again."""
        empty = next((place for place, value in enumerate(reversed(self)) if value), len(self))
        return self[: max(len(self) - empty, 2)]


Read = Callable[[str, Brief], VersionState]
"""Reads a version from the entries that its brief names."""


class Versions(Mapping[str, VersionState]):
    """Every version ever registered, by tag, in order of registration.

    Args:
        kept: the versions of a checkpoint, in brief.
        read: reads one of them.
        changed: the versions that entries after the checkpoint registered or changed.
    """

    def __init__(
        self,
        kept: Mapping[str, Brief] | None = None,
        read: Read | None = None,
        changed: Mapping[str, VersionState] | None = None,
    ) -> None:
        self._kept, self._read = kept or {}, read
        self._changed, self._known = dict(changed or {}), dict[str, VersionState]()

    def __getitem__(self, tag: str) -> VersionState:
        if tag in self._changed:
            return self._changed[tag]
        if tag not in self._known:
            brief = self._kept[tag]
            assert self._read is not None  # noqa: S101 - briefs come with their reader
            self._known[tag] = self._read(tag, brief)
        return self._known[tag]

    def __iter__(self) -> Iterator[str]:
        yield from self._kept
        yield from (tag for tag in self._changed if tag not in self._kept)

    def __contains__(self, tag: object) -> bool:
        return tag in self._changed or tag in self._kept

    def __len__(self) -> int:
        return len(self._kept) + sum(tag not in self._kept for tag in self._changed)

    def __setitem__(self, tag: str, version: VersionState) -> None:
        self._changed[tag] = version

    def copy(self) -> "Versions":
        """Return versions that change independently of these."""
        return Versions(self._kept, self._read, self._changed)

    def briefs(self) -> Iterator[tuple[str, Brief]]:
        """Yield every version in brief, without reading entries."""
        for tag in self:
            changed = self._changed.get(tag)
            yield tag, self._kept[tag] if changed is None else Brief.of(changed)

"""The state of a model, folded from its ledger entries. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from promotion.errors import LedgerError
from promotion.ledger.chain import GENESIS, Champion, Entry, Head
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Body,
    FreshStart,
    Judgement,
    Override,
    Readmission,
    Registration,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.policy import Decision, Trial
from promotion.vocabulary import Stage


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
class Succession:
    """The change that made the current champion.

    Attributes:
        actor: who made it, e.g. `os:alice`.
        plan: the transition, with cause and reason.
        replaced: the champion before it; None for the first champion.
    """

    actor: str
    plan: TransitionPlanned
    replaced: str | None


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

    @property
    def tag(self) -> str:
        """Tag of the version."""
        return self.registration.tag


@dataclass(frozen=True, kw_only=True)
class State:
    """A model's state at one point of its ledger.

    Attributes:
        model: its name.
        seq, hash: of the last entry folded.
        origin: hash of the first entry, by which the store identifies this ledger; None before the first entry.
        versions: every version ever registered, by tag.
        champion: the current champion.
        succession: the change that made it champion.
        line: the sequence of champions up to the current one, which is last; a rollback removes from its end.
        trials: every use of a holdout, oldest first.
        budgeted: the last decision that counted the uses of its holdout.
        pending: the transition that is planned but not yet applied, with its `seq`.
        fresh_start: the last fresh start, if any.
    """

    model: str
    seq: int = 0
    hash: str = GENESIS
    origin: str | None = None
    versions: Mapping[str, VersionState] = field(default_factory=lambda: MappingProxyType({}))
    champion: Champion | None = None
    succession: Succession | None = None
    line: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    budgeted: Judgement | None = None
    pending: tuple[int, TransitionPlanned] | None = None
    fresh_start: FreshStart | None = None

    @property
    def head(self) -> Head | None:
        """The last entry and the champion; None before the first entry."""
        return Head(model=self.model, seq=self.seq, hash=self.hash, champion=self.champion) if self.seq else None

    @property
    def previous(self) -> str | None:
        """The previous champion, which a rollback would restore."""
        return self.line[-2] if len(self.line) > 1 else None

    @property
    def waiting(self) -> tuple[VersionState, ...]:
        """The versions in `staging`, in order of registration."""
        return tuple(version for version in self.versions.values() if version.stage is Stage.STAGING)


def fold(model: str, entries: Iterable[Entry]) -> State:
    """Return the state after all the entries.

    Raises:
        LedgerError: an entry was changed after it was written, or is out of place.
    """
    return _folded(State(model=model), entries).state()


def advance(state: State, *entries: Entry) -> State:
    """Return the state after further entries.

    Raises:
        LedgerError: they do not follow this state.
    """
    return _folded(state, entries).state()


def champions(model: str, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Champion | None]]:
    """Yield each entry with the champion after it."""
    builder = StateBuilder(State(model=model))
    for entry in entries:
        builder.take(entry)
        yield entry, builder.champion


def champion_at(model: str, entries: Iterable[Entry], moment: datetime) -> Champion | None:
    """Return the champion at a time, by the times in the entries: the last one that began at or before it."""
    found = None
    for _, champion in champions(model, entries):
        if champion and datetime.fromisoformat(champion.since) <= moment:
            found = champion
    return found


def _folded(state: State, entries: Iterable[Entry]) -> "StateBuilder":
    builder = StateBuilder(state)
    for entry in entries:
        builder.take(entry)
    return builder


class StateBuilder:
    """A mutable state that folds entries in linear time."""

    def __init__(self, state: State) -> None:
        self.model, self.seq, self.hash, self.origin = state.model, state.seq, state.hash, state.origin
        self.versions, self.champion = dict(state.versions), state.champion
        self.succession = state.succession
        self.line, self.trials, self.pending = list(state.line), list(state.trials), state.pending
        self.budgeted = state.budgeted
        self.fresh_start = state.fresh_start

    def state(self) -> State:
        """Return the resulting state."""
        return State(
            model=self.model,
            seq=self.seq,
            hash=self.hash,
            origin=self.origin,
            versions=MappingProxyType(self.versions),
            champion=self.champion,
            succession=self.succession,
            line=tuple(self.line),
            trials=tuple(self.trials),
            budgeted=self.budgeted,
            pending=self.pending,
            fresh_start=self.fresh_start,
        )

    def take(self, entry: Entry) -> None:
        """Fold the next entry, after checking that it is unchanged and in place."""
        if entry.seq != self.seq + 1 or entry.prev_hash != self.hash or entry.hash != entry.expected_hash():
            message = (
                f"Entry {entry.seq} of '{self.model}' does not follow entry {self.seq}: something other than "
                f"`promotion` changed the ledger. Run `promotion audit {self.model}` to see where, and restore the "
                "ledger from a backup."
            )
            raise LedgerError(message, model=self.model, seq=entry.seq)
        self.record(entry, entry.content())

    def record(self, entry: Entry, body: Body) -> None:
        """Fold the next entry, already verified, with its content."""
        try:
            self._record(entry, body)
        except KeyError as error:
            message = (
                f"Entry {entry.seq} of '{self.model}' names {error}, which is not registered. Run `promotion audit`."
            )
            raise LedgerError(message, model=self.model, seq=entry.seq) from error
        self.seq, self.hash, self.origin = entry.seq, entry.hash, self.origin or entry.hash

    def _record(self, entry: Entry, body: Body) -> None:
        match body:
            case Registration():
                self.versions[body.tag] = VersionState(
                    registration=body, registered_at=entry.at, registered_by=entry.actor, stage=body.stage
                )
            case Judgement():
                asked = {"decided_seq": entry.seq, "decided_by": entry.actor, "decided_at": entry.at}
                self._change(body.tag, decision=body.decision, votes=(), **asked)
                self.trials.extend(filter(None, (body.trial,)))
                self.budgeted = body if body.decision.budget else self.budgeted
            case Approval():
                vote = Vote(actor=entry.actor, at=entry.at, approved=body.approved, reason=body.reason)
                others = (one for one in self.versions[body.tag].votes if one.actor != vote.actor)
                self._change(body.tag, votes=(*others, vote))
            case Adoption():
                self._change(body.tag, adoption=body)
            case TransitionPlanned():
                self._plan(entry, body)
            case TransitionApplied():
                self.pending = None
            case Readmission():
                self._change(body.tag, rolled_back=None)
            case FreshStart():
                self.fresh_start = body
            case Override() | Takeover():
                pass
            case _:
                assert_never(body)

    def _plan(self, entry: Entry, plan: TransitionPlanned) -> None:
        for move in plan.moves:
            self._change(move.tag, stage=move.after, deleted_at=None, deleted_by=None, deleted_because=None)
        for tag in plan.deletions:
            gone = {"deleted_at": entry.at, "deleted_by": entry.actor, "deleted_because": plan.reason}
            self._change(tag, stage=None, **gone)
        self.pending = (entry.seq, plan)
        if plan.champion is None or (self.champion and self.champion.tag == plan.champion):
            return
        if self.champion and plan.cause == "rollback":
            back = RolledBack(actor=entry.actor, at=entry.at, seq=entry.seq, reason=plan.reason)
            self._change(self.champion.tag, rolled_back=back)
        self._change(plan.champion, rolled_back=None)  # whoever promoted it again is on record
        replaced = self.champion.tag if self.champion else None
        self.succession = Succession(actor=entry.actor, plan=plan, replaced=replaced)
        self.champion = Champion(
            tag=plan.champion,
            digest=self.versions[plan.champion].registration.digest,
            since=entry.at,
            seq=entry.seq,
            decision=plan.decision,
        )
        self._extend_line(plan)

    def _extend_line(self, plan: TransitionPlanned) -> None:
        assert plan.champion is not None  # noqa: S101 - the caller ensures it
        if plan.cause == "rollback" and plan.champion in self.line:
            last = len(self.line) - 1 - self.line[::-1].index(plan.champion)
            del self.line[last + 1 :]
        else:
            self.line.append(plan.champion)

    def _change(self, tag: str, **fields: object) -> None:
        self.versions[tag] = replace(self.versions[tag], **fields)  # type: ignore[arg-type]

"""What is so: the state of a model, folded from its entries. Pure."""

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
    """One person's answer to the decision that stands on a version."""

    actor: str
    at: str
    approved: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """A rollback that took a version out of production, and that no person has taken back since.

    Attributes:
        actor: who rolled back, e.g. `os:alice`.
        at, seq: when, and its entry.
        reason: why.
    """

    actor: str
    at: str
    seq: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class VersionState:
    """One version as the ledger knows it.

    Attributes:
        registration: where it came from.
        registered_at, registered_by: when and by whom that was recorded.
        stage: where it stands; None for one that never carried a stage of ours, and for a deleted one.
        adoption: what a person vouched for.
        decision: the last one on it,
        decided_seq, decided_by, decided_at: its entry, who asked for it and when, and
        votes: what people answered to it, each with their last word.
        deleted_at: when its files were given up for good,
        deleted_by, deleted_because: by whom and why.
        rolled_back: the rollback that took it out of production; None once it serves again or was readmitted.
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
        """The version's tag."""
        return self.registration.tag


@dataclass(frozen=True, kw_only=True)
class State:
    """A model at one point of its ledger.

    Attributes:
        model: its name.
        seq, hash: of the last entry folded.
        origin: hash of the first, by which the store knows this ledger; None before there is one.
        versions: every version ever registered, by tag.
        champion: who serves.
        line: the champions that led here, the present one last; a rollback takes from its end.
        trials: every use of a holdout, oldest first.
        budgeted: the last decision that counted the uses of its holdout.
        pending: the transition that is planned and not yet applied, with its `seq`.
        fresh_start: the last one, if any.
    """

    model: str
    seq: int = 0
    hash: str = GENESIS
    origin: str | None = None
    versions: Mapping[str, VersionState] = field(default_factory=lambda: MappingProxyType({}))
    champion: Champion | None = None
    line: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    budgeted: Judgement | None = None
    pending: tuple[int, TransitionPlanned] | None = None
    fresh_start: FreshStart | None = None

    @property
    def head(self) -> Head | None:
        """The end of the chain; None before the first entry."""
        return Head(model=self.model, seq=self.seq, hash=self.hash, champion=self.champion) if self.seq else None

    @property
    def previous(self) -> str | None:
        """Whom a rollback would bring back."""
        return self.line[-2] if len(self.line) > 1 else None

    @property
    def waiting(self) -> tuple[VersionState, ...]:
        """The versions in `staging`, in order of registration."""
        return tuple(version for version in self.versions.values() if version.stage is Stage.STAGING)


def fold(model: str, entries: Iterable[Entry]) -> State:
    """The state after all the entries.

    Raises:
        LedgerError: the entries are not as they were written.
    """
    return _folded(State(model=model), entries).state()


def advance(state: State, *entries: Entry) -> State:
    """The state after some more entries.

    Raises:
        LedgerError: they do not follow this state.
    """
    return _folded(state, entries).state()


def champions(model: str, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Champion | None]]:
    """Each entry with who served after it."""
    builder = StateBuilder(State(model=model))
    for entry in entries:
        builder.take(entry)
        yield entry, builder.champion


def champion_at(model: str, entries: Iterable[Entry], moment: datetime) -> Champion | None:
    """Who served at a moment, by the times that the entries carry: the last champion that began no later."""
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
    """A state that takes entries in, in time proportional to their number."""

    def __init__(self, state: State) -> None:
        self.model, self.seq, self.hash, self.origin = state.model, state.seq, state.hash, state.origin
        self.versions, self.champion = dict(state.versions), state.champion
        self.line, self.trials, self.pending = list(state.line), list(state.trials), state.pending
        self.budgeted = state.budgeted
        self.fresh_start = state.fresh_start

    def state(self) -> State:
        """What it has come to."""
        return State(
            model=self.model,
            seq=self.seq,
            hash=self.hash,
            origin=self.origin,
            versions=MappingProxyType(self.versions),
            champion=self.champion,
            line=tuple(self.line),
            trials=tuple(self.trials),
            budgeted=self.budgeted,
            pending=self.pending,
            fresh_start=self.fresh_start,
        )

    def take(self, entry: Entry) -> None:
        """Take in the next entry, as it was written and where it belongs."""
        if entry.seq != self.seq + 1 or entry.prev_hash != self.hash or entry.hash != entry.expected_hash():
            message = (
                f"Entry {entry.seq} of '{self.model}' does not follow entry {self.seq} as it was written: the ledger "
                f"was changed from outside. `promotion audit {self.model}` shows where. Restore it from a backup."
            )
            raise LedgerError(message, model=self.model, seq=entry.seq)
        self.record(entry, entry.content())

    def record(self, entry: Entry, body: Body) -> None:
        """Take in the next entry, which was seen to be as it was written, with its content."""
        try:
            self._record(entry, body)
        except KeyError as error:
            message = (
                f"Entry {entry.seq} of '{self.model}' names {error}, which is not registered; run `promotion audit`."
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
        self._change(plan.champion, rolled_back=None)  # whoever put it there again: that is on record
        self.champion = Champion(
            tag=plan.champion,
            digest=self.versions[plan.champion].registration.digest,
            since=entry.at,
            seq=entry.seq,
            decision=plan.decision,
        )
        self._extend_line(plan)

    def _extend_line(self, plan: TransitionPlanned) -> None:
        assert plan.champion is not None  # noqa: S101 - the caller has seen to it
        if plan.cause == "rollback" and plan.champion in self.line:
            last = len(self.line) - 1 - self.line[::-1].index(plan.champion)
            del self.line[last + 1 :]
        else:
            self.line.append(plan.champion)

    def _change(self, tag: str, **fields: object) -> None:
        self.versions[tag] = replace(self.versions[tag], **fields)  # type: ignore[arg-type]

"""What is so: the state of a model, folded from its entries. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from promotion.errors import LedgerError
from promotion.judgement import Decision, Trial
from promotion.registry.entries import (
    GENESIS,
    Adoption,
    Body,
    Champion,
    Entry,
    Head,
    Judgement,
    Override,
    Registration,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.vocabulary import Stage


@dataclass(frozen=True, kw_only=True)
class Known:
    """One version as the ledger knows it: its registration, stage, last decision and adoption."""

    registration: Registration
    registered_at: str
    stage: Stage | None
    adoption: Adoption | None = None
    decision: Decision | None = None
    decided_seq: int | None = None

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
        versions: every version ever registered, by tag.
        champion: who serves.
        line: the champions that led here, the present one last; a rollback takes from its end.
        trials: every use of a holdout, oldest first.
        pending: the transition that is planned and not yet applied, with its `seq`.
    """

    model: str
    seq: int = 0
    hash: str = GENESIS
    versions: Mapping[str, Known] = field(default_factory=lambda: MappingProxyType({}))
    champion: Champion | None = None
    line: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    pending: tuple[int, TransitionPlanned] | None = None

    @property
    def head(self) -> Head | None:
        """The end of the chain; None before the first entry."""
        return Head(model=self.model, seq=self.seq, hash=self.hash, champion=self.champion) if self.seq else None

    @property
    def previous(self) -> str | None:
        """Whom a rollback would bring back."""
        return self.line[-2] if len(self.line) > 1 else None

    @property
    def waiting(self) -> tuple[Known, ...]:
        """The versions in `staging`, in order of registration."""
        return tuple(known for known in self.versions.values() if known.stage is Stage.STAGING)


def fold(model: str, entries: Iterable[Entry]) -> State:
    """The state after all the entries."""
    state = State(model=model)
    for entry in entries:
        state = advance(state, entry)
    return state


def champion_at(model: str, entries: Iterable[Entry], moment: datetime) -> Champion | None:
    """Who served at a moment, by the times that the entries carry: the last entry that is not after it counts."""
    state = State(model=model)
    champion = None
    for entry in entries:
        state = advance(state, entry)
        if datetime.fromisoformat(entry.at) <= moment:
            champion = state.champion
    return champion


def advance(state: State, entry: Entry) -> State:
    """The state after one more entry.

    Raises:
        LedgerError: the entry does not follow this state.
    """
    if entry.seq != state.seq + 1:
        message = f"The ledger of '{state.model}' goes from entry {state.seq} to {entry.seq}; run `promotion audit`."
        raise LedgerError(message)
    return replace(_recorded(state, entry, entry.content()), seq=entry.seq, hash=entry.hash)


def _recorded(state: State, entry: Entry, body: Body) -> State:
    match body:
        case Registration():
            return _with(state, Known(registration=body, registered_at=entry.at, stage=body.stage))
        case Judgement():
            known = replace(state.versions[body.tag], decision=body.decision, decided_seq=entry.seq)
            return _with(replace(state, trials=(*state.trials, *filter(None, (body.trial,)))), known)
        case Adoption():
            return _with(state, replace(state.versions[body.tag], adoption=body))
        case TransitionPlanned():
            return _planned(state, entry, body)
        case TransitionApplied():
            return replace(state, pending=None)
        case Override():
            return state


def _planned(state: State, entry: Entry, plan: TransitionPlanned) -> State:
    for move in plan.moves:
        state = _with(state, replace(state.versions[move.tag], stage=move.after))
    state = replace(state, pending=(entry.seq, plan))
    if plan.champion is None or (state.champion and state.champion.tag == plan.champion):
        return state
    champion = Champion(
        tag=plan.champion,
        digest=state.versions[plan.champion].registration.digest,
        since=entry.at,
        seq=entry.seq,
        decision=plan.decision,
    )
    return replace(state, champion=champion, line=_line(state.line, plan))


def _line(line: tuple[str, ...], plan: TransitionPlanned) -> tuple[str, ...]:
    assert plan.champion is not None  # noqa: S101 - _planned has seen to it
    if plan.cause == "rollback" and plan.champion in line:
        last = len(line) - 1 - line[::-1].index(plan.champion)
        return line[: last + 1]
    return (*line, plan.champion)


def _with(state: State, known: Known) -> State:
    return replace(state, versions=MappingProxyType({**state.versions, known.tag: known}))

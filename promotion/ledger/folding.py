"""Fold ledger entries into the state of a model. Pure."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from promotion.errors import LedgerError
from promotion.ledger.chain import Champion, Entry
from promotion.ledger.entries import (
    Adoption,
    Approval,
    Body,
    FreshStart,
    Judgement,
    Override,
    Readmission,
    Registration,
    Service,
    Takeover,
    TransitionApplied,
    TransitionPlanned,
)
from promotion.ledger.state import DIGITS, Began, State, Stated, Succession
from promotion.ledger.trials import Place
from promotion.ledger.versions import RolledBack, Vote, decided, registered


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


def _folded(state: State, entries: Iterable[Entry]) -> "StateBuilder":
    builder = StateBuilder(state)
    for entry in entries:
        builder.take(entry)
    return builder


class StateBuilder:
    """A mutable state that folds entries in linear time."""

    def __init__(self, state: State) -> None:
        self.model, self.seq, self.hash, self.origin = state.model, state.seq, state.hash, state.origin
        self.versions, self.champion = state.versions.copy(), state.champion
        self.succession = state.succession
        self.line, self.trials, self.pending = list(state.line), state.trials.copy(), state.pending
        self.budgeted, self.used = state.budgeted, state.used
        self.fresh_start = state.fresh_start
        self.began, self.decisions = list(state.began), list(state.decisions)
        self.inherited, self.judged, self.stated = state.inherited, state.judged, state.stated

    def state(self) -> State:
        """Return the resulting state."""
        return State(
            model=self.model,
            seq=self.seq,
            hash=self.hash,
            origin=self.origin,
            versions=self.versions,
            champion=self.champion,
            succession=self.succession,
            line=tuple(self.line),
            began=tuple(self.began),
            decisions=tuple(self.decisions),
            judged=self.judged,
            trials=self.trials,
            budgeted=self.budgeted,
            used=self.used,
            pending=self.pending,
            fresh_start=self.fresh_start,
            inherited=self.inherited,
            stated=self.stated,
        )

    def take(self, entry: Entry) -> None:
        """Fold the next entry, after checking that it is unchanged and in place."""
        unchanged = entry.hashed is not None or entry.hash == entry.expected_hash()
        if entry.seq != self.seq + 1 or entry.prev_hash != self.hash or not unchanged:
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
            named = self._named(body)
            self._record(entry, body)
            for tag in filter(self.versions.__contains__, named):
                self._change(tag, entries=(*self.versions[tag].entries, entry.seq))
        except KeyError as error:
            message = (
                f"Entry {entry.seq} of '{self.model}' names {error}, which is not registered. Run `promotion audit`."
            )
            raise LedgerError(message, model=self.model, seq=entry.seq) from error
        self.seq, self.hash, self.origin = entry.seq, entry.hash, self.origin or entry.hash

    def _named(self, body: Body) -> Iterable[str]:
        """Return the versions that an entry names; for the end of a transition, those that it moved."""
        if isinstance(body, TransitionApplied):
            return self._named(self.pending[1]) if self.pending else ()
        if isinstance(body, TransitionPlanned):
            return dict.fromkeys((*(move.tag for move in body.moves), *body.deletions))
        return () if isinstance(body, FreshStart | Takeover) else (body.tag,)

    def _record(self, entry: Entry, body: Body) -> None:
        place = Place(entry.seq, entry.hash)
        match body:
            case Registration():
                self.versions[body.tag] = registered(body, entry.at, entry.actor, place)
            case Judgement():
                version = self.versions[body.tag]
                self.versions[body.tag] = decided(version, body.decision, entry.at, entry.actor, place)
                self.decisions.append((entry.seq, body.decision_digest[:DIGITS]))
                self.judged = body.tag
                self._count_use(body, place)
            case Approval():
                vote = Vote(actor=entry.actor, at=entry.at, approved=body.approved, reason=body.reason)
                others = (one for one in self.versions[body.tag].votes if one.actor != vote.actor)
                self._change(body.tag, votes=(*others, vote))
            case Adoption():
                recorded = self.versions[body.tag].recorded._replace(adoption=place)
                self._change(body.tag, adoption=body, recorded=recorded)
            case TransitionPlanned():
                self._plan(entry, body)
            case TransitionApplied():
                self.pending = None
            case Readmission():
                self._change(body.tag, rolled_back=None)
            case FreshStart():
                self.fresh_start = body
            case Override() | Service() | Takeover():
                self._note(entry, body)
            case _:
                assert_never(body)

    def _note(self, entry: Entry, body: Override | Service | Takeover) -> None:
        if isinstance(body, Takeover) and body.mirrored:
            self.inherited = (*self.inherited, body.mirrored)
        if isinstance(body, Service):
            self.stated = (*self.stated, Stated(entry.seq, body.since, body.until, body.tag, entry.actor))

    def _count_use(self, judgement: Judgement, place: Place) -> None:
        """Add the use of a holdout. A new question on the budgeted rows carries their number of uses itself."""
        trial, budget = judgement.trial, judgement.decision.budget
        counted = trial and not trial.renamed and trial.key not in self.trials.keys
        if budget:
            self.budgeted, self.used = judgement, budget.use if counted else None
        elif trial and self.used is not None and self.budgeted and self.budgeted.trial:
            self.used += self.budgeted.trial.share_seen(trial)
        if trial:
            self.trials.append(trial, place)

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
        self.began.append(Began(entry.seq, entry.at, plan.champion))
        self._extend_line(plan)

    def _extend_line(self, plan: TransitionPlanned) -> None:
        assert plan.champion is not None  # noqa: S101 - the caller ensures it
        if plan.cause == "rollback" and plan.champion in self.line:
            last = len(self.line) - 1 - self.line[::-1].index(plan.champion)
            del self.line[last + 1 :]
        else:
            self.line.append(plan.champion)

    def _change(self, tag: str, **fields: object) -> None:
        self.versions[tag] = self.versions[tag].changed(**fields)

"""Write to the ledger: append a command's entries atomically, and complete planned transitions."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from promotion.errors import Conflict, DigestMismatch, LedgerError, StoreError, TornVersion, UnknownName
from promotion.interfaces import Claim, LedgerStore, ModelStore, Names
from promotion.ledger.chain import GENESIS, Entry, chain
from promotion.ledger.checkpoint import checkpoint_of, condensed, is_due, state_of
from promotion.ledger.entries import Body, TransitionApplied, TransitionPlanned
from promotion.ledger.folding import advance
from promotion.ledger.state import State
from promotion.registry.claims import Claims
from promotion.registry.foreign_aliases import names_since
from promotion.registry.serving import labelled_prod, require_registered
from promotion.visible import visible
from promotion.vocabulary import Stage, Tag

_BESIDE, _NOTHING = 20, "Nothing was recorded."
_PAGE = 2000
"""Number of entries whose content is kept in memory at once."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class LedgerWriter:
    """The registry's write access to the ledger; see `Parts` for the arguments."""

    def __init__(
        self,
        ledger: LedgerStore,
        store: ModelStore,
        claims: Claims,
        *,
        actor: Callable[[], str],
        clock: Callable[[], datetime],
        notice: Callable[[str], None],
        sign: Callable[[str], str] | None,
    ) -> None:
        self._ledger, self._store, self._claims = ledger, store, claims
        self._actor, self._clock, self._notice, self._sign = actor, clock, notice, sign
        self._folded: dict[str, State] = {}
        self._before: dict[str, State] = {}
        self._checkpointed: dict[str, int] = {}

    @property
    def actor(self) -> str:
        """The actor, as recorded in entries."""
        return self._actor()

    def state(self, model: str) -> State:
        """Return the model's state, folded from its entries. Reads only entries not yet folded by this process."""
        state = self._folded.get(model) or self._from_checkpoint(model)
        page = self._ledger.entries(model, after=state.seq, limit=_PAGE)
        if page[0].prev_hash != state.hash if page else self._ledger.head(model) != state.head:
            # The ledger was restored from a backup or tampered with.
            return self.folded_anew(model)
        self._folded[model] = state = self._advanced(state, page)
        return state

    def forget(self, model: str) -> None:
        """Release the memory of the model's state."""
        for known in (self._folded, self._before, self._checkpointed):
            known.pop(model, None)

    def folded_anew(self, model: str) -> State:
        """Return the model's state, folded from all entries; a checkpoint that may be wrong is not read."""
        self._before.pop(model, None)
        state = self._advanced(State(model=model), self._ledger.entries(model, limit=_PAGE))
        self._folded[model], self._checkpointed[model] = state, 0
        return state

    def replace_checkpoint(self, model: str) -> None:
        """Replace the checkpoint, if there is one, by the state folded from all entries."""
        if self._ledger.checkpoint(model):
            self._keep(self.folded_anew(model))

    def _keep(self, state: State) -> None:
        self._ledger.keep(checkpoint_of(state))
        self._checkpointed[state.model] = state.seq

    def _advanced(self, state: State, page: Sequence[Entry]) -> State:
        """Fold a page of entries and those after it, without keeping the content of all in memory."""
        entries = partial(self._ledger.entries, state.model)
        while page:
            state = advance(state, *page)
            if len(page) < _PAGE:
                break
            state = condensed(state, entries)
            page = entries(after=state.seq, limit=_PAGE)
        return state

    def _from_checkpoint(self, model: str) -> State:
        """Return the state of the last checkpoint; the empty state without a valid one."""
        checkpoint = self._ledger.checkpoint(model)
        state = state_of(checkpoint, partial(self._ledger.entries, model)) if checkpoint else None
        self._checkpointed[model] = state.seq if state else 0
        return state or State(model=model)

    def completed(self, model: str) -> State:
        """Complete any pending transition, and return the resulting state.

        Raises:
            Refused: another ledger owns the model in the store; the message names both ledgers.
        """
        state = self.state(model)
        self._claims.check(state)
        while state.pending:
            state = self._apply(state)
        return state

    def foreseen(self, state: State, bodies: Sequence[Body]) -> State:
        """Return the state after recording these bodies, without writing: a command records once, at its end."""
        return self._chained(state, bodies, sign=None)[1]

    def _between(self, before: State, state: State) -> Iterator[Entry]:
        """Yield the entries after `before` up to `state`; reads them only when iterated."""
        yield from self._ledger.entries(state.model, after=before.seq, limit=state.seq - before.seq)

    def check_signer(self) -> None:
        """Check that required signatures can be made, so that a bad key fails before a long judgement."""
        if self._sign:
            self._sign(GENESIS)

    def append(self, state: State, *bodies: Body) -> State:
        """Append the bodies to the ledger after this state. The first append claims the model in the store.

        Raises:
            Conflict: the ledger has moved on since; nothing was recorded.
            Refused: another ledger owns the model; nothing was recorded.
        """
        entries, after = self._chained(state, bodies, sign=self._sign)
        if self._claims.stands(state):
            return self._record(state, entries, after)
        with self._store.held(state.model):
            claim = self._claims.following(after, bodies, at=entries[-1].at, by=self._actor())
            self._record(state, entries, after)
            try:
                self._claim(state.model, claim)
            except StoreError as error:
                sentence = f"The change is recorded. The next command checks which ledger owns '{state.model}'."
                self._notice(f"{error} {sentence}")
            return after

    def claim(self, model: str) -> None:
        """Record in the store that this ledger owns the model.

        Raises:
            Refused: another ledger owns the model.
            StoreError: the store cannot be written; nothing was changed.
        """
        with self._store.held(model):
            state, now = self.state(model), self._clock().astimezone(UTC).isoformat()
            self._claim(model, self._claims.following(state, (), at=now, by=self._actor()))

    def _record(self, before: State, entries: Sequence[Entry], after: State) -> State:
        head = after.head
        assert head is not None  # noqa: S101 - at least one entry was folded
        self._ledger.append(entries, head)
        first = self._before.setdefault(after.model, before)
        if is_due(first.seq, self._checkpointed.get(after.model, 0)):
            self._keep(first)  # the mirror shows this state, or an earlier one: the next update starts here
        return after

    def _claim(self, model: str, claim: Claim | None) -> None:
        """Write a claim unless the store already holds it. The caller holds the model's lock."""
        before = self._store.claim(model)
        if claim is None or claim == before:
            return
        self._store.write_claim(model, claim)
        if before and before.ledger == claim.ledger and before.place != claim.place:
            self._notice(
                f"The ledger of '{model}' moved from {before.place} to {claim.place}. From now on, commands refuse a "
                "copy left at the old place."
            )

    def sent(self, state: State, seq: int) -> Iterator[Names]:
        """Yield what the mirror's aliases named at entry `seq`, and after each later entry up to this state.

        Entries that this process recorded since the last mirror update are not read again.
        """
        before = self._before.get(state.model)
        if before is None or before.seq > seq:
            before = self._from_checkpoint(state.model)
        if before.seq > seq:
            before = State(model=state.model)
        yield from names_since(before, self._between(before, state), seq)

    def mirrored(self, state: State) -> None:
        """Forget the entries before this state, which the mirror now shows."""
        self._before.pop(state.model, None)

    def _chained(
        self, state: State, bodies: Sequence[Body], *, sign: Callable[[str], str] | None
    ) -> tuple[Sequence[Entry], State]:
        """Return the entries that record the bodies, and the state after them."""
        try:
            entries = tuple(chain(state.model, state.head, bodies, at=self._clock(), actor=self._actor(), sign=sign))
        except UnicodeEncodeError as error:  # Python keeps bytes of another encoding in arguments and file names
            found = visible(error.object[max(0, error.start - _BESIDE) : error.end + _BESIDE])
            message = f"Text in the ledger must be valid Unicode, but is '{found}'. Write it in UTF-8. {_NOTHING}"
            raise LedgerError(message, model=state.model) from error
        return entries, advance(state, *entries)

    def _apply(self, state: State) -> State:
        """Carry out the pending transition and record that it is done.

        Holds the model's lock and reads the ledger again, so that a process that slept since its first read does not
        overwrite newer labels. Any later process can complete the transition.
        """
        with self._store.held(state.model):
            state = self.state(state.model)
            if state.pending is None:
                return state
            seq, plan = state.pending
            self._claim(state.model, self._claims.renewed(state))
            self._carry_out(plan, state)
            try:
                return self._record(state, *self._chained(state, (TransitionApplied(planned=seq),), sign=self._sign))
            except Conflict:
                return self.state(state.model)

    def _carry_out(self, plan: TransitionPlanned, state: State) -> None:
        """Write the labels, `prod` on the new champion first, so that only one version keeps `prod` at the end.

        If the store does not hold the new champion's registered files, the previous version keeps `prod`, so a service
        still finds one.
        """
        lost = False
        for move in plan.moves:
            if lost and move.before is Stage.PROD:
                self._notice(f"{move.tag} keeps the label stage: prod until {plan.champion} is in this store.")
                continue
            version = Tag.parse(move.tag)
            try:
                if move.after is Stage.PROD:
                    require_registered(self._store, version, state.versions[move.tag].registration.digest)
                self._store.write_stage(version, move.after)
            except UnknownName:
                lost |= move.after is Stage.PROD
                self._notice(f"{move.tag} is not in this {self._store.name}, so its label was not written.")
            except (TornVersion, DigestMismatch) as error:
                lost |= move.after is Stage.PROD
                self._notice(f"{error} Its label was not written.")
        if not lost and any(move.after is Stage.PROD for move in plan.moves):
            self._settle_kept(plan, state)
        for tag in plan.deletions:
            self._store.delete(Tag.parse(tag))

    def _settle_kept(self, plan: TransitionPlanned, state: State) -> None:
        """Remove `prod` from a version that kept it while an earlier champion's files were missing."""
        for tag in labelled_prod(self._store, state.model):
            version = state.versions.get(str(tag))
            if str(tag) != plan.champion and version and version.stage not in {None, Stage.PROD}:
                self._store.write_stage(tag, version.stage)

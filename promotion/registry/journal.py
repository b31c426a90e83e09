"""Writing to the ledger: append what a command records, all of it or nothing, and complete what was planned."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from promotion.errors import Conflict, DigestMismatch, LedgerError, StoreError, TornVersion, UnknownName
from promotion.interfaces import Claim, LedgerStore, ModelStore, Names
from promotion.ledger.chain import GENESIS, Entry, chain
from promotion.ledger.entries import Body, TransitionApplied, TransitionPlanned
from promotion.ledger.state import State, advance, fold
from promotion.registry.claims import Claims
from promotion.registry.foreign import names_since
from promotion.registry.serving import labelled_prod, require_registered
from promotion.visible import visible
from promotion.vocabulary import Stage, Tag

_BESIDE, _NOTHING = 20, "Nothing was recorded."


def utc_now() -> datetime:
    """The clock of the edge."""
    return datetime.now(UTC)


class Journal:
    """The ledger as a registry writes it; see there for the arguments."""

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

    @property
    def actor(self) -> str:
        """Who acts, as it is recorded."""
        return self._actor()

    def state(self, model: str) -> State:
        """The model's state, folded from its entries; those that this process has folded already are not read again."""
        before = self._folded.get(model, State(model=model))
        newer = self._ledger.entries(model, after=before.seq)
        if newer and newer[0].prev_hash == before.hash:
            state = advance(before, *newer)
        elif not newer and self._ledger.head(model) == before.head:
            return before
        else:  # the ledger was restored from a backup, or meddled with
            state = fold(model, self._ledger.entries(model))
            self._before.pop(model, None)
        self._folded[model] = state
        return state

    def completed(self, model: str) -> State:
        """The state, after completing the transition that this or an interrupted command planned.

        Raises:
            Refused: the model in the store belongs to another ledger; names both.
        """
        self._ledger.make()
        state = self.state(model)
        self._claims.check(state)
        while state.pending:
            state = self._apply(state)
        return state

    def foreseen(self, state: State, bodies: Sequence[Body]) -> State:
        """The state as it will be; nothing is written, since a command records all that it records at its end."""
        return self._chained(state, bodies, sign=None)[1]

    def _between(self, before: State, state: State) -> Iterator[Entry]:
        """The entries after the one up to the other; read when they are first asked for."""
        yield from self._ledger.entries(state.model, after=before.seq, limit=state.seq - before.seq)

    def check_signer(self) -> None:
        """See that entries can be signed where they must be: before a long judgement rather than after.

        Raises:
            ConfigError: the key cannot be used.
        """
        if self._sign:
            self._sign(GENESIS)

    def append(self, state: State, *bodies: Body) -> State:
        """Record the bodies after this state; the first ones make the model in the store this ledger's.

        Raises:
            Conflict: the ledger has moved on since; nothing was recorded.
            Refused: the model belongs to another ledger; nothing was recorded.
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
                self._notice(f"{error} What was asked is recorded; the next command says whose '{state.model}' is.")
            return after

    def claim(self, model: str) -> None:
        """Have the store say that the model is this ledger's.

        Raises:
            Refused: it belongs to another ledger.
            StoreError: the store cannot be written; nothing was changed.
        """
        with self._store.held(model):
            state, now = self.state(model), self._clock().astimezone(UTC).isoformat()
            self._claim(model, self._claims.following(state, (), at=now, by=self._actor()))

    def _record(self, before: State, entries: Sequence[Entry], after: State) -> State:
        head = after.head
        assert head is not None  # noqa: S101 - at least one entry was folded
        self._ledger.append(entries, head)
        self._before.setdefault(after.model, before)
        return after

    def _claim(self, model: str, claim: Claim | None) -> None:
        """Write a claim where the store does not hold it already; only while the model is held."""
        before = self._store.claim(model)
        if claim is None or claim == before:
            return
        self._store.write_claim(model, claim)
        if before and before.ledger == claim.ledger and before.place != claim.place:
            self._notice(
                f"The ledger of '{model}' is at {claim.place} now; it was at {before.place}, and a copy left there is "
                "refused from now on."
            )

    def sent(self, state: State, seq: int) -> Iterator[Names]:
        """What the mirror's aliases were to name at entry `seq`, and after each later one up to this state.

        What this process recorded itself since the mirror was last brought up to date needs no second reading.
        """
        before = self._before.get(state.model)
        if before is None or before.seq > seq:
            before = State(model=state.model)
        yield from names_since(before, self._between(before, state), seq)

    def mirrored(self, state: State) -> None:
        """Forget what was recorded before this state, which the mirror shows now."""
        self._before.pop(state.model, None)

    def _chained(
        self, state: State, bodies: Sequence[Body], *, sign: Callable[[str], str] | None
    ) -> tuple[Sequence[Entry], State]:
        """The entries that record the bodies, and the state after them."""
        try:
            entries = tuple(chain(state.model, state.head, bodies, at=self._clock(), actor=self._actor(), sign=sign))
        except UnicodeEncodeError as error:  # bytes of another encoding, as Python reads arguments and file names
            found = visible(error.object[max(0, error.start - _BESIDE) : error.end + _BESIDE])
            message = f"The ledger takes Unicode text, found '{found}', which is none. Write it in UTF-8. {_NOTHING}"
            raise LedgerError(message, model=state.model) from error
        return entries, advance(state, *entries)

    def _apply(self, state: State) -> State:
        """Do what the pending transition says, and record that it is done; whoever comes next does so too.

        One at a time, and only while it still is the model's last word: a process that slept since it read the ledger
        must not write an old label over a newer one.
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
        """Write the labels: `prod` on the new champion first, then the others; and no two versions keep `prod`.

        Where the new champion's files are not in this store as they were registered the last `prod` stays, so that a
        service finds one.
        """
        lost = False
        for move in plan.moves:
            if lost and move.before is Stage.PROD:
                self._notice(f"{move.tag} keeps the label stage: prod in this store until {plan.champion} is here.")
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
        """Take `prod` from a version that kept it while an earlier champion's files were not here."""
        for tag in labelled_prod(self._store, state.model):
            version = state.versions.get(str(tag))
            if str(tag) != plan.champion and version and version.stage not in {None, Stage.PROD}:
                self._store.write_stage(tag, version.stage)

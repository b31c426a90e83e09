"""One model, one ledger: the store names the ledger that each model belongs to, and every other one is refused.

A ledger is known by the hash of its first entry of the model, which an export, a backup, a copy and another database
keep. Of two copies that both went on, the one counts that wrote labels last: the other lacks the entry.
"""

from collections.abc import Sequence
from dataclasses import replace

from promotion.errors import Refused, StoreError
from promotion.interfaces import Claim, LedgerStore, ModelStore
from promotion.ledger.entries import Body, Takeover
from promotion.ledger.state import State
from promotion.number_format import minute
from promotion.registry.serving import labelled_prod


class Claims:
    """The claims of a store as one ledger has to do with them."""

    def __init__(self, ledger: LedgerStore, store: ModelStore) -> None:
        self._ledger, self._store = ledger, store

    @property
    def place(self) -> str:
        """Where this ledger is."""
        return self._ledger.place

    def other(self, model: str, origin: str | None) -> Claim | None:
        """The claim of another ledger on the model; None where it is ours, or nobody's.

        Args:
            model: its name.
            origin: hash of our first entry of it; None where we have none.

        Raises:
            StoreError: the claim cannot be read.
        """
        claim = self._store.claim(model)
        return None if claim is None or self._is_ours(model, claim, origin) else claim

    def elsewhere(self, state: State) -> Claim | None:
        """The claim of a ledger at another place, which labels and mirror then follow; None where there is none."""
        try:
            claim = self.other(state.model, state.origin)
        except StoreError:
            return None
        return claim if claim and claim.place != self.place else None

    def check(self, state: State) -> None:
        """See that the model is not another ledger's.

        Raises:
            Refused: it is; names both.
            StoreError: the claim cannot be read.
        """
        claim = self.other(state.model, state.origin)
        if claim:
            told, way_out = self.told(state.model, claim, state.origin), self.way_out(state.model, claim)
            raise Refused(f"{told} Nothing was changed. {way_out}", model=state.model)

    def told(self, model: str, claim: Claim, origin: str | None) -> str:
        """Both ledgers in a sentence."""
        theirs = f"'{model}' in the {self._store.name} belongs to the ledger at {claim.place}"
        since = f"since {minute(claim.since)} UTC, by {claim.by}"
        if claim.place == self.place:
            ours = "the one that is there now is another, or empty"
        elif origin is None:
            ours = f"the ledger at {self.place} records nothing of it"
        elif origin == claim.ledger:
            ours = f"the ledger at {self.place} is a copy of it that lacks its entry {claim.seq}"
        else:
            ours = f"the ledger at {self.place} is another one"
        return f"{theirs} ({since}), and {ours}."

    def way_out(self, model: str, claim: Claim) -> str:
        """What to do about that."""
        first = "Use that ledger (`ledger` in promotion.toml, or PROMOTION_LEDGER)"
        if claim.place == self.place:
            first = "Restore it from a backup, or from what `promotion ledger export` wrote"
        return f"{first}, or hand the model over to this one: `promotion ledger take {model} --reason …`."

    def missing(self, state: State) -> bool:
        """Whether the store names no ledger for a model that this one records, so that any ledger could take it.

        Not where a label contradicts a ledger without a champion: nobody knows whose the model is then.

        Raises:
            StoreError: the claim cannot be read.
        """
        if not state.seq or self._store.claim(state.model):
            return False
        return state.champion is not None or self._agrees(state)

    def stands(self, state: State) -> bool:
        """Whether the store says already that the model is this ledger's, at this place."""
        claim = self._store.claim(state.model)
        return claim is not None and (claim.ledger, claim.place) == (state.origin, self.place)

    def renewed(self, state: State) -> Claim | None:
        """Our claim with this state's end and this place; None where the store holds none.

        Raises:
            Refused: the model is another ledger's.
        """
        self.check(state)
        claim = self._store.claim(state.model)
        return replace(claim, place=self.place, seq=state.seq, hash=state.hash) if claim else None

    def following(self, state: State, bodies: Sequence[Body], *, at: str, by: str) -> Claim | None:
        """The claim that the store is to hold once these bodies are recorded, and the state is this.

        None where there is none yet and a label contradicts the state, so that nobody knows whose the model is.

        Raises:
            Refused: the model is another ledger's, or has become so since they were worked out.
        """
        taken = next((body for body in bodies if isinstance(body, Takeover)), None)
        if taken:
            self._check_unchanged(state.model, taken)
            return self._fresh(state, at, by)
        return self.renewed(state) or (self._fresh(state, at, by) if self._agrees(state) else None)

    def takeover(self, state: State, *, reason: str, mirrored: tuple[int, str] | None) -> Takeover:
        """What is recorded where the model is handed over to this ledger; `mirrored` is what MLflow was sent last.

        Raises:
            Refused: it is this ledger's already.
        """
        claim = self._store.claim(state.model)
        if claim is None:
            return Takeover(reason=reason, mirrored=mirrored)
        if self._is_ours(state.model, claim, state.origin):
            since = f"since {minute(claim.since)} UTC"
            message = f"'{state.model}' belongs to this ledger, at {self.place}, already ({since}); nothing to take."
            raise Refused(message, model=state.model)
        theirs = {"ledger": claim.ledger, "place": claim.place, "seq": claim.seq, "hash": claim.hash}
        return Takeover(reason=reason, mirrored=mirrored, **theirs)  # type: ignore[arg-type]

    def _check_unchanged(self, model: str, taken: Takeover) -> None:
        claim = self._store.claim(model)
        found = (claim.ledger, claim.place, claim.seq, claim.hash) if claim else (None, None, None, None)
        if found != (taken.ledger, taken.place, taken.seq, taken.hash):
            message = (
                f"'{model}' was changed or changed hands while this command ran. Nothing was changed; run it again."
            )
            raise Refused(message, model=model)

    def _fresh(self, state: State, at: str, by: str) -> Claim:
        """A claim of this ledger from this state on."""
        assert state.origin is not None  # noqa: S101 - something is recorded
        return Claim(ledger=state.origin, place=self.place, seq=state.seq, hash=state.hash, since=at, by=by)

    def _is_ours(self, model: str, claim: Claim, origin: str | None) -> bool:
        """A copy at another place is ours as long as it has what the labels were last written by.

        At the same place it is ours also without: then it was put back there from a backup.
        """
        if claim.ledger != origin:
            return False
        return claim.place == self.place or self._holds(model, claim)

    def _holds(self, model: str, claim: Claim) -> bool:
        found = self._ledger.entries(model, after=claim.seq - 1, limit=1)
        return bool(found) and found[0].hash == claim.hash

    def _agrees(self, state: State) -> bool:
        """Whether no version carries `prod` that this state does not know as champion, or is about to move."""
        named = {move.tag for move in state.pending[1].moves} if state.pending else set()
        named |= {state.champion.tag} if state.champion else set()
        return all(str(tag) in named for tag in labelled_prod(self._store, state.model))

"""One ledger per model: the store names the ledger that owns each model, and refuses every other ledger.

The hash of a ledger's first entry for the model identifies the ledger. An export, a backup, a copy or a move to
another database keeps that hash. If two copies both went on, the copy that wrote labels last owns the model; the
other copy lacks the entry that the claim names.
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
    """The store's claims, as seen from one ledger."""

    def __init__(self, ledger: LedgerStore, store: ModelStore) -> None:
        self._ledger, self._store = ledger, store

    @property
    def place(self) -> str:
        """The location of this ledger."""
        return self._ledger.place

    def other(self, model: str, origin: str | None) -> Claim | None:
        """Return another ledger's claim on the model; None if this ledger or no ledger owns the model.

        `origin` is the hash of this ledger's first entry for the model, if it has one.
        """
        claim = self._store.claim(model)
        return None if claim is None or self._is_ours(model, claim, origin) else claim

    def elsewhere(self, state: State) -> Claim | None:
        """Return the claim of a ledger at another place, which labels and mirror then follow; None if there is none."""
        try:
            claim = self.other(state.model, state.origin)
        except StoreError:
            return None
        return claim if claim and claim.place != self.place else None

    def check(self, state: State) -> None:
        """Check that no other ledger owns the model."""
        claim = self.other(state.model, state.origin)
        if claim:
            sentence, way_out = self.sentence(state.model, claim, state.origin), self.way_out(state.model, claim)
            raise Refused(f"{sentence} Nothing was changed. {way_out}", model=state.model)

    def sentence(self, model: str, claim: Claim, origin: str | None) -> str:
        """Describe both ledgers in one sentence."""
        theirs = f"'{model}' in the {self._store.name} belongs to the ledger at {claim.place}"
        since = f"since {minute(claim.since)} UTC, by {claim.by}"
        if claim.place == self.place:
            ours = "the ledger there now is a different one, or empty"
        elif origin is None:
            ours = f"the ledger at {self.place} has no entry for it"
        elif origin == claim.ledger:
            ours = f"the ledger at {self.place} is a copy of that ledger without its entry {claim.seq}"
        else:
            ours = f"the ledger at {self.place} is a different one"
        return f"{theirs} ({since}), but {ours}."

    def way_out(self, model: str, claim: Claim) -> str:
        """Say what to do when another ledger owns the model."""
        first = "Use that ledger (`ledger` in promotion.toml, or PROMOTION_LEDGER)"
        if claim.place == self.place:
            first = "Restore that ledger from a backup or an export"
        return f"{first}, or hand the model over to this ledger with `promotion ledger take {model} --reason …`."

    def missing(self, state: State) -> bool:
        """Whether the store has no claim on a model that this ledger records, so that any ledger could take it.

        False if the ledger has no champion and a label contradicts it: the owner is then unknown.
        """
        if not state.seq or self._store.claim(state.model):
            return False
        return state.champion is not None or self._agrees(state)

    def stands(self, state: State) -> bool:
        """Whether the store already names this ledger, at this place, as the owner."""
        claim = self._store.claim(state.model)
        return claim is not None and (claim.ledger, claim.place) == (state.origin, self.place)

    def renewed(self, state: State) -> Claim | None:
        """Return this ledger's claim, moved to the end of this state and to this place; None if there is no claim."""
        self.check(state)
        claim = self._store.claim(state.model)
        return replace(claim, place=self.place, seq=state.seq, hash=state.hash) if claim else None

    def following(self, state: State, bodies: Sequence[Body], *, at: str, by: str) -> Claim | None:
        """Return the claim that the store will hold once these bodies are recorded and the state is this one.

        None if there is no claim yet and a label contradicts the state, because the owner is then
        unknown.

        Raises:
            Refused: another ledger owns the model, or has taken it since the bodies were worked
                out.
        """
        taken = next((body for body in bodies if isinstance(body, Takeover)), None)
        if taken:
            self._check_unchanged(state.model, taken)
            return self._fresh(state, at, by)
        return self.renewed(state) or (self._fresh(state, at, by) if self._agrees(state) else None)

    def takeover(self, state: State, *, reason: str, mirrored: tuple[int, str] | None) -> Takeover:
        """Return the entry that hands the model over to this ledger. `mirrored` is what MLflow was last sent."""
        claim = self._store.claim(state.model)
        if claim is None:
            return Takeover(reason=reason, mirrored=mirrored)
        if self._is_ours(state.model, claim, state.origin):
            since = f"since {minute(claim.since)} UTC"
            message = (
                f"'{state.model}' already belongs to this ledger at {self.place} ({since}), so there is nothing to "
                "hand over."
            )
            raise Refused(message, model=state.model)
        theirs = {"ledger": claim.ledger, "place": claim.place, "seq": claim.seq, "hash": claim.hash}
        return Takeover(reason=reason, mirrored=mirrored, **theirs)  # type: ignore[arg-type]

    def _check_unchanged(self, model: str, taken: Takeover) -> None:
        claim = self._store.claim(model)
        found = (claim.ledger, claim.place, claim.seq, claim.hash) if claim else (None, None, None, None)
        if found != (taken.ledger, taken.place, taken.seq, taken.hash):
            message = (
                f"'{model}' or its owner changed while this command ran, so nothing was changed. Run the command again."
            )
            raise Refused(message, model=model)

    def _fresh(self, state: State, at: str, by: str) -> Claim:
        """Return a new claim for this ledger, starting at this state."""
        assert state.origin is not None  # noqa: S101 - something is recorded
        return Claim(ledger=state.origin, place=self.place, seq=state.seq, hash=state.hash, since=at, by=by)

    def _is_ours(self, model: str, claim: Claim, origin: str | None) -> bool:
        """Whether the claim belongs to this ledger.

        A copy at another place owns the model while it holds the entry that last wrote the labels. At the same place,
        the ledger owns the model even without that entry: it was restored there from a backup.
        """
        if claim.ledger != origin:
            return False
        return claim.place == self.place or self._holds(model, claim)

    def _holds(self, model: str, claim: Claim) -> bool:
        found = self._ledger.entries(model, after=claim.seq - 1, limit=1)
        return bool(found) and found[0].hash == claim.hash

    def _agrees(self, state: State) -> bool:
        """Whether every version labelled `prod` is the champion in this state, or part of its pending transition."""
        named = {move.tag for move in state.pending[1].moves} if state.pending else set()
        named |= {state.champion.tag} if state.champion else set()
        return all(str(tag) in named for tag in labelled_prod(self._store, state.model))

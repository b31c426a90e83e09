"""The registry: judge, promote, roll back, adopt, repair, delete. It does the I/O around the rules.

Every change goes the same way: complete what an interrupted command left, work out the change, append it to the ledger
(the champion changes there, or someone else was first), write the labels, bring the mirror up to date.
"""

from datetime import datetime
from pathlib import Path

from promotion.errors import Conflict, MirrorError
from promotion.judgement import Decision
from promotion.registry.entries import TransitionPlanned
from promotion.registry.mirroring import mirror_state
from promotion.registry.proposals import Proposal, Proposals
from promotion.registry.record import Origin
from promotion.registry.serving import serving
from promotion.registry.state import Known, State, fold
from promotion.registry.transition import find
from promotion.seams import Step, call
from promotion.vocabulary import Tag


class Registry(Proposals):
    """Decides which version of a model serves, and records why; the arguments are those of `Record`."""

    def complete(self, model: str) -> State:
        """Complete the transition that an interrupted command left, if any; the state then."""
        return self._journal.completed(model)

    def carry_out(self, proposal: Proposal) -> Proposal:
        """Make a proposed change.

        Raises:
            Conflict: the record moved on since it was worked out; nothing was changed.
            StoreError: the labels cannot be written now; the change stands, and the next command writes them.
        """
        model = proposal.state.model
        state = self.complete(model)
        if state.seq != proposal.state.seq:
            next_seq = proposal.state.seq + 1
            raise Conflict(model, next_seq, self.ledger.entries(model, after=proposal.state.seq)[0].actor)
        for stray in proposal.strays:
            place = self.store.quarantine(stray)
            self.notice(f"Moved {stray.path} to {place}.")
        if proposal.bodies:
            self._journal.append(state, *proposal.bodies)
            self.complete(model)
            self.sync(model)
        return proposal

    def register(self, tag: Tag, origin: Origin | None = None) -> Known:
        """Record a version of the store with the digest of its files; one that is recorded already stays as it is."""
        state = self.complete(tag.model)
        if str(tag) not in state.versions:
            state = self._journal.append(state, self._registration(tag, origin or Origin()))
            self.sync(tag.model)
        return find(state, tag)

    def check(self, model: str) -> None:
        """See that a version of the model could be judged now: before hours of training rather than after.

        Raises:
            PromotionError: it could not; says why.
        """
        self.config.model(model)
        serving(self.complete(model), self.store)

    def gate(
        self,
        tag: Tag,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
        step: Step = call,
    ) -> Decision:
        """Judge a version against the champion, record the decision and make the moves that follow from it.

        Args:
            tag: the version.
            data: file whose holdout judges; None for the one that the version was trained from.
            holdout: file that judges whole; None for the configured one, if any.
            step: runs the parts.

        Raises:
            Refused: it is the champion.
            Conflict: the record moved on meanwhile; nothing was changed.
            PromotionError: it cannot be judged; nothing was changed.
        """
        self.complete(tag.model)
        decision = self.carry_out(self.propose_gate(tag, data=data, holdout=holdout, step=step)).decision
        assert decision is not None  # noqa: S101 - a gate always decides
        return decision

    def promote(self, tag: Tag, *, reason: str, override: bool = False) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a `promote` decision, or as a recorded override.

        Raises:
            Refused: there is no such decision, and it is no override.
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        self.complete(tag.model)
        return _planned(self.carry_out(self.propose_promotion(tag, reason=reason, override=override)))

    def rollback(self, model: str, *, reason: str) -> TransitionPlanned:
        """Bring back the champion before this one.

        Raises:
            Refused: there was none.
            DigestMismatch: its files have changed since it was registered.
        """
        self.complete(model)
        return _planned(self.carry_out(self.propose_rollback(model, reason=reason)))

    def adopt(
        self, tag: Tag, *, reason: str, trained_before: float | None = None, assume_clean: bool = False
    ) -> TransitionPlanned | None:
        """Vouch for a version whose training rows are unknown; one that carries `prod` becomes the champion.

        Raises:
            Refused: neither or both of `trained_before` and `assume_clean`; or another version is champion.
        """
        self.complete(tag.model)
        known = {"trained_before": trained_before, "assume_clean": assume_clean}
        return self.carry_out(self.propose_adoption(tag, reason=reason, **known)).plan  # type: ignore[arg-type]

    # What keeps it so

    def repair(self, model: str) -> Proposal:
        """Complete what was interrupted, write the ledger's stage over labels that disagree, move out what is torn."""
        self.complete(model)
        done = self.carry_out(self.propose_repair(model))
        self.sync(model, everything=True)
        return done

    def collect(self, model: str, *, keep: int, registered_before: datetime, reason: str) -> TransitionPlanned | None:
        """Delete the files of versions that nobody will need again; the ledger remembers them.

        Args:
            model: its name.
            keep: how many of the newest that might go are kept all the same.
            registered_before: only versions registered before this moment go.
            reason: one sentence for the record.
        """
        self.complete(model)
        proposal = self.propose_retention(model, keep=keep, registered_before=registered_before, reason=reason)
        return self.carry_out(proposal).plan

    def sync(self, model: str, *, everything: bool = False) -> bool:
        """Bring the mirror up to date; False, with a notice, when it cannot be reached: the record stands."""
        head, done = self.ledger.head(model), self.ledger.mirrored(model)
        if head is None or (head.seq <= done and not everything):
            return True
        entries = self.ledger.entries(model)
        state, unseen = fold(model, entries), entries if everything else entries[done:]
        paths = {str(stored.tag): stored.path for stored in self.store.versions(model)}
        try:
            self.mirror.push(mirror_state(state, unseen, paths))
        except MirrorError as error:
            self.notice(f"{error} What was decided stands; `promotion sync` brings the mirror up to date.")
            return False
        self.ledger.mark_mirrored(model, state.seq)
        return True


def _planned(proposal: Proposal) -> TransitionPlanned:
    assert proposal.plan is not None  # noqa: S101 - these proposals always move
    return proposal.plan

"""The registry: judge, promote, roll back, adopt, audit, repair. It does the I/O around the rules.

Every change goes the same way: complete what an interrupted command left, plan, append to the ledger (the champion
changes there, or someone else was first), write the labels, bring the mirror up to date.
"""

from pathlib import Path

from promotion.errors import MirrorError, Refused
from promotion.judgement import Decision
from promotion.registry.entries import (
    Adoption,
    Body,
    Move,
    Override,
    TransitionPlanned,
)
from promotion.registry.gating import judge
from promotion.registry.mirroring import mirror_state
from promotion.registry.record import Origin, Record
from promotion.registry.serving import adoption_hint, labelled_prod, serving
from promotion.registry.state import Known, State, fold
from promotion.registry.transition import find, plan_adoption, plan_promotion, plan_rollback, plan_verdict
from promotion.seams import Step, call
from promotion.vocabulary import Stage, Tag


class Registry(Record):
    """Decides which version of a model serves, and records why; the arguments are those of `Record`."""

    def register(self, tag: Tag, origin: Origin | None = None) -> Known:
        """Record a version of the store with the digest of its files; one that is recorded already stays as it is."""
        state = self._journal.completed(tag.model)
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
        serving(self._journal.completed(model), self.store)

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
        self.store.get(tag)
        self.config.model(tag.model)
        state = self._journal.completed(tag.model)
        rival = serving(state, self.store)
        if rival == tag:
            message = f"{tag} serves already; a challenger is judged against it with `promotion gate TAG`."
            raise Refused(message + adoption_hint(state, tag))
        news = self._registrations(state, *filter(None, (tag, rival)))
        known = self._journal.foreseen(state, news)
        champion = self._side("champion", known, rival) if rival else None
        judgement = judge(
            self._side("challenger", known, tag),
            champion,
            self._reader.judging(tag.model, find(known, tag).registration, data, holdout),
            self.config.model(tag.model).policy,
            self.store,
            step,
            earlier=state.trials,
        )
        plan = plan_verdict(known, tag, judgement.decision)
        self._carry_out(state, *news, judgement, *((plan,) if plan else ()))
        return judgement.decision

    def promote(self, tag: Tag, *, reason: str, override: bool = False) -> TransitionPlanned:
        """Put a version into `prod` by hand: with a `promote` decision, or as a recorded override.

        Raises:
            Refused: there is no such decision, and it is no override.
            Conflict: the record moved on meanwhile; nothing was changed.
        """
        self.store.get(tag)
        state = self._journal.completed(tag.model)
        news = self._registrations(state, tag, *labelled_prod(self.store, tag.model))
        known = self._journal.foreseen(state, news)
        self._verify(known, tag)
        plan = plan_promotion(known, tag, reason=_required(reason), override=override)
        bodies: tuple[Body, ...] = (plan,)
        if override:
            last = find(known, tag).decision
            bodies = (Override(tag=str(tag), reason=reason, verdict=last.verdict.value if last else None), plan)
        self._carry_out(state, *news, *bodies)
        return plan

    def rollback(self, model: str, *, reason: str) -> TransitionPlanned:
        """Bring back the champion before this one.

        Raises:
            Refused: there was none.
            DigestMismatch: its files have changed since it was registered.
        """
        state = self._journal.completed(model)
        plan = plan_rollback(state, reason=_required(reason))
        self._verify(state, Tag.parse(plan.moves[0].tag))
        self._carry_out(state, plan)
        return plan

    def adopt(
        self, tag: Tag, *, reason: str, trained_before: float | None = None, assume_clean: bool = False
    ) -> TransitionPlanned | None:
        """Vouch for a version whose training rows are unknown; one that carries `prod` becomes the champion.

        Raises:
            Refused: neither or both of `trained_before` and `assume_clean`; or another version is champion.
        """
        if (trained_before is None) != assume_clean:
            message = "Say what is known of its training rows: either --trained-before TIME or --assume-clean."
            raise Refused(message)
        stored = self.store.get(tag)
        labelled = labelled_prod(self.store, tag.model)
        state = self._journal.completed(tag.model)
        news = self._registrations(state, tag, *(labelled if stored.stage == Stage.PROD else ()))
        adoption = Adoption(
            tag=str(tag), reason=_required(reason), trained_before=trained_before, assumed_clean=assume_clean
        )
        known = self._journal.foreseen(state, news)
        plan = plan_adoption(known, tag, reason=reason) if stored.stage == Stage.PROD else None
        self._carry_out(state, *news, adoption, *((plan,) if plan else ()))
        return plan

    # What keeps it so

    def repair(self, model: str) -> tuple[Move, ...]:
        """Complete what was interrupted, and write the ledger's stage over every label that disagrees."""
        state = self._journal.completed(model)
        stored = {str(one.tag): one for one in self.store.versions(model) if one.torn is None}
        foreign = [one.tag for one in stored.values() if one.stage == Stage.PROD] if state.champion else []
        news = self._registrations(state, *foreign)
        moves = tuple(
            Move(tag=tag, before=stored[tag].known_stage, after=_mended(state, known))
            for tag, known in self._journal.foreseen(state, news).versions.items()
            if tag in stored and known.stage and stored[tag].stage != _mended(state, known).value
        )
        if moves:
            champion = state.champion.tag if state.champion else None
            reason = "Labels that disagreed with the ledger were written again."
            plan = TransitionPlanned(cause="repair", moves=moves, champion=champion, reason=reason)
            self._carry_out(state, *news, plan)
        self.sync(model, everything=True)
        return moves

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

    # How it is done

    def _carry_out(self, state: State, *bodies: Body) -> None:
        self._journal.append(state, *bodies)
        self._journal.completed(state.model)
        self.sync(state.model)

    def _verify(self, state: State, tag: Tag) -> None:
        """Load the version, its files verified: what cannot be loaded must not serve."""
        self.store.load(tag, digest=find(state, tag).registration.digest)


def _required(reason: str) -> str:
    if not reason.strip():
        message = "A change by hand needs a reason: --reason 'why'."
        raise Refused(message)
    return reason


def _mended(state: State, known: Known) -> Stage:
    """The stage that the label must carry: one labelled `prod` behind the ledger's back goes back to wait."""
    assert known.stage is not None  # noqa: S101 - callers filter
    serves = state.champion is not None and state.champion.tag == known.tag
    return Stage.STAGING if known.stage is Stage.PROD and not serves else known.stage

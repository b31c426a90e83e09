"""Changes by hand, worked out and not yet made: promotion, approval, rollback, adoption.

Whatever is to serve is seen to load and to score before anything moves.
"""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from promotion.errors import Refused, TornVersion, UnknownName
from promotion.ledger.entries import Adoption, Approval, Override, Readmission, TransitionPlanned
from promotion.ledger.state import Known
from promotion.registry.approving import check_answer
from promotion.registry.proposals import Proposal, Proposals, proposal, required
from promotion.registry.rolled_back import blocking, check_readmitted, kept_out, lost
from promotion.registry.serving import labelled_prod
from promotion.registry.transition import (
    check_rival,
    find,
    plan_adoption,
    plan_answer,
    plan_promotion,
    plan_rollback,
    rollback_target,
)
from promotion.registry.verifying import changed, check_bound, verify
from promotion.times import bound_of
from promotion.vocabulary import Stage, Tag


class ByHand(Proposals):
    """The registry as a person who decides has it; the arguments are those of `Record`.

    Every method raises `Refused` where the rules do not allow the change, and while an interrupted one is unfinished.
    """

    def propose_promotion(
        self, tag: Tag | str, *, reason: str, override: bool = False, rejudge: bool = False, start_anew: bool = False
    ) -> Proposal:
        """Put a version into `prod`, judged again where that is asked for or due; see `Registry.promote`."""
        tag = Tag.parse(tag)
        if override and rejudge:
            message = "--override goes without a decision, and --rejudge asks for a new one; give one of them."
            raise Refused(message)
        why = required(reason)
        anew = why if start_anew else None
        if rejudge:
            return self._judged_again(tag, why, anew)
        self.stored(tag)
        state = self.settled(tag.model)
        begun = self.fresh_start(state, anew)
        news = self._registrations(state, tag, *labelled_prod(self.store, tag.model))
        known = self._journal.foreseen(state, news)
        version = find(known, tag)
        if not override:
            check_readmitted(tag, blocking(known, self.store, tag))
        now, panel = self._clock(), self.panel(tag.model)
        plan = plan_promotion(known, tag, reason=why, override=override, panel=panel, now=now)
        if not override and self._outdated(version):
            return self._judged_again(tag, why, anew if begun else None)
        verdict = version.decision.verdict.value if version.decision else None
        overriding = Override(tag=str(tag), reason=why, verdict=verdict) if override else None
        return proposal(state, *begun, *news, overriding, self._verified(version, plan))

    def propose_answer(self, tag: Tag | str, *, reason: str, approved: bool) -> Proposal:
        """Approve or deny a decision that waits; see `Registry.approve` and `Registry.deny`."""
        tag = Tag.parse(tag)
        why = required(reason)
        self.stored(tag)
        state = self.settled(tag.model)
        if approved:
            self.fresh_start(state)
        version, panel = find(state, tag), self.panel(tag.model)
        if approved:
            check_readmitted(tag, blocking(state, self.store, tag))
        check_answer(state, version, panel, self._journal.actor, approved=approved, now=self._clock())
        check_rival(state, version)
        assert version.decision is not None  # noqa: S101 - seen to above
        answer = Approval(tag=str(tag), decision=version.decision.digest, approved=approved, reason=why)
        plan = plan_answer(self._journal.foreseen(state, (answer,)), tag, panel)
        return proposal(state, answer, self._verified(version, plan) if plan and approved else plan)

    def propose_rollback(
        self,
        model: str,
        *,
        reason: str,
        to: Tag | str | None = None,
        at: datetime | None = None,
        data: str | Path | None = None,
    ) -> Proposal:
        """Bring back an earlier champion; see `Registry.rollback`."""
        why = required(reason)
        state = self.settled(model)
        known = dict.fromkeys((*self.models(), *self.store.models())) if state.seq == 0 else (model,)
        if model not in known:
            raise UnknownName("model", model, known)
        entries = self.ledger.entries(model)
        target = rollback_target(state, entries, to=Tag.parse(to) if to else None, at=at)
        plan = plan_rollback(state, target, reason=why)
        tag = Tag.parse(plan.moves[0].tag)
        try:
            self.stored(tag)
        except (Refused, TornVersion) as error:
            raise type(error)(lost(state, entries, self.store, tag, str(error))) from error
        return proposal(state, self._verified(state.versions[plan.moves[0].tag], plan, data))

    def propose_adoption(
        self,
        tag: Tag | str,
        *,
        reason: str,
        trained_before: float | str | date | None = None,
        assume_clean: bool = False,
    ) -> Proposal:
        """Vouch for a version whose training rows are unknown; see `Registry.adopt`."""
        tag = Tag.parse(tag)
        if (trained_before is None) != assume_clean:
            message = "Say what is known of its training rows: either --trained-before TIME or --assume-clean."
            raise Refused(message)
        why, bound = required(reason), None if trained_before is None else bound_of(trained_before)
        stored = self.stored(tag)
        serves = stored.stage == Stage.PROD
        state = self.settled(tag.model)
        news = self._registrations(state, tag, *(labelled_prod(self.store, tag.model) if serves else ()))
        known = self._journal.foreseen(state, news)
        plan = plan_adoption(known, tag, reason=why) if serves else None
        if bound is not None:
            check_bound(find(known, tag), self._reader, bound)
        adoption = Adoption(tag=str(tag), reason=why, trained_before=bound, assumed_clean=assume_clean)
        return proposal(state, *news, adoption, self._verified(find(known, tag), plan) if plan else None)

    def propose_readmission(self, tag: Tag | str, *, reason: str) -> Proposal:
        """Let a version that was rolled back from be judged like any other again; see `Registry.readmit`."""
        tag = Tag.parse(tag)
        why = required(reason)
        state = self.settled(tag.model)
        if find(state, tag).rolled_back is None:
            twin = blocking(state, self.store, tag)
            message = f"No rollback keeps {tag} out. The gate judges it like any other."
            if twin:
                message = f"Nobody rolled back from {tag} itself. {kept_out(tag, twin)}"
            raise Refused(message)
        return proposal(state, Readmission(tag=str(tag), reason=why))

    def _judged_again(self, tag: Tag, reason: str, start_anew: str | None) -> Proposal:
        """As the gate judges; a promotion that follows is the person's."""
        judged = self.propose_gate(tag, start_anew=start_anew)
        bodies = (
            replace(body, reason=reason) if isinstance(body, TransitionPlanned) and judged.promotes else body
            for body in judged.bodies
        )
        return replace(judged, bodies=tuple(bodies))

    def _outdated(self, version: Known) -> bool:
        """Whether the file whose rows judged a version has changed since; one that is gone takes no decision away.

        Raises:
            Refused: it has, and the gate would not take this file by itself.
        """
        used = version.decision.holdout if version.decision else None
        differs = changed(used, self.config.root) if used else False
        if used is None or differs is False:
            return False
        if differs is None:
            self.notice(
                f"{used.data}, whose rows judged {version.tag}, cannot be read, so nobody knows whether it has changed "
                "since; the decision stands."
            )
            return False
        chosen = self._reader.chosen(Tag.parse(version.tag).model, version.registration)
        if chosen != used.data:
            message = (
                f"{version.tag} was judged by {used.data}, which has changed since. `promotion gate {version.tag} "
                f"--data {used.data}` (or --holdout) judges it again by that file, --rejudge by {chosen}."
            )
            raise Refused(message)
        self.notice(f"{used.data}, whose rows judged {version.tag}, has changed since, so it is judged again.")
        return True

    def _verified(self, version: Known, plan: TransitionPlanned, data: str | Path | None = None) -> TransitionPlanned:
        """The plan, once its version is seen to load and score; what could not be seen is noticed and recorded."""
        unseen = verify(version, self.store, self._reader, data)
        if not unseen:
            return plan
        self.notice(unseen)
        return replace(plan, unseen=unseen)

"""Changes worked out and not yet made: what each command would record and move. Reads, and writes nothing.

A dry run ends here; `Registry.carry_out` goes on from here.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from promotion.errors import Refused
from promotion.judgement import Decision
from promotion.registry.entries import Adoption, Body, Judgement, Override, TransitionPlanned
from promotion.registry.gating import judge
from promotion.registry.mending import Mending, mending
from promotion.registry.record import Record
from promotion.registry.retention import plan_retention
from promotion.registry.serving import adoption_hint, labelled_prod, serving
from promotion.registry.state import State
from promotion.registry.transition import find, plan_adoption, plan_promotion, plan_rollback, plan_verdict
from promotion.seams import Step, Stray, call
from promotion.vocabulary import Stage, Tag


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A change that is worked out and not yet made.

    Attributes:
        state: what it was worked out from; it can be carried out only while nobody has recorded more.
        bodies: what it records, all of it or nothing.
        strays: what it moves out of the store; of a repair.
    """

    state: State
    bodies: tuple[Body, ...] = ()
    strays: tuple[Stray, ...] = ()

    @property
    def plan(self) -> TransitionPlanned | None:
        """The moves that it makes, if any."""
        return next((body for body in self.bodies if isinstance(body, TransitionPlanned)), None)

    @property
    def decision(self) -> Decision | None:
        """The decision that it records, if it judges."""
        return next((body.decision for body in self.bodies if isinstance(body, Judgement)), None)


class Proposals(Record):
    """The registry as one who works out changes has it; the arguments are those of `Record`.

    Every method raises `Refused` where the rules do not allow the change, and while an interrupted one is unfinished.
    """

    def propose_gate(
        self,
        tag: Tag,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
        step: Step = call,
    ) -> Proposal:
        """Judge a version against the champion: the decision and the moves that follow from it; see `Registry.gate`."""
        self.store.get(tag)
        self.config.model(tag.model)
        state = self.settled(tag.model)
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
        return _proposal(state, *news, judgement, plan)

    def propose_promotion(self, tag: Tag, *, reason: str, override: bool = False) -> Proposal:
        """Put a version into `prod` by hand; see `Registry.promote`."""
        self.store.get(tag)
        state = self.settled(tag.model)
        news = self._registrations(state, tag, *labelled_prod(self.store, tag.model))
        known = self._journal.foreseen(state, news)
        self._verify(known, tag)
        plan = plan_promotion(known, tag, reason=required(reason), override=override)
        last = find(known, tag).decision
        overriding = Override(tag=str(tag), reason=reason, verdict=last.verdict.value if last else None)
        return _proposal(state, *news, overriding if override else None, plan)

    def propose_rollback(self, model: str, *, reason: str) -> Proposal:
        """Bring back an earlier champion; see `Registry.rollback`."""
        state = self.settled(model)
        plan = plan_rollback(state, reason=required(reason))
        self._verify(state, Tag.parse(plan.moves[0].tag))
        return _proposal(state, plan)

    def propose_adoption(
        self, tag: Tag, *, reason: str, trained_before: float | None = None, assume_clean: bool = False
    ) -> Proposal:
        """Vouch for a version whose training rows are unknown; see `Registry.adopt`."""
        if (trained_before is None) != assume_clean:
            message = "Say what is known of its training rows: either --trained-before TIME or --assume-clean."
            raise Refused(message)
        stored = self.store.get(tag)
        labelled = labelled_prod(self.store, tag.model)
        state = self.settled(tag.model)
        news = self._registrations(state, tag, *(labelled if stored.stage == Stage.PROD else ()))
        adoption = Adoption(
            tag=str(tag), reason=required(reason), trained_before=trained_before, assumed_clean=assume_clean
        )
        known = self._journal.foreseen(state, news)
        plan = plan_adoption(known, tag, reason=reason) if stored.stage == Stage.PROD else None
        return _proposal(state, *news, adoption, plan)

    def propose_repair(self, model: str) -> Proposal:
        """Write the ledger's stage over every label that disagrees; see `Registry.repair`."""
        state = self.settled(model)
        mend: Mending = mending(state, self.store.versions(model), self.store.strays())
        news = self._registrations(state, *mend.unknown)
        return Proposal(state=state, bodies=(*news, *((mend.plan,) if mend.plan else ())), strays=mend.strays)

    def propose_retention(self, model: str, *, keep: int, registered_before: datetime, reason: str) -> Proposal:
        """Delete versions that nobody will need again; see `Registry.collect`."""
        state = self.settled(model)
        present = {str(stored.tag) for stored in self.store.versions(model)}
        plan = plan_retention(state, present, keep=keep, before=registered_before, reason=required(reason))
        return _proposal(state, plan)

    def settled(self, model: str) -> State:
        """The state, where nothing is unfinished.

        Raises:
            Refused: a transition was interrupted and is yet to be completed.
        """
        state = self._journal.state(model)
        if state.pending:
            seq, plan = state.pending
            message = (
                f"The {plan.cause} of entry {seq} of '{model}' was interrupted before all of it was done. "
                f"`promotion repair {model}` (or any command that changes something) completes it."
            )
            raise Refused(message)
        return state

    def _verify(self, state: State, tag: Tag) -> None:
        """Load the version, its files verified: what cannot be loaded must not serve."""
        self.store.load(tag, digest=find(state, tag).registration.digest)


def required(reason: str) -> str:
    """The reason, which a change by hand needs.

    Raises:
        Refused: it is empty.
    """
    if not reason.strip():
        message = "A change by hand needs a reason: --reason 'why'."
        raise Refused(message)
    return reason


def _proposal(state: State, *bodies: Body | None) -> Proposal:
    return Proposal(state=state, bodies=tuple(body for body in bodies if body is not None))

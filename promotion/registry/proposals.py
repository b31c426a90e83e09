"""Changes worked out and not yet made: what each command would record and move. Reads, and writes nothing.

A dry run ends here; `Registry.carry_out` goes on from here.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from promotion.errors import MirrorError, PromotionError, Refused
from promotion.interfaces import Names, Step, StoreMaintenance, Stray, call
from promotion.iso import in_utc
from promotion.ledger.entries import Body, FreshStart, Judgement, Takeover, TransitionPlanned
from promotion.ledger.state import State, champions
from promotion.patience import patience
from promotion.policy import Decision
from promotion.registry.foreign import (
    UnknownChampion,
    foreign_told,
    needless_start,
    of_ours,
    unanswered,
    unknown_champion,
)
from promotion.registry.gate import judge, withhold
from promotion.registry.gc import Retention, plan_retention, retention
from promotion.registry.record import Record
from promotion.registry.repair import mending
from promotion.registry.rolled_back import blocking, rollback_check
from promotion.registry.serving import adoption_hint, champion_trouble, serving, unfinished
from promotion.registry.transition import find, plan_verdict, stands
from promotion.vocabulary import Tag


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A change that is worked out and not yet made.

    Attributes:
        state: what it was worked out from; it can be carried out only while nobody has recorded more.
        bodies: what it records, all of it or nothing.
        strays, leftovers: what it moves out of the store, and what it deletes beside it; of a repair.
        lost: why the champion of record cannot serve from this store, so that no label is written for it; of a repair.
        claims: whether it has the store say that the model is this ledger's, where it names none; of a repair.
        foreign: the aliases in MLflow that it writes over, with what somebody else had them name; of a repair.
        retention: which versions go, and why the others stay; of a deletion.
        standing: what was decided again just as it stands on record, so that nothing is recorded; of a judgement.
    """

    state: State
    bodies: tuple[Body, ...] = ()
    strays: tuple[Stray, ...] = ()
    leftovers: tuple[Stray, ...] = ()
    lost: str = ""
    claims: bool = False
    foreign: Names = field(default_factory=dict)
    retention: Retention | None = None
    standing: Decision | None = None

    @property
    def plan(self) -> TransitionPlanned | None:
        """The moves that it makes, if any."""
        return next((body for body in self.bodies if isinstance(body, TransitionPlanned)), None)

    @property
    def takeover(self) -> Takeover | None:
        """That a model of another ledger becomes this one's, if it does."""
        return next((body for body in self.bodies if isinstance(body, Takeover)), None)

    @property
    def promotes(self) -> bool:
        """Whether it puts another version into `prod`."""
        before = self.state.champion.tag if self.state.champion else None
        return self.plan is not None and self.plan.champion not in {None, before}

    @property
    def decision(self) -> Decision | None:
        """The decision that it records or finds on record, if it judges."""
        return next((body.decision for body in self.bodies if isinstance(body, Judgement)), self.standing)


class Proposals(Record):
    """The registry as one who works out changes has it; the arguments are those of `Record`.

    Every method raises `Refused` where the rules do not allow the change, and while an interrupted one is unfinished.
    """

    def propose_gate(
        self,
        tag: Tag | str,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
        step: Step = call,
        start_anew: str | None = None,
    ) -> Proposal:
        """Judge a version against the champion: the decision and the moves that follow from it; see `Registry.gate`.

        Where the very same decision stands already and nothing follows from it, there is nothing to record. A version
        that was rolled back from is held before any row is read, and spends nothing of the holdout.
        """
        tag = Tag.parse(tag)
        self.stored(tag)
        self.config.model(tag.model)
        state = self.settled(tag.model)
        if not blocking(state, self.store, tag):
            self._foresee(state, tag, data, holdout)
        begun = self.fresh_start(state, start_anew)
        rival = serving(state, self.store)
        if rival == tag:
            message = f"{tag} serves already; a challenger is judged against it with `promotion gate TAG`."
            raise Refused(message + adoption_hint(state, tag))
        news = self._registrations(state, *filter(None, (tag, rival)))
        known = self._journal.foreseen(state, news)
        back = blocking(known, self.store, tag)
        if back:
            sides = find(known, tag), find(known, rival) if rival else None
            judgement = withhold(*sides, self.config.model(tag.model).policy, rollback_check(tag, back))
        else:
            judgement = judge(
                self._side("challenger", known, tag),
                self._side("champion", known, rival) if rival else None,
                self._reader.judging(tag.model, find(known, tag).registration, data, holdout),
                self.config.model(tag.model).policy,
                self.store,
                step,
                earlier=state.trials,
            )
        plan = plan_verdict(known, tag, judgement.decision)
        if plan is None and stands(find(known, tag), judgement.decision_digest):
            return replace(proposal(state, *begun), standing=judgement.decision)
        return proposal(state, *begun, *news, judgement, plan)

    def fresh_start(self, state: State, reason: str | None = None) -> tuple[FreshStart, ...]:
        """What is to be recorded before a model has its first champion; nothing where MLflow has none either.

        Args:
            state: of the model; where it has a champion, or began anew before, MLflow is not asked.
            reason: why a person goes on without MLflow's champion, or without MLflow's answer; None where nobody said.
                Where there is nothing to go on without, a notice says that it is not recorded.

        Raises:
            UnknownChampion: MLflow has a champion that the ledger does not know, and there is no reason.
            Refused: MLflow does not answer, and there is no reason; or, before either, the model is another ledger's.
        """
        try:
            shown = self._unknown(state)
        except MirrorError as error:
            if reason is None:
                self.claims.check(state)
                raise Refused(unanswered(state.model, error)) from error
            return (FreshStart(reason=required(reason)),)
        if shown and reason is None:
            self.claims.check(state)  # a champion of the model's own ledger is not this one's to adopt
            raise UnknownChampion(state.model, shown, self.store.name)
        if reason is None:
            return ()
        if not shown:
            self.notice(needless_start(state, required(reason)))
            return ()
        return (FreshStart(reason=required(reason), aliases=shown),)

    def _unknown(self, state: State) -> dict[str, str]:
        """MLflow's aliases, where it has a champion that the ledger does not know, and nobody said to start anew."""
        if state.champion or state.fresh_start:
            return {}
        with patience():
            shown = self.mirror.aliases(state.model)
        return of_ours(shown) if unknown_champion(state, shown) else {}

    def propose_repair(self, model: str) -> Proposal:
        """Write the ledger's stage over every label that disagrees, and clear the store; see `Registry.repair`.

        Where an interrupted change is unfinished, this is what would be left to do once it is completed.

        Raises:
            Refused: the model in the store belongs to another ledger, whose labels are not ours to write.
        """
        state = self._journal.state(model)
        self.claims.check(state)
        lost = champion_trouble(state, self.store, whole=True)
        mend = mending(state, self.store.versions(model), lost=bool(lost))
        recorded = proposal(state, *self._registrations(state, *mend.unknown), mend.plan)
        strays, leftovers = self._in_the_store()
        cleared = replace(recorded, lost=lost, strays=strays, leftovers=leftovers)
        return replace(cleared, claims=self.claims.missing(state), foreign=self._written_over(state))

    def _in_the_store(self) -> tuple[tuple[Stray, ...], tuple[Stray, ...]]:
        """What a repair clears: strays and leftovers; none, with a notice, of a store that cannot tell them."""
        if isinstance(self.store, StoreMaintenance):
            return self.store.strays(), self.store.leftovers()
        self.notice(f"The {self.store.name} does no maintenance, so a repair moves or deletes nothing in it.")
        return (), ()

    def _written_over(self, state: State) -> Names:
        """The foreign aliases that a repair writes over; none while MLflow is away, or has a champion unknown to us."""
        try:
            with patience():
                found = self.foreign(state)
        except MirrorError:
            return {}
        if unknown_champion(state, found):
            self.notice(foreign_told(state, found))
            return {}
        return found

    def propose_retention(
        self, model: str, *, keep: int, reason: str, registered_before: datetime | None = None
    ) -> Proposal:
        """Delete versions that nobody will need again; see `Registry.collect`."""
        state = self.settled(model)
        found = retention(
            state,
            {champion.tag for _, champion in champions(model, self.ledger.entries(model)) if champion},
            {str(stored.tag) for stored in self.store.versions(model)},
            keep=keep,
            before=in_utc(registered_before) if registered_before else None,
            now=self._clock(),
        )
        if found.doubt:
            self.notice(found.doubt)
        return replace(proposal(state, plan_retention(state, found, reason=required(reason))), retention=found)

    def propose_takeover(self, model: str, *, reason: str) -> Proposal:
        """Hand the model in the store over to this ledger; see `Registry.take`."""
        why, state, mirrored = required(reason), self._journal.state(model), None
        try:
            mirrored = self.mirror.head(model)
        except MirrorError as error:
            self.notice(f"{error} What it was sent until now is not recorded, and may have to be settled by hand then.")
        return proposal(state, self.claims.takeover(state, reason=why, mirrored=mirrored))

    def settled(self, model: str) -> State:
        """The state, where nothing is unfinished; of a model that belongs to another ledger with a notice.

        Raises:
            Refused: a transition was interrupted and is yet to be completed.
        """
        state = self._journal.state(model)
        if state.pending:
            raise self._in_the_way(state)
        self._tell_other(model)
        return state

    def _in_the_way(self, state: State) -> PromotionError:
        """Why nothing can be proposed while a transition is unfinished."""
        return Refused(unfinished(state))

    def _tell_other(self, model: str) -> None:
        other = self.other_ledger(model)
        if other:
            self.notice(f"{other} This is worked out from what this ledger knows, and cannot be carried out.")


def required(reason: str) -> str:
    """The reason, which a change by hand needs.

    Raises:
        Refused: it is empty.
    """
    if not reason.strip():
        message = "A change by hand needs a reason: --reason 'why'."
        raise Refused(message)
    return reason


def proposal(state: State, *bodies: Body | None) -> Proposal:
    """The change that records these bodies, where there are any."""
    return Proposal(state=state, bodies=tuple(body for body in bodies if body is not None))

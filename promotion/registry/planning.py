"""What each change would record and move: worked out, and not yet made. A dry run ends here."""

from datetime import date, datetime
from pathlib import Path

from promotion.interfaces import Step, call
from promotion.ledger.entries import FreshStart
from promotion.ledger.state import State
from promotion.registry.adopt import plan_adoption
from promotion.registry.approve import plan_approval
from promotion.registry.gate import plan_gate
from promotion.registry.gc import plan_gc
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan
from promotion.registry.preflight import fresh_start, settled
from promotion.registry.promote import plan_promotion
from promotion.registry.readmit import plan_readmission
from promotion.registry.repair import plan_repair
from promotion.registry.rollback import plan_rollback
from promotion.registry.takeover import plan_takeover
from promotion.vocabulary import Tag


class Planning:
    """Works out changes; reads, and writes nothing. `Registry.apply` makes them.

    Every method raises `Refused` where the rules do not allow the change, and while an interrupted one is unfinished.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def settled(self, model: str) -> State:
        """The state, where nothing is unfinished; of a model that belongs to another ledger with a notice.

        Raises:
            Refused: a transition was interrupted and is yet to be completed.
        """
        return settled(self._parts, model)

    def fresh_start(self, state: State, reason: str | None = None) -> tuple[FreshStart, ...]:
        """What is to be recorded before a model has its first champion; nothing where MLflow has none either.

        Raises:
            Refused: MLflow has a champion that the ledger does not know, or does not answer, and there is no reason.
        """
        return fresh_start(self._parts, state, reason)

    def gate(
        self,
        tag: Tag | str,
        *,
        data: str | Path | None = None,
        holdout: str | Path | None = None,
        step: Step = call,
        start_anew: str | None = None,
    ) -> Plan:
        """Judge a version against the champion: the decision and the moves that follow from it; see `Registry.gate`.

        Where the very same decision stands already and nothing follows from it, there is nothing to record. A version
        that was rolled back from is held before any row is read, and spends nothing of the holdout.
        """
        return plan_gate(self._parts, Tag.parse(tag), data=data, holdout=holdout, step=step, start_anew=start_anew)

    def promotion(
        self, tag: Tag | str, *, reason: str, override: bool = False, rejudge: bool = False, start_anew: bool = False
    ) -> Plan:
        """Put a version into `prod`, judged again where that is asked for or due; see `Registry.promote`."""
        return plan_promotion(
            self._parts, Tag.parse(tag), reason=reason, override=override, rejudge=rejudge, start_anew=start_anew
        )

    def approval(self, tag: Tag | str, *, reason: str, approved: bool) -> Plan:
        """Approve or deny a decision that waits; see `Registry.approve` and `Registry.deny`."""
        return plan_approval(self._parts, Tag.parse(tag), reason=reason, approved=approved)

    def rollback(
        self,
        model: str,
        *,
        reason: str,
        to: Tag | str | None = None,
        at: datetime | None = None,
        data: str | Path | None = None,
    ) -> Plan:
        """Bring back an earlier champion; see `Registry.rollback`."""
        return plan_rollback(self._parts, model, reason=reason, to=to, at=at, data=data)

    def adoption(
        self,
        tag: Tag | str,
        *,
        reason: str,
        trained_before: float | str | date | None = None,
        assume_clean: bool = False,
    ) -> Plan:
        """Vouch for a version whose training rows are unknown; see `Registry.adopt`."""
        return plan_adoption(
            self._parts, Tag.parse(tag), reason=reason, trained_before=trained_before, assume_clean=assume_clean
        )

    def readmission(self, tag: Tag | str, *, reason: str) -> Plan:
        """Let a version that was rolled back from be judged like any other again; see `Registry.readmit`."""
        return plan_readmission(self._parts, Tag.parse(tag), reason=reason)

    def repair(self, model: str) -> Plan:
        """Write the ledger's stage over every label that disagrees, and clear the store; see `Registry.repair`.

        Where an interrupted change is unfinished, this is what would be left to do once it is completed.

        Raises:
            Refused: the model in the store belongs to another ledger, whose labels are not ours to write.
        """
        return plan_repair(self._parts, model)

    def gc(self, model: str, *, keep: int, reason: str, registered_before: datetime | None = None) -> Plan:
        """Delete versions that nobody will need again; see `Registry.collect`."""
        return plan_gc(self._parts, model, keep=keep, reason=reason, registered_before=registered_before)

    def takeover(self, model: str, *, reason: str) -> Plan:
        """Hand the model in the store over to this ledger; see `Registry.take`."""
        return plan_takeover(self._parts, model, reason=reason)

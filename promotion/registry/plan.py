"""A change that is worked out and not yet made: what it would record and move."""

from dataclasses import dataclass, field

from promotion.errors import Refused
from promotion.interfaces import Names, Stray
from promotion.ledger.entries import Body, Judgement, Takeover, TransitionPlanned
from promotion.ledger.state import State
from promotion.policy import Decision
from promotion.registry.retention import Retention


@dataclass(frozen=True, kw_only=True)
class Plan:
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
    def transition(self) -> TransitionPlanned | None:
        """The moves that it makes, if any."""
        return next((body for body in self.bodies if isinstance(body, TransitionPlanned)), None)

    @property
    def moved(self) -> TransitionPlanned:
        """The moves of a change that always makes some."""
        assert self.transition is not None  # noqa: S101
        return self.transition

    @property
    def takeover(self) -> Takeover | None:
        """That a model of another ledger becomes this one's, if it does."""
        return next((body for body in self.bodies if isinstance(body, Takeover)), None)

    @property
    def promotes(self) -> bool:
        """Whether it puts another version into `prod`."""
        before = self.state.champion.tag if self.state.champion else None
        return self.transition is not None and self.transition.champion not in {None, before}

    @property
    def decision(self) -> Decision | None:
        """The decision that it records or finds on record, if it judges."""
        return next((body.decision for body in self.bodies if isinstance(body, Judgement)), self.standing)

    @property
    def decided(self) -> Decision:
        """The decision of a change that always judges."""
        assert self.decision is not None  # noqa: S101
        return self.decision


def required(reason: str) -> str:
    """The reason, which a change by hand needs.

    Raises:
        Refused: it is empty.
    """
    if not reason.strip():
        raise Refused("A manual change needs a reason: --reason 'why'.")
    return reason


def plan_of(state: State, *bodies: Body | None) -> Plan:
    """The change that records these bodies, where there are any."""
    return Plan(state=state, bodies=tuple(body for body in bodies if body is not None))

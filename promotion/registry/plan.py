"""A plan: the entries and moves of a change that is worked out and not yet applied."""

from dataclasses import dataclass, field

from promotion.errors import Refused
from promotion.interfaces import ForeignFile, Names
from promotion.ledger.entries import Adoption, Body, Judgement, Registration, Takeover, TransitionPlanned
from promotion.ledger.state import State
from promotion.policy import Decision
from promotion.registry.retention import Retention


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A change that is worked out and not yet applied.

    Attributes:
        state: the state that it was worked out from; it can be applied only while nothing more is
            recorded.
        bodies: what it records, all of it or nothing.
        foreign_files, leftovers: (repair) what it moves out of the store, and the temporary files
            that it deletes.
        lost: (repair) why the champion of record cannot serve from this store, so that its label is
            not written.
        claims: (repair) whether it claims the model for this ledger because the store has no claim.
        foreign: (repair) the MLflow aliases that it overwrites, with the versions that they name.
        retention: (deletion) which versions it deletes, and why the others stay.
        standing: (judgement) the recorded decision, if it was reached again and nothing is
            recorded.
    """

    state: State
    bodies: tuple[Body, ...] = ()
    foreign_files: tuple[ForeignFile, ...] = ()
    leftovers: tuple[ForeignFile, ...] = ()
    lost: str = ""
    claims: bool = False
    foreign: Names = field(default_factory=dict)
    retention: Retention | None = None
    standing: Decision | None = None

    @property
    def transition(self) -> TransitionPlanned | None:
        """The planned moves, if any."""
        return next((body for body in self.bodies if isinstance(body, TransitionPlanned)), None)

    @property
    def moved(self) -> TransitionPlanned:
        """The planned moves of a change that always has some."""
        assert self.transition is not None  # noqa: S101
        return self.transition

    @property
    def adopted(self) -> str:
        """The adopted version of a change that always adopts one."""
        return next(body.tag for body in self.bodies if isinstance(body, Adoption))

    @property
    def registered(self) -> tuple[str, ...]:
        """The versions that it registers."""
        return tuple(body.tag for body in self.bodies if isinstance(body, Registration))

    @property
    def takeover(self) -> Takeover | None:
        """The takeover of a model from another ledger, if any."""
        return next((body for body in self.bodies if isinstance(body, Takeover)), None)

    @property
    def promotes(self) -> bool:
        """Whether the plan puts another version into `prod`."""
        before = self.state.champion.tag if self.state.champion else None
        return self.transition is not None and self.transition.champion not in {None, before}

    @property
    def decision(self) -> Decision | None:
        """The decision that a judgement records or finds on record, if any."""
        return next((body.decision for body in self.bodies if isinstance(body, Judgement)), self.standing)

    @property
    def decided(self) -> Decision:
        """The decision of a change that always judges."""
        assert self.decision is not None  # noqa: S101
        return self.decision


def required(reason: str) -> str:
    """Return the reason, which every manual change needs."""
    if not reason.strip():
        raise Refused("A manual change needs a reason. Add --reason 'why'.")
    if not reason.strip(" .…"):
        raise Refused(f"The reason '{reason}' is only a placeholder. Replace it with your reason.")
    return reason


def plan_of(state: State, *bodies: Body | None) -> Plan:
    """Return a plan that records these bodies, without those that are None."""
    return Plan(state=state, bodies=tuple(body for body in bodies if body is not None))
